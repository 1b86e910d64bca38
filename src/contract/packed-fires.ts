/**
 * Fires with their events, and packed as a run carries them: each event once, referred to by its index. The only code
 * that reads or writes those indexes. Pure.
 */
import { eventKey, type CloudEvent } from '../event/cloud-event';

/** Dependency → what belongs to each of its events; more than one where the trigger collects events. */
export type ByDependency<Item> = Readonly<Record<string, readonly Item[]>>;

/** One trigger with the events that satisfied it. */
export interface LoadedFire<Event = CloudEvent> {
  /** Deterministic in sensor, trigger and events; becomes part of the created object's name. */
  readonly id: string;
  readonly trigger: string;
  readonly dependencies: ByDependency<Event>;
  /** The trigger collects events (batch, debounce): each dependency's data is the list of its events' data. */
  readonly collected?: boolean;
  /** Present if the trigger limits concurrent fires: to be returned when this one has ended. */
  readonly ticket?: string;
}

/** A fire as a run carries it: its events are indexes into `PackedFires.events`. */
export type Fire = LoadedFire<number>;

/** A list of events, and fires that refer to it. */
export interface PackedFires {
  readonly fires: readonly Fire[];
  readonly events: readonly CloudEvent[];
}

/** Events that are the same object are packed once. */
export function packFires(fires: readonly LoadedFire[]): PackedFires {
  const places = new Map<CloudEvent, number>();
  const place = (event: CloudEvent): number => {
    const index = places.get(event) ?? places.size;
    places.set(event, index);
    return index;
  };
  const packed = fires.map((fire) => ({ ...fire, dependencies: mapLists(fire.dependencies, place) }));
  return { fires: packed, events: [...places.keys()] };
}

export function loadFire(fire: Fire, events: readonly CloudEvent[]): LoadedFire {
  const dependencies = Object.fromEntries(
    Object.entries(fire.dependencies).map(([name, indexes]) => [name, indexes.flatMap((index) => events[index] ?? [])]),
  );
  return { ...fire, dependencies };
}

/** Returns these fires with the events that they use, and no others. */
export function repackFires(fires: readonly Fire[], events: readonly CloudEvent[]): PackedFires {
  return packFires(fires.map((fire) => loadFire(fire, events)));
}

/** Returns the events of a fire, each once. */
export function eventsOf(fire: Fire, events: readonly CloudEvent[]): CloudEvent[] {
  return [...new Set(Object.values(loadFire(fire, events).dependencies).flat())];
}

/** Returns the keys of a fire's events by dependency. */
export function keysOf({ dependencies }: Pick<LoadedFire, 'dependencies'>): ByDependency<string> {
  return mapLists(dependencies, eventKey);
}

/** Returns the fire that sends a failed fire's events to its dead-letter trigger. */
export function deadLetterOf(fire: Fire, trigger: string): Fire {
  return { ...fire, id: `${fire.id}-dlq`, trigger };
}

export function mapLists<From, To>(lists: ByDependency<From>, change: (value: From) => To): ByDependency<To> {
  return Object.fromEntries(Object.entries(lists).map(([name, list]) => [name, list.map((value) => change(value))]));
}
