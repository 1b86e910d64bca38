/**
 * First attempts that a listener makes before it starts the run. Of two kinds: those whose repetition finds the object
 * of the first (docs/decisions/140-act-first.md), and those that are noted on the bus before they begin
 * (docs/decisions/221-http-calls-are-noted-first.md).
 */
import { WorkflowNotFoundError, type Client } from '@temporalio/client';
import type { CallUnderWay, ListenerAttempts } from '../../src/contract/fires';
import { lostAttempt } from '../../src/sandbox/run/listener-attempts';
import { firstAttemptOf } from '../../src/sandbox/run/trigger-traits';
import type { RunStart } from '../../src/contract/run-start';
import type { PlannedRun } from '../starting/group-into-runs';
import type { FireStart } from '../starting/start-runs';
import { isInHand, type AttemptNotes, type NotedAttempt } from './attempt-notes';
import { AttemptRunner, type AttemptJob, type AttemptRunnerOptions, type BegunAttempt } from './attempt-runner';
import type { MadeAttempt, UnrecordedAttempts } from './unrecorded-attempts';
import { isYoung } from './young-events';

const LOOK_TIMEOUT_MS = 1_000;

export interface FirstAttemptsOptions extends AttemptRunnerOptions {
  readonly client: Client;
  readonly unrecorded: UnrecordedAttempts;
  readonly notes: AttemptNotes;
}

/** What a listener knows of the fires of a batch before it starts their runs. */
export interface BegunBatch {
  /** By fire id. */
  readonly attempts: ReadonlyMap<string, BegunAttempt>;
  /** Fires with a note on the bus, some of which may not have begun. */
  readonly noted: readonly string[];
  /** Fires that must not be started now: another worker is about to start the run of one of them. */
  readonly held: ReadonlySet<string>;
}

export class FirstAttempts {
  private readonly triggers = new Map<string, Pick<AttemptJob, 'kind' | 'trigger'>>();
  /** Temporal accepted the latest runs. If not, no attempt is made: acting must not run ahead of the record. */
  private isRecording = true;
  private readonly runner: AttemptRunner;

  constructor(private readonly options: FirstAttemptsOptions) {
    this.runner = new AttemptRunner(options);
    for (const trigger of options.definition.spec.triggers) {
      const kind = firstAttemptOf(trigger);
      if (kind !== undefined) this.triggers.set(trigger.template.name, { kind, trigger });
    }
  }

  /** True if a repetition of this fire's attempt would not find the first. */
  isNoted({ trigger }: { readonly trigger: string }): boolean {
    return this.triggers.get(trigger)?.kind === 'noted';
  }

  /** Returns those of the fires that another worker has begun and that this one knows nothing of. */
  async begunElsewhere(fireIds: readonly string[]): Promise<ReadonlyMap<string, NotedAttempt>> {
    const { unrecorded, calls, notes } = this.options;
    return await notes.ofOthers(
      fireIds.filter((id) => unrecorded.get(id) === undefined && calls.get(id) === undefined),
    );
  }

  /**
   * Makes attempts only for the first delivery of an event whose run does not exist. Includes those that this worker
   * made earlier and could not pass to a run, and those of `lost`. Never rejects.
   */
  async make(
    runs: readonly PlannedRun[],
    isDeliveredAgain: (fireId: string) => boolean,
    lost: ReadonlyMap<string, NotedAttempt>,
    signal: AbortSignal,
  ): Promise<BegunBatch> {
    const begun = this.recall(runs, lost);
    const isWanted = (fireId: string): boolean => !begun.has(fireId) && !isDeliveredAgain(fireId);
    const wanted = runs.map((planned) => ({ planned, jobs: this.jobsOf(planned, isWanted) }));
    const noted = [
      ...wanted.flatMap(({ jobs }) => jobs.flatMap(({ kind, fireId }) => (kind === 'noted' ? [fireId] : []))),
      ...this.redelivered(runs, (fireId) => !begun.has(fireId) && isDeliveredAgain(fireId)),
    ];
    const { held, hasNote } = await this.note(runs, noted, begun);
    const mayBegin = ({ fireId, kind }: AttemptJob): boolean =>
      !held.has(fireId) && !begun.has(fireId) && (kind !== 'noted' || hasNote);
    const absent = await Promise.all(
      wanted.map(async ({ planned, jobs }) => await this.unlessStarted(planned, jobs.filter(mayBegin))),
    );
    for (const [fireId, attempt] of await this.runner.run(absent.flat(), signal)) begun.set(fireId, attempt);
    return { attempts: begun, noted, held };
  }

