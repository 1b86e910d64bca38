/**
 * Holds the events of one trigger until its condition is satisfied.
 *
 * Events are joined within a group: those with the same correlation key, of the same period between two condition
 * resets.
 */
import {
  conditionDependencies,
  evaluateCondition,
  formatCondition,
  remainingCondition,
  satisfyingDependencies,
  type ParsedCondition,
} from '../conditions/conditions';
import { ResetClock } from '../conditions/condition-resets';
import type {
  EventReference,
  HeldEvent,
  StateObservation,
  ParkReason,
  StateChange,
  StatefulTrigger,
} from './dependency-state-types';
import type { EventPlace } from '../../contract/sensor-messages';
import { first, HeldGroups, type Group, type Held } from './held-groups';

const DEFAULT_MAX_HELD = 1000;

/** A satisfied condition. */
export interface JoinedEvents<E extends EventReference> {
  readonly dependencies: Readonly<Record<string, E>>;
  readonly reason: 'event' | 'joined';
}

export interface JoinerSnapshot<E> {
  readonly held: readonly HeldEvent<E>[];
  /** The last reset that was carried out. */
  readonly resetAt: number;
}

export class EventJoiner<E extends EventReference> {
  private readonly dependencies: readonly string[];
  private readonly clock: ResetClock | undefined;
  private readonly held = new HeldGroups<E>();
  private resetAt = 0;

  constructor(
    private readonly trigger: StatefulTrigger,
    private readonly condition: ParsedCondition,
  ) {
    this.dependencies = conditionDependencies(condition);
    this.clock = trigger.resets?.length ? new ResetClock(trigger.resets) : undefined;
  }

  /** Takes over what an earlier joiner held, without firing. */
  adopt(snapshot: JoinerSnapshot<E>, change: StateChange<E>): void {
    this.resetAt = snapshot.resetAt;
    for (const held of snapshot.held) {
      this.hold(held, change);
      this.parkOverflow(held.dependency, change);
    }
  }

  /** Parks events that waited too long and clears those whose period is over. */
  settle(now: number, change: StateChange<E>): void {
    this.expire(now, change);
    this.reset(now, change);
  }

  /** Adds an event that was not seen before; returns the events of the condition if it is satisfied now. */
  observe(observation: StateObservation<E>, now: number, change: StateChange<E>): JoinedEvents<E> | undefined {
    const { dependency, event, keys } = observation;
    const group = this.hold({ dependency, event, receivedAt: now, ...(keys && { keys }) }, change);
    if (group === undefined) return undefined;
    const has = (name: string): boolean => group.queues.has(name);
    if (!evaluateCondition(this.condition, has)) {
      const waitingFor = conditionDependencies(remainingCondition(this.condition, has) ?? this.condition);
      change.notes.push({ kind: 'held', trigger: this.trigger.name, dependency, event, waitingFor });
      this.parkOverflow(dependency, change);
      return undefined;
    }
    const names = this.trigger.keep === 'all' ? satisfyingDependencies(this.condition, has) : this.dependencies;
    return { dependencies: this.take(group, names ?? []), reason: 'joined' };
  }

  /** Arrival time of the event that has waited longest; undefined if none waits. */
  oldestAt(): number | undefined {
    return this.held.oldest()?.receivedAt;
  }

  parkOldest(change: StateChange<E>): void {
    const oldest = this.held.oldest();
    if (oldest !== undefined) this.parkForRoom(oldest, change);
  }

  /** When `settle` has something to do if no event arrives before. */
  nextDeadline(now: number): number | undefined {
    const deadlines: number[] = [];
    const { windowMs } = this.trigger;
    if (windowMs !== undefined) deadlines.push(...this.held.fronts().map(({ receivedAt }) => receivedAt + windowMs));
    if (this.clock && !this.held.isEmpty) deadlines.push(this.clock.periodOf(now).end);
    const next = Math.min(...deadlines);
    return Number.isFinite(next) ? next : undefined;
  }

  /** Where the event waits, and for which dependencies: events with another key or of another period cannot join it. */
  placesOf(eventKey: string): EventPlace[] {
    return this.held
      .all()
      .filter(({ event }) => event.key === eventKey)
      .map(({ dependency, group }) => ({ kind: 'held', dependency, waitingFor: this.remainingOf(group) }));
  }

  snapshot(): JoinerSnapshot<E> {
    return { held: this.held.all().map(withoutGroup), resetAt: this.resetAt };
  }

  private hold(arrival: HeldEvent<E>, change: StateChange<E>): Group<E> | undefined {
    const group = this.groupOf(arrival);
    if (group === undefined) {
      this.park([arrival], 'key-missing', [], undefined, change);
      return undefined;
    }
    if (this.trigger.keep !== 'all') this.replaceEarlier(group, arrival, change);
    this.held.add({ ...arrival, group });
    return group;
  }

