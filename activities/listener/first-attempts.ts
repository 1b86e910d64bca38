/**
 * First attempts that a listener makes before it starts the run, where a second attempt finds what the first has made.
 * See docs/decisions/140-act-first.md.
 */
import { setMaxListeners } from 'node:events';
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
import type { FireStart } from '../starting/start-runs';
import type { MadeAttempt, UnrecordedAttempts } from './unrecorded-attempts';

/** An attempt that takes longer is given up and becomes the run's; the others of its batch that have not begun, too. */
const GIVE_UP_AFTER_MS = 2_000;
/** The runs of a batch wait for its attempts, also where each is answered, but slowly. */
const BEGIN_WITHIN_MS = 5_000;
/** Not every batch waits for a server that does not answer. */
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
  /** Temporal took the latest runs: acting must not run ahead of what it records. */
  private isRecording = true;
  private pausedUntil = -Infinity;

  constructor(private readonly options: FirstAttemptsOptions) {
    const { triggers } = options.definition.spec;
    this.triggers = new Set(triggers.filter(mayActFirst).map(({ template }) => template.name));
  }

  /**
   * By fire id; only for fires of events that the bus delivers for the first time, and whose run is not there. For
   * others, what this worker made and could not hand over. Never rejects.
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
      definition.namespace,
      jobs.map(({ fireId }) => fireId),
    );
    const attempts = await this.attempt(jobs, signal);
    for (const { fireId, request } of jobs) {
      const attempt = attempts.get(fireId);
      if (attempt !== undefined) made.set(fireId, { attempt, runId: request.runId });
    }
    return made;
  }

  /** What became of the runs of these attempts. */
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

  private async jobsOf({ run, isTooLarge }: PlannedRun, isWanted: (fireId: string) => boolean): Promise<Job[]> {
    const { workflowId: runId, input } = run;
    const { sensor, events, fires, triggers } = input;
    const request = { sensor, runId, events, fires, triggers };
    const jobs = fires.flatMap(({ id, trigger }, index) =>
      this.triggers.has(trigger) && isWanted(id) ? [{ request, index, fireId: id }] : [],
    );
    if (isTooLarge || jobs.length === 0 || !this.isRecording || performance.now() < this.pausedUntil) return [];
    return (await this.isAbsent(runId)) ? jobs : [];
  }

  /**
   * An event that is published again after the bus has forgotten its id is delivered for the first time, but its run
   * has made an object, which may be deleted by now. Also keeps from acting while Temporal is away.
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

  /** What was given up, or not begun in time, is missing. */
  private async attempt(jobs: readonly Job[], signal: AbortSignal): Promise<ReadonlyMap<string, TimedAttempt>> {
    const { fireLoad } = this.options;
    // One listener per in-flight request is expected, not a leak.
    setMaxListeners(0, signal);
    const begunBy = performance.now() + BEGIN_WITHIN_MS;
    const attempts = new Map<string, TimedAttempt>();
    let isGivenUp = false;
    await concurrentlyAll(jobs, CONCURRENT_FIRES, async (job) => {
      if (isGivenUp || signal.aborted || performance.now() > begunBy) return;
      const attempt = await this.attemptOne(job, signal);
      if (attempt === undefined) isGivenUp = true;
      else attempts.set(job.fireId, attempt);
      fireLoad.finished([job.fireId]);
    });
    if (isGivenUp && !signal.aborted) this.pausedUntil = performance.now() + PAUSE_AFTER_GIVING_UP_MS;
    return attempts;
  }

  /** Undefined if it was given up. */
  private async attemptOne({ request, index }: Job, signal: AbortSignal): Promise<TimedAttempt | undefined> {
    const at = new Date().toISOString();
    const beganAt = performance.now();
    const giveUp = new AbortController();
    const timer = setTimeout(() => giveUp.abort(), GIVE_UP_AFTER_MS);
    const over = AbortSignal.any([signal, giveUp.signal]);
    const isLast = (trigger: TriggerSpec): boolean => isTriedOnce(trigger) && !over.aborted;
    // A trigger that does not heed the signal is not waited for.
    const attempt = await Promise.race([this.options.firing.attempt(request, index, over, isLast), untilAborted(over)]);
    clearTimeout(timer);
    if (attempt === undefined || (over.aborted && attempt.result === undefined)) return undefined;
    return { ...shorten(attempt), at, tookMs: Math.round(performance.now() - beganAt) };
  }
}

/** The run with those of the attempts that are of its fires. */
export function withAttempts(run: RunStart, made: ReadonlyMap<string, MadeAttempt>, worker: string): RunStart {
  const attempts = run.input.fires.flatMap(({ id }): TimedAttempt[] => {
    const found = made.get(id);
    if (found === undefined) return [];
    const { attempt, runId } = found;
    const { result } = attempt;
    // The object names another run, so this one has to look for its end by itself.
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

function untilAborted(signal: AbortSignal): Promise<undefined> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve(undefined);
    else signal.addEventListener('abort', () => resolve(undefined), { once: true });
  });
}
