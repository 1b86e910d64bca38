/** Replaces the events in a snapshot of the dependency state by their index in a list, or back. */
import type { DependencyStateSnapshot } from './dependency-state';
import type { StateFire } from './dependency-state-types';
import type { TriggerSnapshot } from './trigger-state';

export function mapSnapshotEvents<From, To>(
  snapshot: DependencyStateSnapshot<From>,
  change: (event: From) => To,
): DependencyStateSnapshot<To> {
  const { groups, triggers, ...rest } = snapshot;
  return {
    ...rest,
    triggers: mapValues(triggers, (trigger) => mapTrigger(trigger, change)),
    ...(groups && {
      groups: mapValues(groups, (queue) => ({
        ...queue,
        waiting: queue.waiting.map((fire) => mapFire(fire, change)),
      })),
    }),
  };
}

function mapTrigger<From, To>(
  { joiner, collections, lanes }: TriggerSnapshot<From>,
  change: (event: From) => To,
): TriggerSnapshot<To> {
  return {
    ...(joiner && {
      joiner: { ...joiner, held: joiner.held.map((held) => ({ ...held, event: change(held.event) })) },
    }),
    ...(collections && {
      collections: collections.map((collection) => ({
        ...collection,
        joined: collection.joined.map((dependencies) => mapValues(dependencies, change)),
      })),
    }),
    ...(lanes && {
      lanes: lanes.map((lane) => ({ ...lane, waiting: lane.waiting.map((fire) => mapFire(fire, change)) })),
    }),
  };
}

function mapFire<From, To>(fire: StateFire<From>, change: (event: From) => To): StateFire<To> {
  const { all, dependencies, ...rest } = fire;
  return {
    ...rest,
    dependencies: mapValues(dependencies, change),
    ...(all && { all: mapValues(all, (events) => events.map(change)) }),
  };
}

function mapValues<From, To>(values: Readonly<Record<string, From>>, change: (value: From) => To): Record<string, To> {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, change(value)]));
}
