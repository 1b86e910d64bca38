/**
 * First attempts that a listener makes before it starts the run, for triggers whose second attempt finds the object of
 * the first. See docs/decisions/140-act-first.md.
 */
import { WorkflowNotFoundError, type Client } from '@temporalio/client';
import type { TriggerSpec } from '../../src/manifest/sensor';
import type { TimedAttempt } from '../../src/contract/fires';
import { mayActFirst } from '../../src/sandbox/run/trigger-traits';
import type { SensorDefinition } from '../../src/contract/definitions';
import type { RunStart } from '../../src/contract/run-start';
import type { FireTriggersRequest } from '../../src/contract/activities';
import type { FireLoad } from '../worker/fire-load';
import { CONCURRENT_FIRES, isTriedOnce, type Firing } from '../firing/firing';
import type { PlannedRun } from '../starting/group-into-runs';
import { concurrentlyAll } from '../../src/concurrency/concurrently';
import { unlessAborted } from '../../src/concurrency/open-while-wanted';
import type { FireStart } from '../starting/start-runs';
import type { MadeAttempt, UnrecordedAttempts } from './unrecorded-attempts';
import { isYoung } from './young-events';

/** An attempt that takes longer is given up and left to the run, like all of its batch that have not begun. */
const GIVE_UP_AFTER_MS = 2_000;
/** The runs of a batch wait for its attempts, so none begins later than this, even if each is merely slow. */
const BEGIN_WITHIN_MS = 5_000;
/** A server that does not respond must not delay every batch. */
const PAUSE_AFTER_GIVING_UP_MS = 10_000;
const LOOK_TIMEOUT_MS = 1_000;
/** Runs carry failures in their input. */
const MAX_MESSAGE_LENGTH = 4_000;

export interface FirstAttemptsOptions {
  readonly definition: SensorDefinition;
  readonly client: Client;
  readonly firing: Firing;
  readonly fireLoad: FireLoad;
  readonly unrecorded: UnrecordedAttempts;
}

interface Job {
  readonly request: FireTriggersRequest;
  readonly index: number;
  readonly fireId: string;
}

export class FirstAttempts {
  private readonly triggers: ReadonlySet<string>;
  /** Those whose second attempt finds what the first has made. */
  private readonly makingObjects: ReadonlySet<string>;
  /** Temporal accepted the latest runs. If not, no attempt is made: acting must not run ahead of the record. */
  private isRecording = true;
  private pausedUntil = -Infinity;

  constructor(private readonly options: FirstAttemptsOptions) {
    const { triggers } = options.definition.spec;
    const acting = triggers.filter(mayActFirst).map(({ template }) => template);
    this.triggers = new Set(acting.map(({ name }) => name));
    this.makingObjects = new Set(acting.filter(({ log }) => log === undefined).map(({ name }) => name));
  }

  /**
   * Returns attempts by fire id. Makes them only for the first delivery of an event whose run does not exist; for
   * others, returns those that this worker made and could not pass to a run. Never rejects.
   */
  async make(
    runs: readonly PlannedRun[],
    isDeliveredAgain: (fireId: string) => boolean,
    signal: AbortSignal,
  ): Promise<ReadonlyMap<string, MadeAttempt>> {
    const { definition, fireLoad, unrecorded } = this.options;
    const made = new Map<string, MadeAttempt>();
    for (const { id } of runs.flatMap(({ fires }) => fires)) {
      const earlier = unrecorded.get(id);
      if (earlier !== undefined) made.set(id, earlier);
    }
    const jobs = (
      await Promise.all(runs.map((run) => this.jobsOf(run, (fireId) => !made.has(fireId) && !isDeliveredAgain(fireId))))
    ).flat();
    if (jobs.length === 0) return made;
    fireLoad.begun(
      definition,
      jobs.map(({ fireId }) => fireId),
    );
    const attempts = await this.attempt(jobs, signal);
    for (const { fireId, request } of jobs) {
      const attempt = attempts.get(fireId);
      if (attempt !== undefined) made.set(fireId, { attempt, runId: request.runId });
    }
    return made;
  }

  /** Keeps the attempts whose runs could not be started yet, and forgets the others. */
  recorded(made: ReadonlyMap<string, MadeAttempt>, starts: ReadonlyMap<string, FireStart>): void {
    const { unrecorded } = this.options;
    for (const [fireId, attempt] of made) {
      if (starts.get(fireId)?.kind === 'postponed') unrecorded.keep(fireId, attempt);
      else unrecorded.forget(fireId);
    }
    const kinds = new Set([...starts.values()].map(({ kind }) => kind));
    if (kinds.has('postponed')) this.isRecording = false;
    else if (kinds.has('started') || kinds.has('known')) this.isRecording = true;
  }