  private groupOf(arrival: HeldEvent<E>): Group<E> | undefined {
    const { correlateBy } = this.trigger;
    const correlationKey = correlateBy === undefined ? undefined : arrival.keys?.[correlateBy];
    if (correlateBy !== undefined && correlationKey === undefined) return undefined;
    return this.held.group(this.clock?.periodOf(timeOf(arrival)).start ?? 0, correlationKey);
  }

  private replaceEarlier(group: Group<E>, arrival: HeldEvent<E>, change: StateChange<E>): void {
    const earlier = first(group.queues.get(arrival.dependency) ?? []);
    if (earlier === undefined) return;
    this.held.release(earlier);
    const { dependency, event } = earlier;
    change.notes.push({ kind: 'replaced', trigger: this.trigger.name, dependency, event, by: arrival.event });
  }

  private parkOverflow(dependency: string, change: StateChange<E>): void {
    const queue = this.held.queueOf(dependency);
    const oldest = first(queue);
    if (oldest && queue.size > (this.trigger.maxHeld ?? DEFAULT_MAX_HELD)) this.parkForRoom(oldest, change);
  }

  private parkForRoom(held: Held<E>, change: StateChange<E>): void {
    const missing = this.missingIn(held.group);
    this.held.release(held);
    this.park([held], 'too-many-held', missing, held.group.correlationKey, change);
  }

  private expire(now: number, change: StateChange<E>): void {
    const { windowMs } = this.trigger;
    if (windowMs === undefined) return;
    const expired = new Map<Group<E>, Held<E>[]>();
    for (const queue of this.held.queues()) {
      for (const held of queue) {
        if (held.receivedAt + windowMs > now) break;
        expired.set(held.group, [...(expired.get(held.group) ?? []), held]);
      }
    }
    for (const [group, held] of expired) {
      const missing = this.missingIn(group);
      held.forEach((one) => this.held.release(one));
      for (const half of asTuples(held)) this.park(half, 'window-passed', missing, group.correlationKey, change);
    }
  }

  private reset(now: number, change: StateChange<E>): void {
    if (!this.clock) return;
    const resetAt = this.clock.periodOf(now).start;
    if (resetAt <= this.resetAt) return;
    this.resetAt = resetAt;
    for (const held of this.held.all()) {
      if (held.group.periodStart >= resetAt) continue;
      this.held.release(held);
      const { dependency, event } = held;
      change.notes.push({ kind: 'reset', trigger: this.trigger.name, dependency, event, resetAt });
    }
  }

  private take(group: Group<E>, names: readonly string[]): Record<string, E> {
    const events = new Map<string, E>();
    for (const name of this.dependencies.filter((candidate) => names.includes(candidate))) {
      const held = first(group.queues.get(name) ?? []);
      if (held === undefined) continue;
      this.held.release(held);
      events.set(name, held.event);
    }
    return Object.fromEntries(events);
  }

  private missingIn(group: Group<E>): string[] {
    return this.dependencies.filter((name) => !group.queues.has(name));
  }

  private remainingOf({ queues }: Group<E>): string {
    return formatCondition(remainingCondition(this.condition, (name) => queues.has(name)) ?? this.condition);
  }

  private park(
    events: readonly HeldEvent<E>[],
    reason: ParkReason,
    missing: readonly string[],
    correlationKey: string | undefined,
    change: StateChange<E>,
  ): void {
    const dependencies = Object.fromEntries(events.map(({ dependency, event }) => [dependency, event]));
    const key = correlationKey === undefined ? {} : { correlationKey };
    change.parked.push({ trigger: this.trigger.name, reason, dependencies, missing, ...key });
  }
}

/** Splits the events of one group into incomplete sets, each with at most one event per dependency. */
function asTuples<E extends EventReference>(held: readonly Held<E>[]): Held<E>[][] {
  const tuples: Held<E>[][] = [];
  for (const one of held) {
    const open = tuples.find((tuple) => tuple.every((other) => other.dependency !== one.dependency));
    if (open) open.push(one);
    else tuples.push([one]);
  }
  return tuples;
}

function timeOf(arrival: HeldEvent<EventReference>): number {
  const time = Date.parse(arrival.event.time);
  return Number.isNaN(time) ? arrival.receivedAt : time;
}

function withoutGroup<E extends EventReference>({ dependency, event, receivedAt, keys }: Held<E>): HeldEvent<E> {
  return { dependency, event, receivedAt, ...(keys && { keys }) };
}
