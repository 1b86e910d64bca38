/**
 * The memory of a sensor workflow and the effects of what is reported to it: plain bookkeeping around the dependency
 * state, tested without Temporal.
 */
import type { DecisionRecord } from '../../records/decision-record';
import { jsonBytes } from '../../text/json-bytes';
import { BackPressure } from './back-pressure';
import { conditionDependencies, parseCondition } from '../conditions/conditions';
import { DependencyState } from './dependency-state';
import type { EventReference, StateChange } from './dependency-state-types';
import { findRenamedTriggers } from './renamed-triggers';
import { planSensor, type SensorPlan } from './sensor-plan';
import {
  HeldContents,
  heldEvents,
  remember,
  tooManyToCarry,
  type CarriedEvents,
  type RememberedEvent,
} from './held-contents';
import type { NamedContent } from '../../contract/activities';
import { joinedRuns, parkedRun } from './joined-runs';
import type { JoinedRun } from '../../contract/run-start';
import { recordsOfNote, recordsOfRun } from './sensor-records';
import { addRefusal } from '../../contract/operator-request';
import type { EventBusDefinition, SensorDefinition } from '../../contract/definitions';
import type { RequestedBy } from '../../contract/requester';
import type {
  HeldDependencies,
  HeldPlace,
  ListenerReport,
  Observation,
  SensorCounts,
  SensorStatus,
} from '../../contract/sensor-messages';

/** Effects that the workflow must carry out. */
export interface SensorEffects {
  readonly bus: EventBusDefinition;
  readonly runs: readonly JoinedRun[];
  readonly records: readonly DecisionRecord[];
}

/** Plain JSON, for continue-as-new. */
export interface CarriedSensor extends CarriedEvents {
  readonly appliedAt: string;
  readonly paused?: SensorStatus['paused'];
  readonly ended: SensorCounts;
  readonly reports: readonly ListenerReport[];
  readonly countedAt?: string;
  readonly refusals?: readonly string[];
}

/** Over all triggers, in the result of a query: Temporal's limit is 2 MB. */
const SHOWN_EVENTS = 4_000;
const NO_COUNTS: SensorCounts = { consumed: 0, matched: 0, unmatched: 0, fired: 0, failed: 0 };

export class SensorMemory {
  readonly appliedAt: string;
  private current: SensorDefinition;
  private plan: SensorPlan;
  private readonly state: DependencyState<RememberedEvent>;
  private readonly contents: HeldContents;
  /** Decided runs that need contents from the bus before they can start. */
  private readonly unstarted = new Set<JoinedRun>();
  private readonly pressure: BackPressure;
  private paused: SensorStatus['paused'];
  private ended: SensorCounts;
  private readonly reports = new Map<string, ListenerReport>();
  private countedAt: string | undefined;
  private refusals: readonly string[];

  /** `startedAt`: when the sensor was first applied, in milliseconds; not when a worker first processed it. */
  constructor(definition: SensorDefinition, carried: CarriedSensor | undefined, startedAt: number) {
    this.current = definition;
    this.plan = planSensor(definition.spec, definition.options);
    this.appliedAt = carried?.appliedAt ?? new Date(startedAt).toISOString();
    this.paused = carried?.paused;
    this.ended = carried?.ended ?? NO_COUNTS;
    this.countedAt = carried?.countedAt;
    this.refusals = carried?.refusals ?? [];
    for (const report of carried?.reports ?? []) this.reports.set(report.listener, report);
    const restored = carried && HeldContents.restore(carried);
    this.contents = restored?.contents ?? HeldContents.none();
    this.state = restored ? DependencyState.restore(restored.snapshot) : new DependencyState(this.plan.state);
    this.pressure = new BackPressure(this.state.waitingEvents());
  }

  get definition(): SensorDefinition {
    return this.current;
  }

  isPaused(): boolean {
    return this.paused !== undefined;
  }

  /** True if a trigger can create Argo Workflows whose outcome the run waits for. */
  followsOutcomes(): boolean {
    return (
      this.current.options.followOutcome &&
      this.current.spec.triggers.some(
        ({ template }) => template.argoWorkflow !== undefined || template.k8s !== undefined,
      )
    );
  }

  observe(observations: readonly Observation[]): SensorEffects {
    const news = observations.map(({ dependency, event, receivedAt, keys, again, round }) => {
      return this.state.observe({
        dependency,
        event: remember(event, round),
        receivedAt,
        ...(keys && { keys }),
        ...(again && { again }),
      });
    });
    return this.apply(merge(news));
  }

  finish(tickets: readonly string[]): SensorEffects {
    return this.apply(merge(tickets.map((ticket) => this.state.finished(ticket))));
  }

  advance(now: number): SensorEffects {
    return this.apply(this.state.advance(now));
  }

  /** True if the new definition lacks a trigger for which joined, collected or limited events are waiting. */
  removesTriggers(definition: SensorDefinition): boolean {
    const { triggers } = planSensor(definition.spec, definition.options).state;
    return this.plan.state.triggers.some(({ name }) => !triggers.some((trigger) => trigger.name === name));
  }

  /** `keepsRemoved`: events held by renamed or removed triggers are not dropped. */
  configure(definition: SensorDefinition, now: number, keepsRemoved = true): SensorEffects {
    const before = this.plan;
    const formerDefinition = this.current;
    this.current = definition;
    this.plan = planSensor(definition.spec, definition.options);
    const options = keepsRemoved && {
      renamed: findRenamedTriggers(before.state, this.plan.state),
      parkRemoved: true,
    };
    return this.apply(this.state.reconcile(this.plan.state, now, options || {}), formerDefinition);
  }

