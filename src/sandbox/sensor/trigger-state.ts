/** The state of one trigger: joins events, collects satisfied conditions, limits concurrent fires. */
import {
  formatCondition,
  joinsDependencies,
  parseTriggerCondition,
  type ParsedCondition,
} from '../conditions/conditions';
import type {
  EventReference,
  FireReason,
  StateObservation,
  StateChange,
  StatefulTrigger,
  StateFire,
  TriggerView,
} from './dependency-state-types';
import { parsePriority } from '../../contract/priority';
import type { EventPlace } from '../../contract/sensor-messages';
import { EventJoiner, type JoinerSnapshot } from './event-joiner';
import { TriggerBatches, type Collection } from './trigger-batches';
import { TriggerConcurrency, stateEventsOf, type Lane } from './trigger-concurrency';

export interface TriggerSnapshot<E> {
  readonly joiner?: JoinerSnapshot<E>;
  readonly collections?: readonly Collection<E>[];
  readonly lanes?: readonly Lane<E>[];
}

export class TriggerState<E extends EventReference> {
  readonly condition: ParsedCondition;
  private readonly joiner: EventJoiner<E> | undefined;
  private batches: TriggerBatches<E> | undefined;
  private concurrency: TriggerConcurrency<E> | undefined;

  constructor(
    readonly trigger: StatefulTrigger,
    dependencyNames: readonly string[],
    private readonly nextFireId: () => string,
  ) {
    this.condition = parseTriggerCondition(trigger.conditions, dependencyNames);
    this.joiner = joinsDependencies(this.condition) ? new EventJoiner(trigger, this.condition) : undefined;
    this.batches = trigger.collect && new TriggerBatches(trigger.collect);
    this.concurrency = trigger.concurrency && new TriggerConcurrency(trigger.concurrency);
  }

  /** Takes over the state of the same trigger: after continue-as-new, or after its options changed. */
  adopt(snapshot: TriggerSnapshot<E>, change: StateChange<E>, isSameCollecting: boolean): void {
    if (snapshot.joiner) this.joiner?.adopt(snapshot.joiner, change);
    if (snapshot.lanes?.length) this.adoptLanes(snapshot.lanes, change);
    const collections = snapshot.collections ?? [];
    if (this.trigger.collect && isSameCollecting) {
      this.batches = new TriggerBatches(this.trigger.collect, collections);
    } else {
      for (const collection of collections) this.fireBatch(collection, 'reconfigured', change);
    }
  }

  /** Handles everything that is due at this time. */
  settle(now: number, change: StateChange<E>): void {
    this.joiner?.settle(now, change);
    for (const { collection, reason } of this.batches?.takeDue(now) ?? []) this.fireBatch(collection, reason, change);
  }

  observe(observation: StateObservation<E>, now: number, change: StateChange<E>): void {
    const { dependency, event } = observation;
    const joined = this.joiner
      ? this.joiner.observe(observation, now, change)
      : { dependencies: { [dependency]: event }, reason: 'event' as const };
    if (!joined) return;
    const concurrencyKey = this.concurrencyKeyOf(observation);
    if (!this.batches) {
      const { dependencies, reason } = joined;
      this.fire({ dependencies, reason, ...concurrencyKey, ...this.priorityOf(observation) }, change);
      return;
    }
    const key = valueOfKey(this.trigger.collect?.by, observation);
    const { batches, open } = this.batches.add(joined.dependencies, { key, ...concurrencyKey }, now);
    for (const { collection, reason } of batches) this.fireBatch(collection, reason, change);
    if (open) change.notes.push({ kind: 'collected', trigger: this.trigger.name, dependency, event, ...open });
  }

  /** Marks a fire of this trigger as finished. */
  finished(fireId: string, change: StateChange<E>): void {
    change.fires.push(...(this.concurrency?.finished(fireId) ?? []));
  }

  /** Events of fires that wait for their turn. */
  waitingEvents(): number {
    return this.concurrency?.waitingEvents() ?? 0;
  }

  /** Arrival time of the event that has waited longest for others. */
  oldestAt(): number | undefined {
    return this.joiner?.oldestAt();
  }

  parkOldest(change: StateChange<E>): void {
    this.joiner?.parkOldest(change);
  }

  nextDeadline(now: number): number | undefined {
    const deadlines = [this.joiner?.nextDeadline(now), this.batches?.nextDeadline()];
    const next = Math.min(...deadlines.map((deadline) => deadline ?? Infinity));
    return Number.isFinite(next) ? next : undefined;
  }

  snapshot(): TriggerSnapshot<E> {
    return {
      ...(this.joiner && { joiner: this.joiner.snapshot() }),
      ...(this.batches && { collections: this.batches.snapshot() }),
      ...(this.concurrency && { lanes: this.concurrency.snapshot() }),
    };
  }

