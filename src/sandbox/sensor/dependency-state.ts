/**
 * The dependency state of one sensor: which triggers are satisfied by the events seen so far.
 *
 * A plain object that lives inside the sensor workflow: no clock, no randomness, no I/O. Each call passes in the time;
 * `nextDeadline` returns when to call `advance` if nothing else happens. `snapshot` and `restore` carry everything over
 * continue-as-new. The cost of an observation grows with the number of triggers that use its dependency, not with the
 * number of events held.
 */
import { conditionDependencies } from '../conditions/conditions';
import type {
  DependencyStateSpec,
  EventReference,
  StateObservation,
  StateChange,
  StateFire,
  TriggerView,
} from './dependency-state-types';
import type { GroupShare } from '../../contract/group-messages';
import type { EventPlace, SensorGroup } from '../../contract/sensor-messages';
import { RecentEvents } from './recent-events';
import { purgeForChange } from './purge-trigger';
import { SensorGroups, type SensorGroupsSnapshot } from './sensor-groups';
import { TriggerState, type TriggerSnapshot } from './trigger-state';

/** Plain JSON. `version` changes when older snapshots become unreadable. */
export interface DependencyStateSnapshot<E> {
  readonly version: 1;
  readonly spec: DependencyStateSpec;
  readonly now: number;
  readonly fireCount: number;
  readonly recent: readonly string[];
  readonly triggers: Readonly<Record<string, TriggerSnapshot<E>>>;
  /** Absent in snapshots of sensors that are in no concurrency group. */
  readonly groups?: SensorGroupsSnapshot<E>;
}

export interface ReconcileOptions {
  /** Old name → new name. */
  readonly renamed?: ReadonlyMap<string, string>;
  /** Complete events of a removed trigger are parked instead of dropped. */
  readonly parkRemoved?: boolean;
}

export class DependencyState<E extends EventReference> {
  private triggers = new Map<string, TriggerState<E>>();
  private readonly triggersOf = new Map<string, TriggerState<E>[]>();
  private recent = new RecentEvents();
  private groups: SensorGroups<E>;
  private now = 0;
  private fireCount = 0;

  /** @throws SluiceError EXPRESSION_INVALID for a condition or reset schedule that validation should have rejected. */
  constructor(private spec: DependencyStateSpec) {
    this.build(spec);
    this.groups = new SensorGroups(spec.triggers);
  }

  static restore<E extends EventReference>(snapshot: DependencyStateSnapshot<E>): DependencyState<E> {
    const state = new DependencyState<E>(snapshot.spec);
    state.now = snapshot.now;
    state.fireCount = snapshot.fireCount;
    state.recent = new RecentEvents(snapshot.recent);
    state.groups = new SensorGroups(snapshot.spec.triggers, snapshot.groups);
    for (const [name, trigger] of state.triggers) {
      trigger.adopt(snapshot.triggers[name] ?? {}, emptyChange(), true);
    }
    return state;
  }

  /** Takes an event for one dependency. An event that matches several dependencies is observed once for each. */
  observe(observation: StateObservation<E>): StateChange<E> {
    const change = emptyChange<E>();
    const now = this.moveTo(observation.receivedAt);
    const { dependency, event } = observation;
    const triggers = this.triggersOf.get(dependency) ?? [];
    if (triggers.length === 0) {
      change.notes.push({ kind: 'unused', dependency, event });
      return change;
    }
    const { again } = observation;
    const isNew = this.recent.add(dependency, event.key);
    const isAsked = again !== undefined && this.recent.add(dependency, `${event.key}\n${again}`);
    if (!isNew && !isAsked) {
      change.notes.push({ kind: 'duplicate', dependency, event });
      return change;
    }
    for (const trigger of triggers) {
      if (observation.except?.includes(trigger.trigger.name) === true) continue;
      trigger.settle(now, change);
      trigger.observe(observation, now, change);
    }
    return this.holdForGroups(change);
  }

  /** Handles everything that is due: windows, resets, batches. Late calls lose nothing. */
  advance(now: number): StateChange<E> {
    return this.holdForGroups(this.settle(now));
  }

  /** When `advance` has something to do, in milliseconds since 1970; undefined if only an event can change anything. */
  nextDeadline(): number | undefined {
    let next = this.groups.nextDeadline() ?? Infinity;
    for (const trigger of this.triggers.values()) next = Math.min(next, trigger.nextDeadline(this.now) ?? Infinity);
    return Number.isFinite(next) ? next : undefined;
  }

  /** Marks a fire as finished; the change holds the fires that waited for it. No effect for an unknown id. */
  finished(fireId: string): StateChange<E> {
    const change = emptyChange<E>();
    this.groups.finished(fireId);
    for (const trigger of this.triggers.values()) trigger.finished(fireId, change);
    return this.holdForGroups(change);
  }

  /** A concurrency group gave places, or took back those of fires that ended without a word. */
  placesChanged(group: string, given: readonly string[], lost: readonly string[]): StateChange<E> {
    const started = { ...emptyChange<E>(), fires: this.groups.given(group, given) };
    const ended = this.groups.holdersOf(group, lost).map((fireId) => this.finished(fireId));
    return mergeChanges([started, ...ended]);
  }

  /** The run that carries a fire, for the group that gave it a place. */
  startedIn(fireId: string, run: string): void {
    this.groups.startedIn(fireId, run);
  }