  /**
   * Keeps the attempts whose runs could not be started yet, and forgets the others. Resolves when the bus may deliver
   * the events again, to any worker.
   */
  async recorded({ attempts, noted, held }: BegunBatch, starts: ReadonlyMap<string, FireStart>): Promise<void> {
    const { unrecorded, calls, client, notes } = this.options;
    const isPostponed = (fireId: string): boolean => held.has(fireId) || starts.get(fireId)?.kind === 'postponed';
    for (const [fireId, attempt] of attempts) {
      const start = starts.get(fireId);
      if (isPostponed(fireId)) {
        if ('call' in attempt) calls.keep(fireId);
        else unrecorded.keep(fireId, attempt);
        continue;
      }
      if (start?.kind === 'known') {
        this.passOn(fireId, start.runId, attempt);
        continue;
      }
      unrecorded.forget(fireId);
      if (start?.kind === 'started') calls.reportTo(fireId, client, start.runId);
      else calls.drop(fireId);
    }
    const kinds = new Set([...starts.values()].map(({ kind }) => kind));
    if (kinds.has('postponed')) this.isRecording = false;
    else if (kinds.has('started') || kinds.has('known')) this.isRecording = true;
    notes.end([...attempts.keys()].filter((id) => !isPostponed(id)));
    const unbegun = noted.filter((id) => !attempts.has(id));
    notes.end(unbegun);
    // If the bus does not store it, another worker takes these fires for lost, and an operator decides.
    if (unbegun.some(isPostponed)) await notes.publish().catch(() => undefined);
  }

  /** A run carries the fire already. Temporal may have accepted it from this worker, whom the response did not reach. */
  carried(fireId: string, runId: string): void {
    this.passOn(fireId, runId, this.options.unrecorded.get(fireId));
    this.options.notes.end([fireId]);
  }

  private passOn(fireId: string, runId: string, made: BegunAttempt | undefined): void {
    const { unrecorded, calls, client } = this.options;
    unrecorded.forget(fireId);
    calls.reportTo(fireId, client, runId);
    if (made === undefined || 'call' in made || made.kind !== 'noted') return;
    const { attempt } = made;
    // It may have been under way when that run was started.
    if ('at' in attempt) calls.report(attempt, client, runId);
  }

  /** Attempts that were begun before this batch. */
  private recall(runs: readonly PlannedRun[], lost: ReadonlyMap<string, NotedAttempt>): Map<string, BegunAttempt> {
    const { unrecorded, calls, notes } = this.options;
    const begun = new Map<string, BegunAttempt>();
    for (const { run, fires } of runs) {
      for (const { id } of fires) {
        // A note of this process about an attempt that it has forgotten counts like that of another.
        const note = lost.get(id) ?? notes.own(id);
        const earlier = unrecorded.get(id) ?? calls.get(id) ?? (note && lostBy(note, id, run.workflowId));
        if (earlier !== undefined) begun.set(id, earlier);
      }
    }
    return begun;
  }

