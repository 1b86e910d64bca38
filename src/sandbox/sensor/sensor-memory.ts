/**
 * The memory of a sensor workflow and the effects of what is reported to it: plain bookkeeping around the dependency
 * state, tested without Temporal.
 */
import type { GroupPlaces, GroupShare } from '../../contract/group-messages';
import type { NamedContent } from '../../contract/activities';
import type { SensorDefinition } from '../../contract/definitions';
import type { ControlStatus } from '../../contract/lifecycle-messages';
import { isDefaultPriority, type TriggerPriority } from '../../contract/priority';
import type { JoinedRun } from '../../contract/run-start';
import type {
  HeldDependencies,
  HeldPlace,
  ListenerReport,
  Observation,
  SensorStatus,
} from '../../contract/sensor-messages';
import { jsonBytes } from '../../text/json-bytes';
import { ControlState } from '../lifecycle/control-state';
import { BackPressure } from './back-pressure';
import { DependencyState, mergeChanges } from './dependency-state';
import type { StateChange } from './dependency-state-types';
import {
  HeldContents,
  heldEvents,
  remember,
  tooManyToCarry,
  type CarriedEvents,
  type RememberedEvent,
} from './held-contents';
import { viewHeld } from './held-view';
import { ListenerReports, type CarriedReports } from './listener-reports';
import { findRenamedTriggers } from './renamed-triggers';
import { effectsOf, type SensorEffects } from './sensor-effects';
import { planSensor, type SensorPlan } from './sensor-plan';

/** Plain JSON, for continue-as-new. */
export interface CarriedSensor extends CarriedEvents, CarriedReports, ControlStatus {
  readonly appliedAt: string;
}

export class SensorMemory {
  readonly appliedAt: string;
  readonly controls: ControlState;
  private current: SensorDefinition;
  private plan: SensorPlan;
  private readonly state: DependencyState<RememberedEvent>;
  private readonly contents: HeldContents;
  /** Decided runs that need contents from the bus before they can start. */
  private readonly unstarted = new Set<JoinedRun>();
  private readonly pressure: BackPressure;
  private readonly reports: ListenerReports;

  /** `startedAt`: when the sensor was first applied, in milliseconds; not when a worker first processed it. */
  constructor(definition: SensorDefinition, carried: CarriedSensor | undefined, startedAt: number) {
    this.current = definition;
    this.plan = planSensor(definition.spec, definition.options);
    this.appliedAt = carried?.appliedAt ?? new Date(startedAt).toISOString();
    this.controls = new ControlState(carried);
    this.reports = new ListenerReports(carried);
    const restored = carried && HeldContents.restore(carried);
    this.contents = restored?.contents ?? HeldContents.none();
    this.state = restored ? DependencyState.restore(restored.snapshot) : new DependencyState(this.plan.state);
    this.pressure = new BackPressure(this.state.waitingEvents());
  }

  get definition(): SensorDefinition {
    return this.current;
  }

  /** True if a trigger can create Argo Workflows whose outcome the run waits for. */
  followsOutcomes(): boolean {
    const { options, spec } = this.current;
    return options.followOutcome && spec.triggers.some(({ template }) => template.argoWorkflow ?? template.k8s);
  }

  observe(observations: readonly Observation[]): SensorEffects {
    const changes = observations.map(({ event, round, ...observation }) =>
      this.state.observe({ ...observation, event: remember(event, round) }),
    );
    return this.apply(mergeChanges(changes));
  }

  finish(tickets: readonly string[]): SensorEffects {
    return this.apply(mergeChanges(tickets.map((ticket) => this.state.finished(ticket))));
  }

  /** News of a concurrency group. */
  takePlaces({ group, given, lost }: GroupPlaces): SensorEffects {
    return this.apply(this.state.placesChanged(group, given, lost));
  }

  /** True if a concurrency group must be told of this sensor's share. */
  hasShares(): boolean {
    return this.state.hasShares();
  }

  takeShares(): GroupShare[] {
    return this.state.takeShares();
  }

  /** Those of a sensor that is deleted. */
  lastShares(): GroupShare[] {
    return this.state.lastShares();
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

  count(report: ListenerReport): void {
    this.reports.add(report);
  }

  status(): SensorStatus {
    const { namespace, name, spec, options } = this.current;
    const groups = this.state.groupsInView();
    return {
      namespace,
      name,
      ...this.controls.status(),
      appliedAt: this.appliedAt,
      listeners: options.listeners,
      triggers: spec.triggers.map(({ template }) => ({
        name: template.name,
        condition: this.plan.conditions.get(template.name) ?? '',
        joined: this.plan.state.triggers.some((trigger) => trigger.name === template.name),
        ...this.writtenPriority(template.name),
      })),
      ...this.reports.status(options.listeners, this.controls.isPaused),
      ...(groups.length > 0 && { groups }),
      ...(this.pressure.isHolding() && { holdingBack: { waiting: this.state.waitingEvents() } }),
    };
  }

  held(): HeldDependencies[] {
    return viewHeld(this.state.view());
  }

  placesOf(eventKey: string): readonly HeldPlace[] {
    return this.state.placesOf(eventKey);
  }

  /** How many more events joined, collecting and limited triggers accept now. */
  capacity(): number {
    return this.pressure.capacity(this.state.waitingEvents());
  }

  carry(): CarriedSensor {
    return {
      appliedAt: this.appliedAt,
      ...this.controls.status(),
      ...this.contents.carry(this.state.snapshot()),
      ...this.reports.carry(),
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
    return this.apply(mergeChanges(changes));
  }

  private writtenPriority(trigger: string): { readonly priority?: TriggerPriority } {
    const priority = this.plan.priorities.get(trigger);
    return priority === undefined || isDefaultPriority(priority) ? {} : { priority };
  }

  private excess(): number {
    const held = this.state.view().reduce((total, view) => total + view.held.length, 0);
    return tooManyToCarry(held, this.carriedBytes());
  }

  private carriedBytes(): number {
    return jsonBytes({ definition: this.current, carried: this.carry() });
  }

  private heldEvents(): RememberedEvent[] {
    return heldEvents(this.state.snapshot());
  }

  private apply(change: StateChange<RememberedEvent>, former = this.current): SensorEffects {
    this.pressure.look(this.state.waitingEvents());
    // Listeners count fires that start at once.
    this.reports.addFired(change.fires.length);
    const effects = effectsOf(change, this.plan.state, this.current, former);
    for (const run of effects.runs) {
      if (run.stored !== undefined) this.unstarted.add(run);
      for (const { ticket } of run.input.fires) if (ticket !== undefined) this.state.startedIn(ticket, run.workflowId);
    }
    return effects;
  }
}
