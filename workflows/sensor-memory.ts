/**
 * What a sensor workflow remembers, and what follows from what it is told: plain bookkeeping around the dependency
 * state, tested without Temporal.
 */
import { eventKey, type CloudEvent } from '../src/event/cloud-event';
import type { DecisionRecord } from '../src/event/decision-record';
import { shortHash } from '../src/event/short-id';
import { fireId } from '../src/run/fire-id';
import { DependencyState, type DependencyStateSnapshot } from '../src/sensor/dependency-state';
import type { ParkedEvents, StateChange, StateFire, StateNote } from '../src/sensor/dependency-state-types';
import { planSensor, type SensorPlan } from '../src/sensor/sensor-plan';
import { conditionDependencies, parseCondition } from '../src/sensor/conditions';
import { addRefusal } from './accountable';
import { createRunStart, runKey, type LoadedFire, type RunStart } from './run-start';
import type {
  Accountable,
  EventBusDefinition,
  HeldDependencies,
  ListenerReport,
  Observation,
  SensorCounts,
  SensorDefinition,
  SensorStatus,
} from './messages';

interface RememberedEvent {
  readonly key: string;
  readonly id: string;
  readonly time: string;
  readonly event: CloudEvent;
  /** The replay that brought it: what it fires is told from earlier fires. */
  readonly round?: string;
}

/** What has to leave the workflow. */
export interface SensorNews {
  readonly bus: EventBusDefinition;
  readonly runs: readonly RunStart[];
  readonly records: readonly DecisionRecord[];
}

/** Plain JSON, for continue-as-new. */
export interface CarriedSensor {
  readonly appliedAt: string;
  readonly paused?: SensorStatus['paused'];
  readonly state: DependencyStateSnapshot<RememberedEvent>;
  readonly ended: SensorCounts;
  readonly reports: readonly ListenerReport[];
  readonly countedAt?: string;
  readonly refusals?: readonly string[];
}

const NO_COUNTS: SensorCounts = { consumed: 0, matched: 0, unmatched: 0, fired: 0, failed: 0 };

export class SensorMemory {
  readonly appliedAt: string;
  private current: SensorDefinition;
  private plan: SensorPlan;
  private readonly state: DependencyState<RememberedEvent>;
  private paused: SensorStatus['paused'];
  private ended: SensorCounts;
  private readonly reports = new Map<string, ListenerReport>();
  private countedAt: string | undefined;
  private refusals: readonly string[];

  /** `startedAt`: when the sensor was first applied, in milliseconds; not when a worker first looked at it. */
  constructor(definition: SensorDefinition, carried: CarriedSensor | undefined, startedAt: number) {
    this.current = definition;
    this.plan = planSensor(definition.spec, definition.options);
    this.appliedAt = carried?.appliedAt ?? new Date(startedAt).toISOString();
    this.paused = carried?.paused;
    this.ended = carried?.ended ?? NO_COUNTS;
    this.countedAt = carried?.countedAt;
    this.refusals = carried?.refusals ?? [];
    for (const report of carried?.reports ?? []) this.reports.set(report.listener, report);
    this.state = carried ? DependencyState.restore(carried.state) : new DependencyState(this.plan.state);
  }

  get definition(): SensorDefinition {
    return this.current;
  }

  isPaused(): boolean {
    return this.paused !== undefined;
  }

  /** True when a trigger can make Argo Workflows whose end somebody waits for. */
  followsOutcomes(): boolean {
    return (
      this.current.options.followOutcome &&
      this.current.spec.triggers.some(
        ({ template }) => template.argoWorkflow !== undefined || template.k8s !== undefined,
      )
    );
  }

  observe(observations: readonly Observation[]): SensorNews {
    const news = observations.map(({ dependency, event, receivedAt, keys, again, round }) => {
      const remembered = { key: eventKey(event), id: event.id, time: event.time, event, ...(round && { round }) };
      return this.state.observe({
        dependency,
        event: remembered,
        receivedAt,
        ...(keys && { keys }),
        ...(again && { again }),
      });
    });
    return this.tell(merge(news));
  }

  finish(tickets: readonly string[]): SensorNews {
    return this.tell(merge(tickets.map((ticket) => this.state.finished(ticket))));
  }

  advance(now: number): SensorNews {
    return this.tell(this.state.advance(now));
  }

  configure(definition: SensorDefinition, now: number): SensorNews {
    this.current = definition;
    this.plan = planSensor(definition.spec, definition.options);
    return this.tell(this.state.reconcile(this.plan.state, now));
  }