  /** `inGroup`: its fires that wait for a place in a concurrency group, and that have one. */
  view(inGroup = { waiting: 0, running: 0 }): TriggerView<E> {
    const lanes = this.concurrency?.snapshot() ?? [];
    return {
      trigger: this.trigger.name,
      condition: formatCondition(this.condition),
      held: this.joiner?.snapshot().held ?? [],
      collected: sum(this.batches?.snapshot() ?? [], ({ joined }) => joined.length),
      waiting: sum(lanes, ({ waiting }) => waiting.length) + inGroup.waiting,
      running: this.concurrency ? sum(lanes, ({ running }) => running.length) - inGroup.waiting : inGroup.running,
    };
  }

  placesOf(eventKey: string): EventPlace[] {
    return [
      ...(this.joiner?.placesOf(eventKey) ?? []),
      ...(this.batches?.placesOf(eventKey) ?? []),
      ...(this.concurrency?.placesOf(eventKey) ?? []),
    ];
  }

  /** Parks every complete set of events that has not fired; returns the remaining state. */
  parkComplete(change: StateChange<E>): TriggerSnapshot<E> {
    const { joiner, collections = [], lanes = [] } = this.snapshot();
    const trigger = this.trigger.name;
    const complete = [
      ...collections.map((collection) => fireOf(collection)),
      ...lanes.flatMap(({ waiting }) => waiting),
    ];
    for (const { dependencies, all } of complete) {
      change.parked.push({ trigger, reason: 'trigger-removed', dependencies, ...(all && { all }), missing: [] });
    }
    return joiner === undefined ? {} : { joiner };
  }

  private adoptLanes(given: readonly Lane<E>[], change: StateChange<E>): void {
    // It may have had another name.
    const lanes = given.map((lane) => ({
      ...lane,
      waiting: lane.waiting.map((fire) => ({ ...fire, trigger: this.trigger.name })),
    }));
    if (!this.trigger.concurrency) {
      for (const { waiting } of lanes) change.fires.push(...waiting);
      return;
    }
    this.concurrency = new TriggerConcurrency(this.trigger.concurrency, lanes);
    change.fires.push(...this.concurrency.releaseAll());
  }

  private fireBatch(collection: Collection<E>, reason: FireReason, change: StateChange<E>): void {
    const { concurrencyKey } = collection;
    this.fire({ ...fireOf(collection), reason, ...(concurrencyKey !== undefined && { concurrencyKey }) }, change);
  }

  private fire(fire: Omit<StateFire<E>, 'id' | 'trigger'>, change: StateChange<E>): void {
    const trigger = this.trigger.name;
    const complete: StateFire<E> = { id: this.nextFireId(), trigger, ...fire };
    const admission = this.concurrency?.admit(complete) ?? { kind: 'run' };
    switch (admission.kind) {
      case 'run':
        change.fires.push(complete);
        return;
      case 'wait':
        for (const [dependency, event] of stateEventsOf(complete)) {
          change.notes.push({
            kind: 'queued',
            trigger,
            dependency,
            event,
            fireId: complete.id,
            ahead: admission.ahead,
          });
        }
        return;
      case 'refuse': {
        const { dependencies, all } = complete;
        change.parked.push({ trigger, reason: 'too-many-waiting', dependencies, ...(all && { all }), missing: [] });
        return;
      }
    }
  }

  private concurrencyKeyOf(observation: StateObservation<E>): { readonly concurrencyKey?: string } {
    const { concurrency } = this.trigger;
    return concurrency ? { concurrencyKey: valueOfKey(concurrency.by, observation) } : {};
  }

  private priorityOf({ keys }: StateObservation<E>): { readonly priority?: number } {
    const { priority } = this.trigger;
    return priority ? { priority: parsePriority(keys?.[priority.from]) ?? priority.otherwise } : {};
  }
}

function fireOf<E extends EventReference>({ joined }: Collection<E>): Pick<StateFire<E>, 'dependencies' | 'all'> {
  const eventsByDependency = new Map<string, E[]>();
  for (const [dependency, event] of joined.flatMap((events) => Object.entries(events))) {
    const earlier = eventsByDependency.get(dependency);
    if (earlier) earlier.push(event);
    else eventsByDependency.set(dependency, [event]);
  }
  const dependencies = Object.fromEntries(joined.flatMap((events) => Object.entries(events)));
  return { dependencies, all: Object.fromEntries(eventsByDependency) };
}

function valueOfKey(key: string | undefined, observation: StateObservation<EventReference>): string {
  return (key === undefined ? undefined : observation.keys?.[key]) ?? '';
}

function sum<T>(values: readonly T[], count: (value: T) => number): number {
  return values.reduce((total, value) => total + count(value), 0);
}
