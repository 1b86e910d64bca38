/** Makes the first attempts of a batch, and does not let a slow target hold up the runs of the others. */
import type { TriggerSpec } from '../../src/manifest/sensor';
import type { CallUnderWay, TimedAttempt } from '../../src/contract/fires';
import { callDeadline, type FirstAttempt } from '../../src/sandbox/run/trigger-traits';
import type { SensorDefinition } from '../../src/contract/definitions';
import type { FireTriggersRequest } from '../../src/contract/activities';
import type { FireLoad } from '../worker/fire-load';
import { CONCURRENT_FIRES, isTriedOnce, type Firing } from '../firing/firing';
import { SluiceError } from '../../src/errors/sluice-error';
import { showDuration } from '../../src/text/readable-times';
import { toFireFailure } from '../worker/failures';
import { concurrentlyAll } from '../../src/concurrency/concurrently';
import { unlessAborted } from '../../src/concurrency/open-while-wanted';
import type { CallsUnderWay } from './calls-under-way';
import type { MadeAttempt } from './unrecorded-attempts';

/** A repeatable attempt that takes longer is given up and left to the run, like all of its batch that have not begun. */
const GIVE_UP_AFTER_MS = 2_000;
/** The runs of a batch do not wait longer than this for a noted attempt, which goes on meanwhile. */
const AWAIT_RESPONSE_MS = 500;
/**
 * The runs of a batch wait for its attempts, so none begins later than this, even if each is merely slow. Runs make more
 * of those at a time that wait for a target.
 */
const BEGIN_WITHIN_MS: Readonly<Record<FirstAttempt, number>> = { repeatable: 5_000, noted: 500 };
/** A server that does not respond must not delay every batch. */
const PAUSE_AFTER_WAITING_MS = 10_000;
/** Runs carry failures in their input. */
const MAX_MESSAGE_LENGTH = 4_000;

export interface AttemptRunnerOptions {
  readonly definition: SensorDefinition;
  readonly firing: Firing;
  readonly fireLoad: FireLoad;
  readonly calls: CallsUnderWay;
}

export interface AttemptJob {
  readonly request: FireTriggersRequest;
  readonly index: number;
  readonly fireId: string;
  readonly kind: FirstAttempt;
  readonly trigger: TriggerSpec;
}

/** An attempt that was made, or one that has begun. */
export type BegunAttempt = MadeAttempt | (Pick<MadeAttempt, 'runId'> & { readonly call: CallUnderWay });

export class AttemptRunner {
  private readonly pausedUntil: Record<FirstAttempt, number> = { repeatable: -Infinity, noted: -Infinity };

  constructor(private readonly options: AttemptRunnerOptions) {}

  /** True for a while after a target did not respond in time. */
  isPausing(kind: FirstAttempt): boolean {
    return performance.now() < this.pausedUntil[kind];
  }

  /** Attempts that were given up, or not begun in time, are missing from the result. */
  async run(jobs: readonly AttemptJob[], signal: AbortSignal): Promise<ReadonlyMap<string, BegunAttempt>> {
    const { definition, fireLoad } = this.options;
    fireLoad.begun(
      definition,
      jobs.map(({ fireId }) => fireId),
    );
    const beganAt = performance.now();
    const attempts = new Map<string, BegunAttempt>();
    const tooSlow = new Set<FirstAttempt>();
    // One listener on the signal for all: `AbortSignal.any` would take longer than the rest of an attempt's bookkeeping.
    const inFlight = new Set<AbortController>();
    const onAbort = (): void => {
      for (const controller of inFlight) controller.abort(signal.reason);
    };
    signal.addEventListener('abort', onAbort, { once: true });
    try {
      await concurrentlyAll(jobs, CONCURRENT_FIRES, async (job) => {
        const { kind, fireId, request } = job;
        if (tooSlow.has(kind) || signal.aborted || performance.now() - beganAt > BEGIN_WITHIN_MS[kind]) return;
        const stop = new AbortController();
        inFlight.add(stop);
        const begun = kind === 'noted' ? this.call(job, stop.signal) : this.attemptOne(job, stop);
        const attempt = await begun.finally(() => inFlight.delete(stop));
        if (attempt === undefined || 'until' in attempt) tooSlow.add(kind);
        if (attempt === undefined) fireLoad.finished([fireId]);
        else if ('until' in attempt) attempts.set(fireId, { call: attempt, runId: request.runId });
        else {
          attempts.set(fireId, { attempt, runId: request.runId, kind });
          fireLoad.finished([fireId]);
        }
      });
    } finally {
      signal.removeEventListener('abort', onAbort);
    }
    if (!signal.aborted) {
      for (const kind of tooSlow) this.pausedUntil[kind] = performance.now() + PAUSE_AFTER_WAITING_MS;
    }
    return attempts;
  }

