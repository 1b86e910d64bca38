/**
 * Bounds the activities that never end. Each source event, listener and outcome watch holds a slot of its worker for as
 * long as it is applied; a worker whose slots are all held by such activities can no longer fire.
 */
import type { Logger } from 'pino';
import { Pace } from '../../src/concurrency/pace';
import { SluiceError } from '../../src/errors/sluice-error';
import type { Metrics } from '../../src/metrics/metrics';
import { toApplicationFailure } from './failures';

/** With fewer, no slot is left for activities that end. */
const FEWEST_SLOTS = 4;
/** For the worker's sign of life, and for one activity that ends. */
const OTHER_SLOTS = 2;
/** Share of the slots; the others are for triggers and all other activities that end. */
const LONG_SHARE = 0.8;
/** Another worker may start, or an object may be deleted. */
const RETRY_AFTER_MS = 5_000;
const LOG_EVERY_MS = 60_000;

export interface WorkerCapacity {
  readonly taskQueue: string;
  /** Activity slots of the whole worker; undefined with a tuner, which has no fixed number. */
  readonly slots: number | undefined;
  /** Sluice plugins in this worker, which share the slots. */
  readonly sharedBy: number;
}

type Activity<Args extends readonly unknown[]> = (...args: Args) => Promise<void>;

export class LongActivities {
  private capacity: (WorkerCapacity & { readonly slots: number; readonly limit: number }) | undefined;
  private running = 0;
  private readonly logPace = new Pace(LOG_EVERY_MS);

  constructor(
    private readonly metrics: Metrics,
    private readonly log: Logger,
  ) {}

  /** Call before the worker starts. @throws SluiceError PLUGIN_MISUSED for a worker without capacity for any */
  open({ slots, ...worker }: WorkerCapacity): void {
    this.capacity =
      slots === undefined ? undefined : { ...worker, slots, limit: longActivityLimit(slots, worker.sharedBy) };
  }

  /** The slots that they leave for all other activities; undefined with a tuner. */
  get slotsLeft(): number | undefined {
    return this.capacity && this.capacity.slots - this.capacity.limit * this.capacity.sharedBy;
  }

  /** Wraps an activity so that the worker runs at most as many at a time as it has capacity for. */
  bound<Args extends readonly unknown[]>(name: string, run: Activity<Args>): Activity<Args> {
    return async (...args) => {
      if (this.capacity !== undefined && this.running >= this.capacity.limit) {
        throw toApplicationFailure(this.refuse(name, this.capacity.slots));
      }
      this.change(1);
      try {
        await run(...args);
      } finally {
        this.change(-1);
      }
    };
  }

  /** How many run, and may run. */
  counts(): { readonly longActivities: number; readonly limit?: number } {
    return { longActivities: this.running, ...(this.capacity !== undefined && { limit: this.capacity.limit }) };
  }

  private change(by: number): void {
    this.running += by;
    if (this.capacity === undefined) return;
    const { taskQueue, limit } = this.capacity;
    this.metrics.set('sluice_worker_long_activities', { task_queue: taskQueue }, this.running);
    this.metrics.set('sluice_worker_long_activities_limit', { task_queue: taskQueue }, limit);
  }

  private refuse(name: string, slots: number): SluiceError {
    const problem = new SluiceError('WORKER_FULL', {
      message: `no worker has capacity for it: this one runs ${this.running} readers and listeners, of ${slots} activity slots`,
      fix: 'Start another worker, or raise SLUICE_MAX_ACTIVITIES (in a worker of your own maxConcurrentActivityTaskExecutions)',
      retryAfterMs: RETRY_AFTER_MS,
    });
    if (this.logPace.isDue()) {
      this.log.error({ activity: name, taskQueue: this.capacity?.taskQueue }, `${problem.message}. ${problem.fix}`);
    }
    return problem;
  }
}

/** Returns how many of them a plugin's share of a worker allows. @throws SluiceError PLUGIN_MISUSED */
export function longActivityLimit(slots: number, sharedBy: number): number {
  const fewest = FEWEST_SLOTS * sharedBy;
  if (slots >= fewest) return Math.floor(Math.min(slots * LONG_SHARE, slots - OTHER_SLOTS) / sharedBy);
  throw new SluiceError('PLUGIN_MISUSED', {
    message: `the worker has ${slots} activity slots (maxConcurrentActivityTaskExecutions); at least ${fewest} are needed`,
    fix: 'Give it one for each event that is read, each listener and each sensor, and some for triggers',
  });
}
