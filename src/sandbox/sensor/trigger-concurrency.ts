/** Limits how many fires of one trigger run at the same time for each value of a key; the others queue by priority. */
import type { ConcurrencyLimit, EventReference, StateFire } from './dependency-state-types';
import { DEFAULT_PRIORITY } from '../../contract/priority';
import type { EventPlace } from '../../contract/sensor-messages';

/** A safeguard: back-pressure (back-pressure.ts) sets in long before this many are queued. */
const DEFAULT_MAX_WAITING = 2000;

export interface Lane<E> {
  readonly key: string;
  /** Ids of the fires in flight. */
  readonly running: readonly string[];
  /** Next one first. */
  readonly waiting: readonly StateFire<E>[];
}

export type ConcurrencyDecision =
  { readonly kind: 'run' } | { readonly kind: 'wait'; readonly ahead: number } | { readonly kind: 'refuse' };

export class TriggerConcurrency<E extends EventReference> {
  private readonly lanes = new Map<string, { running: Set<string>; waiting: StateFire<E>[] }>();
  private readonly laneOfFire = new Map<string, string>();
  private eventsWaiting = 0;

  constructor(
    private readonly options: ConcurrencyLimit,
    lanes: readonly Lane<E>[] = [],
  ) {
    for (const { key, running, waiting } of lanes) {
      this.lanes.set(key, { running: new Set(running), waiting: [...waiting] });
      for (const fireId of running) this.laneOfFire.set(fireId, key);
      for (const fire of waiting) this.eventsWaiting += countEvents(fire);
    }
  }

  /** Events of all queued fires. */
  waitingEvents(): number {
    return this.eventsWaiting;
  }

  /** Decides about a new fire. One that starts must be reported with `finished`. */
  admit(fire: StateFire<E>): ConcurrencyDecision {
    const key = fire.concurrencyKey ?? '';
    const lane = this.lanes.get(key) ?? { running: new Set<string>(), waiting: [] };
    this.lanes.set(key, lane);
    if (lane.running.size < this.options.limit) {
      this.start(key, fire);
      return { kind: 'run' };
    }
    if (lane.waiting.length >= (this.options.maxWaiting ?? DEFAULT_MAX_WAITING)) return { kind: 'refuse' };
    const ahead = placeInQueue(lane.waiting, fire);
    lane.waiting.splice(ahead, 0, fire);
    this.eventsWaiting += countEvents(fire);
    return { kind: 'wait', ahead };
  }

  /** Marks a fire as finished; returns those that may run now. No effect for unknown ids. */
  finished(fireId: string): StateFire<E>[] {
    const key = this.laneOfFire.get(fireId);
    if (key === undefined) return [];
    this.laneOfFire.delete(fireId);
    this.lanes.get(key)?.running.delete(fireId);
    return this.releaseLane(key);
  }

  /** Returns the fires that may run now although none finished, because the limit was raised. */
  releaseAll(): StateFire<E>[] {
    return [...this.lanes.keys()].flatMap((key) => this.releaseLane(key));
  }

  placesOf(eventKey: string): EventPlace[] {
    return [...this.lanes.values()].flatMap(({ waiting }) =>
      waiting.flatMap((fire, ahead) =>
        stateEventsOf(fire)
          .filter(([, event]) => event.key === eventKey)
          .map(([dependency]) => ({ kind: 'queued', dependency, ahead })),
      ),
    );
  }

  snapshot(): Lane<E>[] {
    return [...this.lanes].map(([key, { running, waiting }]) => ({
      key,
      running: [...running],
      waiting: [...waiting],
    }));
  }

  private releaseLane(key: string): StateFire<E>[] {
    const lane = this.lanes.get(key);
    if (!lane) return [];
    const released = lane.waiting.splice(0, Math.max(0, this.options.limit - lane.running.size));
    for (const fire of released) {
      this.eventsWaiting -= countEvents(fire);
      this.start(key, fire);
    }
    if (lane.running.size === 0 && lane.waiting.length === 0) this.lanes.delete(key);
    return released;
  }

  private start(key: string, fire: StateFire<E>): void {
    this.lanes.get(key)?.running.add(fire.id);
    this.laneOfFire.set(fire.id, key);
  }
}

/** Behind all that are as urgent, before the first that is less so. */
export function placeInQueue<E>(
  waiting: readonly StateFire<E>[],
  { priority = DEFAULT_PRIORITY }: StateFire<E>,
): number {
  return waiting.findLastIndex((other) => (other.priority ?? DEFAULT_PRIORITY) <= priority) + 1;
}

export function countEvents<E>({ dependencies, all }: StateFire<E>): number {
  if (!all) return Object.keys(dependencies).length;
  return Object.values(all).reduce((total, events) => total + events.length, 0);
}

/** Every event of a fire, with the dependency that it satisfied. */
export function stateEventsOf<E>({ dependencies, all }: StateFire<E>): Array<[string, E]> {
  if (!all) return Object.entries(dependencies);
  return Object.entries(all).flatMap(([dependency, events]) => events.map((event): [string, E] => [dependency, event]));
}
