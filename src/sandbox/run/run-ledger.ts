/**
 * The state of every fire of one run. Plain bookkeeping, no Temporal: the sensorRun workflow reports what happened and
 * reads what to show.
 */
import { eventKey, type CloudEvent } from '../../event/cloud-event';
import { eventsOf, type Fire } from '../../contract/packed-fires';
import type {
  FireFailure,
  FireState,
  FireStatus,
  ListenerAttempt,
  ListenerAttempts,
  RunState,
  TimedAttempt,
  WorkflowOutcomeReport,
} from '../../contract/fires';
import type { FireResult } from '../../contract/fires';

interface Entry {
  readonly id: string;
  readonly trigger: string;
  readonly events: readonly string[];
  state: FireState;
  attempts: number;
  listenerAttempt?: ListenerAttempt;
  result?: FireResult;
  failure?: FireFailure;
  parked?: NonNullable<FireStatus['parked']>;
  outcome?: WorkflowOutcomeReport;
}

export class RunLedger {
  private readonly entries = new Map<string, Entry>();

  /** `early`: attempts whose time and worker are known; their results are reported like those of any other attempt. */
  constructor(
    fires: readonly Fire[],
    events: readonly CloudEvent[],
    private readonly early?: ListenerAttempts,
  ) {
    for (const fire of fires) {
      this.entries.set(fire.id, {
        id: fire.id,
        trigger: fire.trigger,
        events: [...new Set(eventsOf(fire, events).map(eventKey))],
        state: 'Firing',
        attempts: 0,
      });
    }
    for (const attempt of early?.attempts ?? []) if ('at' in attempt) this.attemptedEarly(attempt);
    for (const call of early?.underWay ?? []) this.attemptedEarly(call);
  }

  /** Notes by whom, when and how long; what came of it is reported like any other attempt. */
  attemptedEarly({
    fireId,
    at,
    tookMs,
  }: Pick<TimedAttempt, 'fireId' | 'at'> & Partial<Pick<TimedAttempt, 'tookMs'>>): void {
    const entry = this.entries.get(fireId);
    if (entry === undefined || this.early === undefined) return;
    entry.listenerAttempt = { at, ...(tookMs !== undefined && { tookMs }), worker: this.early.worker };
  }

  /** `follow`: the object has an outcome of its own that the run waits for. An early outcome is not overwritten. */
  fired(fireId: string, attempts: number, result: FireResult, follow: boolean): void {
    const entry = this.entry(fireId);
    entry.attempts += attempts;
    entry.result = result;
    entry.failure = undefined;
    if (entry.outcome !== undefined && isAbout(result, entry.outcome)) this.settle(entry, entry.outcome);
    else entry.state = follow ? 'Waiting' : 'Succeeded';
  }

  /** The attempt failed, and the fire is retried. */
  failed(fireId: string, attempts: number, failure: FireFailure): void {
    const entry = this.entry(fireId);
    entry.attempts += attempts;
    entry.failure = failure;
    entry.state = 'Retrying';
  }

  /** The fire failed permanently and waits for an operator. */
  park(fireId: string, attempts: number, failure: FireFailure, parked: NonNullable<FireStatus['parked']>): void {
    this.failed(fireId, attempts, failure);
    const entry = this.entry(fireId);
    entry.parked = parked;
    entry.state = 'Parked';
  }

  deadLettered(fireId: string, result: FireResult): void {
    const entry = this.entry(fireId);
    entry.result = result;
    entry.state = 'DeadLettered';
  }

  refire(fireId: string): void {
    this.unpark(fireId, 'Firing');
  }

  discarded(fireId: string): void {
    this.unpark(fireId, 'Discarded');
  }

  /** A parked fire expired without a decision; `why` is put before its last failure. */
  expired(fireId: string, why: string): void {
    const entry = this.unpark(fireId, 'Failed');
    if (entry.failure) entry.failure = { ...entry.failure, message: `${why}: ${entry.failure.message}` };
  }

