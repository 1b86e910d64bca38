/** One connection per event bus and worker, shared by everything that worker runs on it. */
import type { Bus } from '../src/bus/bus';
import type { EventBusDefinition } from '../workflows/messages';

export class BusPool {
  private readonly open = new Map<string, Promise<Bus>>();

  private closing = new AbortController();

  /** `connect` waits for a server that is down, and gives up when the signal aborts. */
  constructor(private readonly connect: (definition: EventBusDefinition, signal: AbortSignal) => Promise<Bus>) {}

  /** Connects on first use; a changed definition gets a connection of its own. Throws what `connectBus` throws. */
  get(definition: EventBusDefinition): Promise<Bus> {
    const key = JSON.stringify([definition.namespace, definition.name, definition.spec, definition.options]);
    const known = this.open.get(key);
    if (known !== undefined) return known;
    const opening = this.connect(definition, this.closing.signal);
    this.open.set(key, opening);
    // A bus that could not be reached is tried again by whoever asks next.
    opening.catch(() => this.open.delete(key));
    return opening;
  }

  /** Also ends the waiting for servers that are down. The pool may be used again. */
  async close(): Promise<void> {
    this.closing.abort();
    this.closing = new AbortController();
    const buses = await Promise.allSettled([...this.open.values()]);
    this.open.clear();
    await Promise.allSettled(buses.map(async (bus) => (bus.status === 'fulfilled' ? bus.value.close() : undefined)));
  }
}