  nextDeadline(): number | undefined {
    return this.state.nextDeadline();
  }

  pause(request: Accountable, now: number): void {
    this.paused ??= { ...request, since: new Date(now).toISOString() };
  }

  /** Something that was asked for by signal and cannot be done; the last few are shown. */
  refused(what: string, now: number): void {
    this.refusals = addRefusal(this.refusals, what, now);
  }

  resume(): void {
    this.paused = undefined;
  }

  count(report: ListenerReport): void {
    const before = this.reports.get(report.listener);
    if (before !== undefined && before.epoch !== report.epoch) this.ended = add(this.ended, before.counts);
    this.reports.set(report.listener, report);
    this.countedAt = report.at;
  }

  status(): SensorStatus {
    const { namespace, name, spec } = this.current;
    const reports = [...this.reports.values()];
    // Every listener counts the parked runs of the whole sensor: the latest count is the true one.
    const parked = reports.find(({ at }) => at === this.countedAt)?.parked;
    return {
      namespace,
      name,
      ...(this.paused && { paused: this.paused }),
      appliedAt: this.appliedAt,
      triggers: spec.triggers.map(({ template }) => ({
        name: template.name,
        condition: this.plan.conditions.get(template.name) ?? '',
        joined: this.plan.state.triggers.some((trigger) => trigger.name === template.name),
      })),
      counts: reports.reduce((total, report) => add(total, report.counts), this.ended),
      ...(reports.length > 0 && { lag: Math.max(...reports.map((report) => report.lag)) }),
      ...(parked !== undefined && { parked }),
      ...(this.countedAt !== undefined && { countedAt: this.countedAt }),
      ...(this.refusals.length > 0 && { refusals: this.refusals }),
    };
  }

  held(): HeldDependencies[] {
    return this.state.view().map((view) => {
      const names = new Set(view.held.map(({ dependency }) => dependency));
      return {
        trigger: view.trigger,
        condition: view.condition,
        held: view.held.map(({ dependency, event }) => ({ dependency, eventKey: event.key, time: event.time })),
        waitingFor: conditionDependencies(parseCondition(view.condition)).filter((name) => !names.has(name)),
        ...(view.collected > 0 && { collected: view.collected }),
        ...(view.waiting > 0 && { waiting: view.waiting }),
        ...(view.running > 0 && { running: view.running }),
      };
    });
  }

  carry(): CarriedSensor {
    return {
      appliedAt: this.appliedAt,
      ...(this.paused && { paused: this.paused }),
      state: this.state.snapshot(),
      ended: this.ended,
      reports: [...this.reports.values()],
      ...(this.countedAt !== undefined && { countedAt: this.countedAt }),
      ...(this.refusals.length > 0 && { refusals: this.refusals }),
    };
  }

  private tell(change: StateChange<RememberedEvent>): SensorNews {
    const fired = this.runsOf(change.fires);
    const parked = change.parked.map((events) => this.parkedRun(events));
    const records = [...change.notes.flatMap((note) => this.recordOf(note)), ...fired.flatMap(recordsOfRun)];
    const wanted = this.current.options.decisions;
    return {
      bus: this.current.bus,
      runs: [...fired, ...parked],
      records: records.filter(
        ({ decision }) => wanted === 'all' || (wanted === 'problems' && decision !== 'joined' && decision !== 'fired'),
      ),
    };
  }

  /** Fires decided together travel together. */
  private runsOf(fires: ReadonlyArray<StateFire<RememberedEvent>>): RunStart[] {
    const limit = this.current.options.runBatch;
    const runs: RunStart[] = [];
    for (let from = 0; from < fires.length; from += limit) {
      const loaded = fires.slice(from, from + limit).map((fire) => this.load(fire));
      runs.push(createRunStart(this.current, loaded, { key: joinedKey(loaded) }));
    }
    return runs;
  }

  private load(fire: StateFire<RememberedEvent>): LoadedFire {
    const limited = this.plan.state.triggers.some(({ name, concurrency }) => name === fire.trigger && concurrency);
    return { ...this.loadEvents(fire.trigger, fire), ...(limited && { ticket: fire.id }) };
  }