  /** True if a concurrency group must be told of this sensor's share. */
  hasShares(): boolean {
    return this.groups.hasShares();
  }

  takeShares(): GroupShare[] {
    return this.groups.takeShares(this.now);
  }

  /** Those of a sensor that is deleted. */
  lastShares(): GroupShare[] {
    return this.groups.lastShares(this.now);
  }

  groupsInView(): SensorGroup[] {
    return this.groups.view();
  }

  /**
   * Switches to another spec. Keeps what Argo Events keeps: the state of triggers whose condition is the same, without
   * dependencies that changed or vanished. Conditions that were satisfied before still fire, unless their trigger was
   * removed; fires that no option holds back any longer fire now. A trigger that was only renamed keeps everything.
   */
  reconcile(spec: DependencyStateSpec, now: number, options: ReconcileOptions = {}): StateChange<E> {
    const { renamed = new Map<string, string>(), parkRemoved = false } = options;
    const change = this.settle(now);
    const before = { spec: this.spec, triggers: this.triggers };
    this.spec = spec;
    this.build(spec);
    for (const [name, old] of before.triggers) {
      const trigger = this.triggers.get(renamed.get(name) ?? name);
      const snapshot = trigger === undefined && parkRemoved ? old.parkComplete(change) : old.snapshot();
      const kept = purgeForChange(
        snapshot,
        { spec: before.spec, trigger: old.trigger },
        { spec, trigger: trigger?.trigger },
        change,
      );
      trigger?.adopt(kept, change, isSameJson(old.trigger.collect, trigger.trigger.collect));
    }
    this.groups.reconcile(spec.triggers, renamed, parkRemoved, change);
    return this.holdForGroups(change);
  }

  /** Events of fires that wait for their turn. */
  waitingEvents(): number {
    let count = this.groups.waitingEvents();
    for (const trigger of this.triggers.values()) count += trigger.waitingEvents();
    return count;
  }

  /** Parks that many of the events that wait for others, those that have waited longest first. */
  parkOldest(count: number): StateChange<E> {
    const change = emptyChange<E>();
    while (change.parked.length < count) {
      let oldest: TriggerState<E> | undefined;
      for (const trigger of this.triggers.values()) {
        if ((trigger.oldestAt() ?? Infinity) < (oldest?.oldestAt() ?? Infinity)) oldest = trigger;
      }
      if (oldest === undefined) break;
      oldest.parkOldest(change);
    }
    return change;
  }

  snapshot(): DependencyStateSnapshot<E> {
    const groups = this.groups.snapshot();
    return {
      version: 1,
      spec: this.spec,
      now: this.now,
      fireCount: this.fireCount,
      recent: this.recent.snapshot(),
      triggers: Object.fromEntries([...this.triggers].map(([name, trigger]) => [name, trigger.snapshot()])),
      ...(Object.keys(groups).length > 0 && { groups }),
    };
  }

  /** Events held and fires queued and running, for queries and pages. */
  view(): TriggerView<E>[] {
    return [...this.triggers.values()].map((trigger) => trigger.view(this.groups.countOf(trigger.trigger.name)));
  }

  /** Every place that holds the event, with its trigger. */
  placesOf(eventKey: string): Array<EventPlace & { readonly trigger: string }> {
    const places = [...this.triggers].flatMap(([trigger, state]) =>
      state.placesOf(eventKey).map((place) => ({ trigger, ...place })),
    );
    return [...places, ...this.groups.placesOf(eventKey)];
  }

  private build(spec: DependencyStateSpec): void {
    const names = Object.keys(spec.dependencies);
    this.triggersOf.clear();
    this.triggers = new Map();
    for (const trigger of spec.triggers) {
      const state = new TriggerState<E>(trigger, names, () => `${trigger.name}/${(this.fireCount += 1)}`);
      this.triggers.set(trigger.name, state);
      for (const name of conditionDependencies(state.condition)) {
        this.triggersOf.set(name, [...(this.triggersOf.get(name) ?? []), state]);
      }
    }
  }

  private settle(now: number): StateChange<E> {
    const change = emptyChange<E>();
    const moved = this.moveTo(now);
    for (const trigger of this.triggers.values()) trigger.settle(moved, change);
    this.groups.advance(moved);
    return change;
  }

  /** Fires that need a place in a group wait there; their own limit no longer counts those that are parked instead. */
  private holdForGroups(change: StateChange<E>): StateChange<E> {
    const free: StateFire<E>[] = [];
    while (change.fires.length > 0) {
      const held = this.groups.hold(change.fires.splice(0), change);
      free.push(...held.free);
      for (const fireId of held.refused) for (const trigger of this.triggers.values()) trigger.finished(fireId, change);
    }
    change.fires.push(...free);
    return change;
  }

  private moveTo(now: number): number {
    this.now = Math.max(this.now, now);
    return this.now;
  }
}

export function mergeChanges<E extends EventReference>(changes: ReadonlyArray<StateChange<E>>): StateChange<E> {
  return {
    fires: changes.flatMap((change) => change.fires),
    parked: changes.flatMap((change) => change.parked),
    notes: changes.flatMap((change) => change.notes),
  };
}

function emptyChange<E extends EventReference>(): StateChange<E> {
  return { fires: [], parked: [], notes: [] };
}

function isSameJson(left: unknown, right: unknown): boolean {
  return JSON.stringify(left) === JSON.stringify(right);
}
