/** The events that a trigger holds: by group, where they find partners, and by age, where the next to leave is in front. */
import type { EventReference, HeldEvent } from './dependency-state-types';

export interface Held<E extends EventReference> extends HeldEvent<E> {
  readonly group: Group<E>;
}

export interface Group<E extends EventReference> {
  readonly id: string;
  readonly correlationKey: string | undefined;
  /** When the period of the group began; 0 without resets. */
  readonly periodStart: number;
  /** Oldest first. Never holds an empty set. */
  readonly queues: Map<string, Set<Held<E>>>;
}

export class HeldGroups<E extends EventReference> {
  private readonly groups = new Map<string, Group<E>>();
  /** Everything held, by dependency, oldest first. */
  private readonly byAge = new Map<string, Set<Held<E>>>();

  get isEmpty(): boolean {
    return this.groups.size === 0;
  }

  /** Returns the group of these events: an empty one if it holds none. */
  group(periodStart: number, correlationKey: string | undefined): Group<E> {
    const id = `${periodStart} ${correlationKey ?? ''}`;
    return this.groups.get(id) ?? { id, correlationKey, periodStart, queues: new Map() };
  }

  add(held: Held<E>): void {
    const { group, dependency } = held;
    addTo(group.queues, dependency, held);
    addTo(this.byAge, dependency, held);
    this.groups.set(group.id, group);
  }

  release(held: Held<E>): void {
    const { group, dependency } = held;
    removeFrom(group.queues, dependency, held);
    removeFrom(this.byAge, dependency, held);
    if (group.queues.size === 0) this.groups.delete(group.id);
  }

  /** By dependency, oldest first. */
  queues(): Iterable<ReadonlySet<Held<E>>> {
    return this.byAge.values();
  }

  queueOf(dependency: string): ReadonlySet<Held<E>> {
    return this.byAge.get(dependency) ?? new Set();
  }

  all(): Held<E>[] {
    return [...this.byAge.values()].flatMap((queue) => [...queue]);
  }

  /** The oldest of each dependency. */
  fronts(): Held<E>[] {
    return [...this.byAge.values()].flatMap((queue) => first(queue) ?? []);
  }

  oldest(): Held<E> | undefined {
    return this.fronts().reduce<Held<E> | undefined>(
      (oldest, held) => (oldest === undefined || held.receivedAt < oldest.receivedAt ? held : oldest),
      undefined,
    );
  }
}

export function first<T>(values: Iterable<T>): T | undefined {
  for (const value of values) return value;
  return undefined;
}

function addTo<T>(sets: Map<string, Set<T>>, name: string, value: T): void {
  const set = sets.get(name);
  if (set) set.add(value);
  else sets.set(name, new Set([value]));
}

function removeFrom<T>(sets: Map<string, Set<T>>, name: string, value: T): void {
  const set = sets.get(name);
  set?.delete(value);
  if (set?.size === 0) sets.delete(name);
}
