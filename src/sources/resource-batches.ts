/** The steps of a watch on their way to the bus. Pure. */
import type { KnownObject } from './resource-state';
import type { ReceivedEvent } from './source';

const FIRST_RETRY_MS = 100;
const LONGEST_RETRY_MS = 10_000;

export interface ResourceChange {
  readonly uid: string;
  /** Undefined: the object is gone. */
  readonly known: KnownObject | undefined;
  /** Undefined: of a type or an object that the options do not select. */
  readonly event?: ReceivedEvent;
}

/** A step of the watch; its changes are one, except for a list. */
export interface ResourceStep {
  readonly changes: readonly ResourceChange[];
  /** Everything up to here was seen after this step. */
  readonly version?: string;
}

/** Steps whose events are published together. */
export interface ResourceBatch {
  readonly steps: readonly ResourceStep[];
  readonly events: readonly ReceivedEvent[];
  state: 'in flight' | 'released' | 'done';
}

/** In the order of the watch: the position advances only over the first ones that are done. */
export class ResourceBatches {
  private readonly open: ResourceBatch[] = [];
  private retryAt = 0;
  private retryMs = FIRST_RETRY_MS;

  add(steps: readonly ResourceStep[]): ResourceBatch {
    const events = steps.flatMap(({ changes }) => changes).flatMap(({ event }) => event ?? []);
    const batch: ResourceBatch = { steps, events, state: 'in flight' };
    this.open.push(batch);
    return batch;
  }

  /** Returns one to deliver again now. */
  takeReleased(): ResourceBatch | undefined {
    if (performance.now() < this.retryAt) return undefined;
    const released = this.open.find(({ state }) => state === 'released');
    if (released !== undefined) released.state = 'in flight';
    return released;
  }

  /** Milliseconds until one is to be delivered again; undefined if there is none. */
  retryInMs(): number | undefined {
    const isReleased = this.open.some(({ state }) => state === 'released');
    return isReleased ? Math.max(1, this.retryAt - performance.now()) : undefined;
  }

  release(batch: ResourceBatch): void {
    batch.state = 'released';
    this.retryAt = performance.now() + this.retryMs;
    this.retryMs = Math.min(2 * this.retryMs, LONGEST_RETRY_MS);
  }

  /** Returns the steps over which the position may advance. */
  finish(batch: ResourceBatch): readonly ResourceStep[] {
    batch.state = 'done';
    if (batch.events.length > 0) this.retryMs = FIRST_RETRY_MS;
    const unfinished = this.open.findIndex(({ state }) => state !== 'done');
    const done = this.open.splice(0, unfinished < 0 ? this.open.length : unfinished);
    return done.flatMap(({ steps }) => steps);
  }
}