  private loadEvents(trigger: string, found: Pick<ParkedEvents<RememberedEvent>, 'dependencies' | 'all'>): LoadedFire {
    const lists: Record<string, readonly RememberedEvent[]> = found.all
      ? { ...found.all }
      : Object.fromEntries(Object.entries(found.dependencies).map(([name, event]) => [name, [event]]));
    const keys = Object.fromEntries(Object.entries(lists).map(([name, list]) => [name, list.map(({ key }) => key)]));
    const rounds = Object.values(lists).flatMap((list) => list.flatMap(({ round }) => round ?? []));
    return {
      id: fireId(this.current, trigger, keys, [...new Set(rounds)].sort().join(',')),
      trigger,
      dependencies: Object.fromEntries(
        Object.entries(lists).map(([name, list]) => [name, list.map(({ event }) => event)]),
      ),
      ...(found.all && { collected: true }),
    };
  }

  private parkedRun(parked: ParkedEvents<RememberedEvent>): RunStart {
    const fire = this.loadEvents(parked.trigger, parked);
    const missing = parked.missing.length > 0 ? `; never came: ${parked.missing.join(', ')}` : '';
    return createRunStart(this.current, [fire], {
      key: `${joinedKey([fire])}-parked`,
      parkedBecause: `${PARK_REASONS[parked.reason]}${missing}`,
    });
  }

  private recordOf(note: StateNote<RememberedEvent>): DecisionRecord[] {
    const reason = describeNote(note);
    if (reason === undefined) return [];
    const { event } = note.event;
    return [
      {
        at: new Date().toISOString(),
        eventKey: note.event.key,
        eventId: event.id,
        source: event.source,
        subject: event.subject,
        namespace: this.current.namespace,
        sensor: this.current.name,
        decision: note.kind === 'held' || note.kind === 'collected' || note.kind === 'queued' ? 'joined' : 'discarded',
        dependency: note.dependency,
        ...('trigger' in note && { triggers: [note.trigger] }),
        reason,
      },
    ];
  }
}

const PARK_REASONS: Readonly<Record<ParkedEvents<RememberedEvent>['reason'], string>> = {
  'window-passed': 'the other events did not come within the correlation window',
  'too-many-held': 'too many events of this dependency were waiting',
  'key-missing': 'the event has no value at the correlation path',
  'too-many-waiting': 'too many fires were waiting for their turn',
};

/** Undefined for notes that say nothing new: what an event waits for is asked of the sensor, not recorded each time. */
function describeNote(note: StateNote<RememberedEvent>): string | undefined {
  switch (note.kind) {
    case 'held':
      return `waiting for ${note.waitingFor.join(', ')}`;
    case 'replaced':
      return `replaced by the later event ${note.by.key}`;
    case 'reset':
      return `forgotten at the conditions reset of ${new Date(note.resetAt).toISOString()}`;
    case 'purged':
      return `forgotten because the sensor changed (${note.reason})`;
    case 'duplicate':
      return 'had been taken before';
    case 'collected':
    case 'queued':
    case 'unused':
      return undefined;
  }
}

/** What a joined run carries, said of each of its events: the run itself is forgotten earlier than decisions are. */
function recordsOfRun({ workflowId, input }: RunStart): DecisionRecord[] {
  const at = new Date().toISOString();
  const { namespace, name } = input.sensor;
  return input.events.map((event, index) => ({
    at,
    eventKey: eventKey(event),
    eventId: event.id,
    source: event.source,
    subject: event.subject,
    namespace,
    sensor: name,
    decision: 'fired',
    triggers: [
      ...new Set(
        input.fires
          .filter(({ dependencies }) => Object.values(dependencies).some((indexes) => indexes.includes(index)))
          .map(({ trigger }) => trigger),
      ),
    ],
    runId: workflowId,
  }));
}

function joinedKey(fires: readonly LoadedFire[]): string {
  const keys = fires.flatMap((fire) => Object.values(fire.dependencies).flat().map(eventKey));
  const [only] = fires;
  return fires.length === 1 && only !== undefined
    ? `${only.trigger}-${only.id}`
    : `joined-${runKey(keys, fires)}-${shortHash(keys.join(' '), 4)}`;
}

function merge<E extends { readonly key: string; readonly id: string; readonly time: string }>(
  changes: ReadonlyArray<StateChange<E>>,
): StateChange<E> {
  return {
    fires: changes.flatMap((change) => change.fires),
    parked: changes.flatMap((change) => change.parked),
    notes: changes.flatMap((change) => change.notes),
  };
}

function add(a: SensorCounts, b: SensorCounts): SensorCounts {
  return {
    consumed: a.consumed + b.consumed,
    matched: a.matched + b.matched,
    unmatched: a.unmatched + b.unmatched,
    fired: a.fired + b.fired,
    failed: a.failed + b.failed,
  };
}