  private async jobsOf(planned: PlannedRun, isWanted: (fireId: string) => boolean): Promise<Job[]> {
    const { run, isTooLarge } = planned;
    const { workflowId: runId, input } = run;
    const { sensor, events, fires, triggers } = input;
    const request = { sensor, runId, events, fires, triggers };
    const jobs = fires.flatMap(({ id, trigger }, index) =>
      this.triggers.has(trigger) && isWanted(id) ? [{ request, index, fireId: id }] : [],
    );
    if (isTooLarge || jobs.length === 0 || !this.isRecording || performance.now() < this.pausedUntil) return [];
    return this.findsEarlierObjects(planned) || (await this.isAbsent(runId)) ? jobs : [];
  }

  /** Saves the request to Temporal for what has just come: whatever a run of it made can still be found by its name. */
  private findsEarlierObjects({ fires }: PlannedRun): boolean {
    const now = Date.now();
    return fires.every(({ event, trigger }) => this.makingObjects.has(trigger) && isYoung(event, now));
  }

  /**
   * An event published again after the bus has forgotten its id is a first delivery, but its run has created an object,
   * which may be deleted by now. Also prevents attempts while Temporal is unavailable.
   */
  private async isAbsent(runId: string): Promise<boolean> {
    const { client } = this.options;
    try {
      await client.withDeadline(Date.now() + LOOK_TIMEOUT_MS, () => client.workflow.getHandle(runId).describe());
      return false;
    } catch (error) {
      return error instanceof WorkflowNotFoundError;
    }
  }

  /** Attempts that were given up, or not begun in time, are missing from the result. */
  private async attempt(jobs: readonly Job[], signal: AbortSignal): Promise<ReadonlyMap<string, TimedAttempt>> {
    const { fireLoad } = this.options;
    const begunBy = performance.now() + BEGIN_WITHIN_MS;
    const attempts = new Map<string, TimedAttempt>();
    // One listener on the signal for all: `AbortSignal.any` would take longer than the rest of an attempt's bookkeeping.
    const inFlight = new Set<AbortController>();
    const onAbort = (): void => {
      for (const controller of inFlight) controller.abort(signal.reason);
    };
    signal.addEventListener('abort', onAbort, { once: true });
    let isGivenUp = false;
    try {
      await concurrentlyAll(jobs, CONCURRENT_FIRES, async (job) => {
        if (isGivenUp || signal.aborted || performance.now() > begunBy) return;
        const controller = new AbortController();
        inFlight.add(controller);
        const attempt = await this.attemptOne(job, controller).finally(() => inFlight.delete(controller));
        if (attempt === undefined) isGivenUp = true;
        else attempts.set(job.fireId, attempt);
        fireLoad.finished([job.fireId]);
      });
    } finally {
      signal.removeEventListener('abort', onAbort);
    }
    if (isGivenUp && !signal.aborted) this.pausedUntil = performance.now() + PAUSE_AFTER_GIVING_UP_MS;
    return attempts;
  }

  /** Undefined if it was given up. */
  private async attemptOne({ request, index }: Job, giveUp: AbortController): Promise<TimedAttempt | undefined> {
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
}

/** Returns the run with the attempts that belong to its fires. */
export function withAttempts(run: RunStart, made: ReadonlyMap<string, MadeAttempt>, worker: string): RunStart {
  const attempts = run.input.fires.flatMap(({ id }): TimedAttempt[] => {
    const found = made.get(id);
    if (found === undefined) return [];
    const { attempt, runId } = found;
    const { result } = attempt;
    // The object names another run, so this one has to look up its outcome by itself.
    const isForeign = result?.kind === 'object' && runId !== run.workflowId;
    return [isForeign ? { ...attempt, result: { ...result, existed: true } } : attempt];
  });
  return attempts.length === 0 ? run : { ...run, input: { ...run.input, listenerAttempts: { worker, attempts } } };
}

function shorten<Attempt extends Pick<TimedAttempt, 'failure'>>(attempt: Attempt): Attempt {
  const { failure } = attempt;
  if (failure === undefined || failure.message.length <= MAX_MESSAGE_LENGTH) return attempt;
  return { ...attempt, failure: { ...failure, message: `${failure.message.slice(0, MAX_MESSAGE_LENGTH)}…` } };
}