  /**
   * Notes them on the bus, and finds those that another worker has noted: it may be about to start the run, which then
   * knows more than ours would; or else its attempt is lost. `hasNote`: false if only runs may make these attempts.
   */
  private async note(
    runs: readonly PlannedRun[],
    noted: readonly string[],
    begun: Map<string, BegunAttempt>,
  ): Promise<{ readonly held: ReadonlySet<string>; readonly hasNote: boolean }> {
    const held = new Set<string>();
    if (noted.length === 0) return { held, hasNote: true };
    try {
      const elsewhere = await this.options.notes.begin(noted);
      const now = Date.now();
      for (const { run, fires } of elsewhere.size === 0 ? [] : runs) {
        const notes = fires.flatMap(({ id }) => elsewhere.get(id) ?? []);
        for (const { id } of fires) {
          const note = elsewhere.get(id);
          if (notes.some((one) => isInHand(one, now))) held.add(id);
          else if (note !== undefined) begun.set(id, lostBy(note, id, run.workflowId));
        }
      }
      return { held, hasNote: true };
    } catch {
      return { held, hasNote: false };
    }
  }

  private jobsOf({ run, isTooLarge }: PlannedRun, isWanted: (fireId: string) => boolean): readonly AttemptJob[] {
    if (isTooLarge || !this.isRecording) return [];
    const { workflowId: runId, input } = run;
    const { sensor, events, fires, triggers } = input;
    const request = { sensor, runId, events, fires, triggers };
    return fires.flatMap(({ id, trigger: name }, index): AttemptJob[] => {
      const found = this.triggers.get(name);
      if (found === undefined || this.runner.isPausing(found.kind) || !isWanted(id)) return [];
      return [{ ...found, request, index, fireId: id }];
    });
  }

  /** Fires whose attempts their runs make: noted as well, for a worker that still holds an earlier delivery. */
  private redelivered(runs: readonly PlannedRun[], isWanted: (fireId: string) => boolean): readonly string[] {
    return runs.flatMap(({ fires }) =>
      fires.flatMap((fire) => (this.isNoted(fire) && isWanted(fire.id) ? fire.id : [])),
    );
  }

  /** To be called when they are noted: who starts the run meanwhile has seen the note. */
  private async unlessStarted(planned: PlannedRun, jobs: readonly AttemptJob[]): Promise<readonly AttemptJob[]> {
    if (jobs.length === 0) return [];
    return this.findsEarlierObjects(planned) || (await this.isAbsent(planned.run.workflowId)) ? jobs : [];
  }

  /** Saves the request to Temporal for what has just come: whatever a run of it made can still be found by its name. */
  private findsEarlierObjects({ fires }: PlannedRun): boolean {
    const now = Date.now();
    return fires.every(({ event, trigger: name }) => {
      const { kind, trigger } = this.triggers.get(name) ?? {};
      return kind === 'repeatable' && trigger?.template.log === undefined && isYoung(event, now);
    });
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
}

/** Returns the run with the attempts that belong to its fires. */
export function withAttempts(run: RunStart, begun: ReadonlyMap<string, BegunAttempt>, worker: string): RunStart {
  const attempts: Array<ListenerAttempts['attempts'][number]> = [];
  const underWay: CallUnderWay[] = [];
  for (const { id } of run.input.fires) {
    const found = begun.get(id);
    if (found === undefined) continue;
    if ('call' in found) {
      underWay.push(found.call);
      continue;
    }
    const { attempt, runId } = found;
    const { result } = attempt;
    // The object names another run, so this one has to look up its outcome by itself.
    const isForeign = result?.kind === 'object' && runId !== run.workflowId;
    attempts.push(isForeign ? { ...attempt, result: { ...result, existed: true } } : attempt);
  }
  if (attempts.length + underWay.length === 0) return run;
  const listenerAttempts = { worker, attempts, ...(underWay.length > 0 && { underWay }) };
  return { ...run, input: { ...run.input, listenerAttempts } };
}

function lostBy({ at, worker }: NotedAttempt, fireId: string, runId: string): MadeAttempt {
  return { attempt: lostAttempt(fireId, at, worker), runId, kind: 'noted' };
}