  /** False for an outcome that belongs to another run or that adds nothing new. */
  ended(report: WorkflowOutcomeReport): boolean {
    const entry = this.entries.get(report.fireId);
    if (entry === undefined || entry.state === 'Discarded') return false;
    if (entry.result !== undefined && !isAbout(entry.result, report)) return false;
    if (entry.result === undefined) {
      // The watch was faster than the response to our own request, or the fire failed its policy.
      entry.outcome = report;
      return this.takeLateSuccess(entry, report);
    }
    this.settle(entry, report);
    return true;
  }

  /** Fires that need an operator's decision: all, or the one with that id, or those of that trigger. */
  parked({ fireId, trigger }: { readonly fireId?: string; readonly trigger?: string } = {}): readonly string[] {
    return [...this.entries.values()]
      .filter((entry) => entry.state === 'Parked')
      .filter((entry) => fireId === undefined || entry.id === fireId)
      .filter((entry) => trigger === undefined || entry.trigger === trigger)
      .map(({ id }) => id);
  }

  isParked(fireId: string): boolean {
    return this.entry(fireId).state === 'Parked';
  }

  /** Fires whose object has not ended yet. */
  waiting(): readonly FireStatus[] {
    return this.statuses().filter((fire) => fire.state === 'Waiting');
  }

  /** True if the state of the fire no longer changes without an operator. */
  isAtRest(fireId: string): boolean {
    return !['Firing', 'Retrying', 'Waiting'].includes(this.entry(fireId).state);
  }

  isSettled(): boolean {
    return [...this.entries.values()].every(
      ({ state }) => !['Firing', 'Retrying', 'Waiting', 'Parked'].includes(state),
    );
  }

  state(): RunState {
    const states = new Set([...this.entries.values()].map((entry) => entry.state));
    if (states.has('Parked')) return 'Parked';
    if (states.has('Firing') || states.has('Retrying')) return 'Firing';
    if (states.has('Waiting')) return 'Waiting';
    if (states.has('Failed') || states.has('DeadLettered')) return 'Failed';
    return states.has('Succeeded') || states.size === 0 ? 'Succeeded' : 'Discarded';
  }

  statuses(): readonly FireStatus[] {
    return [...this.entries.values()].map(({ result, ...entry }) => ({
      ...entry,
      ...(entry.failure?.object && { object: entry.failure.object }),
      ...(result?.kind === 'object'
        ? { object: result.object, action: result.action, ...(result.link && { link: result.link }) }
        : {}),
      ...(result?.kind === 'response' ? { answer: result.summary } : {}),
    }));
  }

  /** A fire that is parked because its Workflow failed the policy, and whose Workflow succeeded later. */
  private takeLateSuccess(entry: Entry, report: WorkflowOutcomeReport): boolean {
    const made = entry.failure?.object;
    if (entry.state !== 'Parked' || report.phase !== 'Succeeded' || made === undefined) return false;
    if (report.uid !== undefined && report.uid !== made.uid) return false;
    this.unpark(entry.id, 'Succeeded');
    entry.result = { kind: 'object', action: 'create', object: made, existed: true };
    delete entry.failure;
    return true;
  }

  private unpark(fireId: string, state: FireState): Entry {
    const entry = this.entry(fireId);
    delete entry.parked;
    entry.state = state;
    return entry;
  }

  private settle(entry: Entry, report: WorkflowOutcomeReport): void {
    entry.outcome = report;
    entry.state = report.phase === 'Succeeded' ? 'Succeeded' : 'Failed';
  }

  private entry(fireId: string): Entry {
    const entry = this.entries.get(fireId);
    if (entry === undefined) throw new Error(`run has no fire ${fireId}`);
    return entry;
  }
}

/** A copy of a Workflow, made by `argo resubmit` or by hand, carries the labels of the original fire. */
function isAbout(result: FireResult, { uid }: WorkflowOutcomeReport): boolean {
  return uid === undefined || result.kind !== 'object' || result.object.uid === uid;
}