  /** Undefined if it was given up. */
  private async attemptOne({ request, index }: AttemptJob, giveUp: AbortController): Promise<TimedAttempt | undefined> {
    const at = new Date().toISOString();
    const beganAt = performance.now();
    const timer = setTimeout(() => giveUp.abort(), GIVE_UP_AFTER_MS);
    const over = giveUp.signal;
    const isLast = (trigger: TriggerSpec): boolean => isTriedOnce(trigger) && !over.aborted;
    // A trigger that ignores the signal must not delay the batch.
    const attempt = await unlessAborted(this.options.firing.attempt(request, index, over, isLast), over)
      .catch((error: unknown) => {
        if (!over.aborted) throw error;
      })
      .finally(() => clearTimeout(timer));
    if (attempt === undefined || (over.aborted && attempt.result === undefined)) return undefined;
    return { ...shorten(attempt), at, tookMs: Math.round(performance.now() - beganAt) };
  }

  /** Resolves to the call if it has no response in time, or the listener stops; it goes on then. */
  private async call(job: AttemptJob, stop: AbortSignal): Promise<TimedAttempt | CallUnderWay> {
    const { definition, firing, fireLoad, calls } = this.options;
    const { request, index, fireId, trigger } = job;
    const now = Date.now();
    const at = new Date(now).toISOString();
    const controller = new AbortController();
    const over = controller.signal;
    const beganAt = performance.now();
    const waitMs = callDeadline(trigger);
    const deadline = setTimeout(() => controller.abort(givenUp(`after ${showDuration(waitMs)}`)), waitMs).unref();
    // The run takes it for lost soon afterwards, whatever it waits for.
    const attempt = unlessAborted(firing.attempt(request, index, over), over)
      .catch((error: unknown) => ({ fireId, failure: toFireFailure(error) }))
      .finally(() => clearTimeout(deadline))
      .then((made) => ({ ...shorten(made), at, tookMs: Math.round(performance.now() - beganAt) }));
    const patience = new AbortController();
    const endPatience = (): void => patience.abort();
    const timer = setTimeout(endPatience, AWAIT_RESPONSE_MS);
    stop.addEventListener('abort', endPatience, { once: true });
    const made = await unlessAborted(attempt, patience.signal)
      .catch((error: unknown) => {
        if (!patience.signal.aborted) throw error;
      })
      .finally(() => clearTimeout(timer));
    if (made !== undefined) return made;
    const call = { fireId, at, until: new Date(now + waitMs).toISOString() };
    const abort = (): void => controller.abort(givenUp('because its worker stopped'));
    calls.add({ call, runId: request.runId, attempt, abort });
    fireLoad.calling(definition, [fireId]);
    void attempt.finally(() => fireLoad.finished([fireId]));
    return call;
  }
}

function givenUp(why: string): SluiceError {
  return new SluiceError('TRIGGER_UNREACHABLE', {
    message: `the listener gave up the first attempt ${why}: the request may have been sent`,
    fix: 'Ask the target whether it has received the request, by its Idempotency-Key',
  });
}

function shorten<Attempt extends Pick<TimedAttempt, 'failure'>>(attempt: Attempt): Attempt {
  const { failure } = attempt;
  if (failure === undefined || failure.message.length <= MAX_MESSAGE_LENGTH) return attempt;
  return { ...attempt, failure: { ...failure, message: `${failure.message.slice(0, MAX_MESSAGE_LENGTH)}…` } };
}