  nextDeadline(): number | undefined {
    return this.state.nextDeadline();
  }

  pause(request: RequestedBy, now: number): void {
    this.paused ??= { ...request, since: new Date(now).toISOString() };
  }

  /** Records a signal that was rejected; the last few are shown. */
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
    // Current reports of listeners that no longer exist are ignored; their counts stay.
    const present = reports.filter(({ listener }) => Number(listener) <= this.current.options.listeners);
    // Every listener counts the parked runs of the whole sensor: the latest count is the valid one.
    const parked = reports.find(({ at }) => at === this.countedAt)?.parked;
    const problems = this.paused ? [] : [...new Set(present.flatMap(({ problem }) => problem ?? []))];
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
      ...(present.length > 0 && { lag: Math.max(...present.map((report) => report.lag)) }),
      ...(parked !== undefined && { parked }),
      ...(this.countedAt !== undefined && { countedAt: this.countedAt }),
      ...(problems.length > 0 && { problems }),
      ...(this.refusals.length > 0 && { refusals: this.refusals }),
      ...(this.pressure.isHolding() && { holdingBack: { waiting: this.state.waitingEvents() } }),
    };
  }

  held(): HeldDependencies[] {
    const views = this.state.view();
    const shown = Math.ceil(SHOWN_EVENTS / Math.max(1, views.length));
    return views.map((view) => {
      const names = new Set(view.held.map(({ dependency }) => dependency));
      const more = view.held.length - shown;
      return {
        trigger: view.trigger,
        condition: view.condition,
        held: view.held
          .slice(0, shown)
          .map(({ dependency, event }) => ({ dependency, eventKey: event.key, time: event.time })),
        waitingFor: conditionDependencies(parseCondition(view.condition)).filter((name) => !names.has(name)),
        ...(more > 0 && { more }),
        ...(view.collected > 0 && { collected: view.collected }),
        ...(view.waiting > 0 && { waiting: view.waiting }),
        ...(view.running > 0 && { running: view.running }),
      };
    });
  }

  placesOf(eventKey: string): readonly HeldPlace[] {
    return this.state.placesOf(eventKey);
  }

  /** How many more events joined, collecting and limited triggers accept now. */
  room(): number {
    return this.pressure.room(this.state.waitingEvents());
  }

  carry(): CarriedSensor {
    return {
      appliedAt: this.appliedAt,
      ...(this.paused && { paused: this.paused }),
      ...this.contents.carry(this.state.snapshot()),
      ended: this.ended,
      reports: [...this.reports.values()],
      ...(this.countedAt !== undefined && { countedAt: this.countedAt }),
      ...(this.refusals.length > 0 && { refusals: this.refusals }),
    };
  }

  /** Contents to be put on the bus before the sensor can continue as new; see `contentsMoved`. */
  contentsToMove(): NamedContent[][] {
    return this.contents.choose(this.heldEvents(), this.carriedBytes());
  }

  contentsMoved(portion: readonly NamedContent[]): void {
    this.contents.moved(this.heldEvents(), portion);
  }

  /** Contents on the bus that no event refers to any more. */
  unneededContents(): string[] {
    if (this.contents.count === 0) return [];
    return this.contents.unneeded(this.heldEvents(), this.unstarted);
  }

  contentsOnBus(): number {
    return this.contents.count;
  }

  runsStarted(runs: readonly JoinedRun[]): void {
    for (const run of runs) this.unstarted.delete(run);
  }

  contentsForgotten(names: readonly string[]): void {
    this.contents.forgotten(names);
  }

  /** Parks the oldest held events if even references to all of them exceed Temporal's limit. */
  parkWhatCannotBeCarried(): SensorEffects {
    const changes: Array<StateChange<RememberedEvent>> = [];
    for (let excess = this.excess(); excess > 0; excess = this.excess()) {
      const change = this.state.parkOldest(excess);
      if (change.parked.length === 0) break;
      changes.push(change);
    }
    return this.apply(merge(changes));
  }

  private excess(): number {
    return tooManyToCarry(sum(this.state.view().map(({ held }) => held.length)), this.carriedBytes());
  }

  private carriedBytes(): number {
    return jsonBytes({ definition: this.current, carried: this.carry() });
  }

  private heldEvents(): RememberedEvent[] {
    return heldEvents(this.state.snapshot());
  }

  /** `former`: the definition with the triggers that the current one lacks. */
  private apply(change: StateChange<RememberedEvent>, former = this.current): SensorEffects {
    this.pressure.look(this.state.waitingEvents());
    // Listeners count fires that start at once.
    this.ended = add(this.ended, { ...NO_COUNTS, fired: change.fires.length });
    const { triggers } = this.plan.state;
    const isLimited = (name: string): boolean =>
      triggers.some((trigger) => trigger.name === name && trigger.concurrency);
    const fired = joinedRuns(this.current, change.fires, isLimited);
    const has = (name: string): boolean => this.current.spec.triggers.some(({ template }) => template.name === name);
    const parked = change.parked.map((events) => parkedRun(has(events.trigger) ? this.current : former, events));
    const records = [
      ...change.notes.flatMap((note) => recordsOfNote(this.current, note)),
      ...fired.flatMap(recordsOfRun),
    ];
    for (const run of [...fired, ...parked]) if (run.stored !== undefined) this.unstarted.add(run);
    const wanted = this.current.options.decisions;
    return {
      bus: this.current.bus,
      runs: [...fired, ...parked],
      records: records.filter(
        ({ decision }) => wanted === 'all' || (wanted === 'problems' && decision === 'discarded'),
      ),
    };
  }
}

function merge<E extends EventReference>(changes: ReadonlyArray<StateChange<E>>): StateChange<E> {
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

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
