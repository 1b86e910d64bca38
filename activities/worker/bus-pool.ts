/** One connection per event bus and worker, shared by all activities of that worker. */
import { setMaxListeners } from 'node:events';
import { Context } from '@temporalio/activity';
import type { Bus } from '../../src/bus/bus';
import { unlessAborted } from '../../src/concurrency/open-while-wanted';
import type { EventBusDefinition } from '../../src/contract/definitions';

/** Activities that use a bus briefly follow each other closely. */
const CLOSE_UNUSED_AFTER_MS = 60_000;

interface PooledBus {
  readonly opening: Promise<Bus>;
  users: number;
  unusedTimer?: NodeJS.Timeout;
}

export interface BusPoolOptions {
  readonly closeUnusedAfterMs?: number;
  /** Returns the Temporal namespace of the calling activity; default: from its context. */
  readonly temporalNamespace?: () => string;
}

export class BusPool {
  private readonly pooled = new Map<string, PooledBus>();
  private readonly closing = new Set<Promise<void>>();
  private connecting = new AbortController();
  private isClosed = false;

  private readonly closeUnusedAfterMs: number;
  private readonly temporalNamespace: () => string;

  /** `connect` waits for a server that is down, and gives up when the signal aborts. */
  constructor(
    private readonly connect: (
      definition: EventBusDefinition,
      temporalNamespace: string,
      signal: AbortSignal,
    ) => Promise<Bus>,
    options: BusPoolOptions = {},
  ) {
    this.closeUnusedAfterMs = options.closeUnusedAfterMs ?? CLOSE_UNUSED_AFTER_MS;
    this.temporalNamespace = options.temporalNamespace ?? (() => Context.current().info.namespace);
  }

  /**
   * Runs `work` with the open bus; connects on first use. A changed definition gets a connection of its own, and the
   * former one is closed when nothing has used it for a while. Throws what `connectBus` and `work` throw, and the
   * signal's reason if it aborts before the bus is open.
   */
  async use<Result>(
    definition: EventBusDefinition,
    signal: AbortSignal,
    work: (bus: Bus) => Promise<Result>,
  ): Promise<Result> {
    // One listener for each event on its way is expected, not a leak.
    setMaxListeners(0, signal);
    const temporalNamespace = this.temporalNamespace();
    const { namespace, name, spec, options } = definition;
    const key = JSON.stringify([temporalNamespace, namespace, name, spec, options]);
    const pooled = this.pooled.get(key) ?? this.open(key, definition, temporalNamespace);
    pooled.users += 1;
    clearTimeout(pooled.unusedTimer);
    try {
      return await work(await unlessAborted(pooled.opening, signal));
    } finally {
      pooled.users -= 1;
      if (pooled.users === 0) this.closeWhenUnused(key, pooled);
    }
  }

  /**
   * Closes every bus, in use or not, and stops waiting for servers that are down. A bus that an activity opens after
   * this, because it outlived its worker, is closed with its last use.
   */
  async close(): Promise<void> {
    this.isClosed = true;
    this.connecting.abort();
    this.connecting = new AbortController();
    for (const [key, pooled] of this.pooled) this.remove(key, pooled);
    await Promise.all(this.closing);
  }

  private open(key: string, definition: EventBusDefinition, temporalNamespace: string): PooledBus {
    const opening = this.connect(definition, temporalNamespace, this.connecting.signal);
    const pooled: PooledBus = { opening, users: 0 };
    this.pooled.set(key, pooled);
    // The next use retries a bus that could not be reached.
    pooled.opening.catch(() => this.forget(key, pooled));
    return pooled;
  }

  private closeWhenUnused(key: string, pooled: PooledBus): void {
    if (this.pooled.get(key) !== pooled) return;
    if (this.isClosed) this.remove(key, pooled);
    else pooled.unusedTimer = setTimeout(() => this.remove(key, pooled), this.closeUnusedAfterMs).unref();
  }

  private remove(key: string, pooled: PooledBus): void {
    this.forget(key, pooled);
    const closed = pooled.opening
      .then((bus) => bus.close())
      .catch(() => undefined)
      .finally(() => this.closing.delete(closed));
    this.closing.add(closed);
  }

  private forget(key: string, pooled: PooledBus): void {
    clearTimeout(pooled.unusedTimer);
    if (this.pooled.get(key) === pooled) this.pooled.delete(key);
  }
}
