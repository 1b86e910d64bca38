/** Collects the satisfied conditions of one trigger, to fire once for many: debounce and batch. */
import type { Collecting, EventReference, FireReason } from './dependency-state-types';
import type { EventPlace } from '../../contract/sensor-messages';

/** Most conditions collected for one fire, regardless of the options; when it is reached, the trigger fires. */
export const MAX_COLLECTED = 1000;
/** Over all keys of a trigger; when it is exceeded, the oldest collection fires. */
const MAX_COLLECTED_IN_ALL = 2000;
/** Content of one fire as JSON, in bytes: a run carries its events, and Temporal's limit is 2 MB. */
const MAX_COLLECTED_BYTES = 1_000_000;
const DEFAULT_DEBOUNCE_MAX_FACTOR = 10;

/** Satisfied conditions waiting to be fired together. */
export interface Collection<E> {
  readonly key: string;
  readonly concurrencyKey?: string;
  readonly joined: ReadonlyArray<Readonly<Record<string, E>>>;
  readonly firstAt: number;
  readonly lastAt: number;
}

/** A collection that is complete. */
export interface Batch<E extends EventReference> {
  readonly collection: Collection<E>;
  readonly reason: FireReason;
}

interface OpenCollection<E extends EventReference> extends Collection<E> {
  readonly joined: Array<Readonly<Record<string, E>>>;
  lastAt: number;
  bytes: number;
}

/** The result of adding a satisfied condition, with the collections that had to fire to make space for it. */
export interface Added<E extends EventReference> {
  readonly batches: ReadonlyArray<Batch<E>>;
  /** The collection that it was added to, unless that is among the batches. */
  readonly open?: { readonly collected: number; readonly dueAt?: number };
}

export class TriggerBatches<E extends EventReference> {
  /** Oldest first. */
  private readonly collections = new Map<string, OpenCollection<E>>();
  private collected = 0;
  /** No collection is due before; saves a scan of all of them for every event. */
  private dueNotBefore: number;

  constructor(
    private readonly options: Collecting,
    collections: readonly Collection<E>[] = [],
  ) {
    for (const collection of collections) {
      const joined = [...collection.joined];
      const bytes = joined.reduce((total, dependencies) => total + contentBytes(dependencies), 0);
      this.collections.set(collectionId(collection), { ...collection, joined, bytes });
      this.collected += joined.length;
    }
    this.dueNotBefore = this.nextDeadline() ?? Infinity;
  }

  /** Adds a satisfied condition; returns the collections that are complete now. */
  add(
    dependencies: Readonly<Record<string, E>>,
    keys: { readonly key: string; readonly concurrencyKey?: string },
    now: number,
  ): Added<E> {
    const id = collectionId(keys);
    const batches: Batch<E>[] = [];
    const bytes = contentBytes(dependencies);
    const former = this.collections.get(id);
    if (former !== undefined && former.bytes + bytes > MAX_COLLECTED_BYTES) batches.push(this.takeOut(id, former));
    const collection = this.collections.get(id) ?? { ...keys, joined: [], firstAt: now, lastAt: now, bytes: 0 };
    collection.joined.push(dependencies);
    collection.lastAt = now;
    collection.bytes += bytes;
    this.collected += 1;
    this.collections.set(id, collection);
    if (collection.joined.length >= this.limit() || collection.bytes >= MAX_COLLECTED_BYTES) {
      batches.push(this.takeOut(id, collection));
      return { batches };
    }
    const [oldest] = this.collections;
    if (this.collected > MAX_COLLECTED_IN_ALL && oldest !== undefined) batches.push(this.takeOut(...oldest));
    if (!this.collections.has(id)) return { batches };
    const { dueAt } = this.dueTime(collection);
    this.dueNotBefore = Math.min(this.dueNotBefore, dueAt);
    return { batches, open: { collected: collection.joined.length, ...(Number.isFinite(dueAt) && { dueAt }) } };
  }

  /** Removes and returns the collections that are due, the longest overdue first. */
  takeDue(now: number): Batch<E>[] {
    if (now < this.dueNotBefore) return [];
    const due = [...this.collections.values()]
      .map((collection) => ({ collection, ...this.dueTime(collection) }))
      .filter(({ dueAt }) => dueAt <= now)
      .sort((left, right) => left.dueAt - right.dueAt);
    for (const { collection } of due) this.takeOut(collectionId(collection), collection);
    this.dueNotBefore = this.nextDeadline() ?? Infinity;
    return due.map(({ collection, reason }) => ({ collection, reason }));
  }

  nextDeadline(): number | undefined {
    let next = Infinity;
    for (const collection of this.collections.values()) next = Math.min(next, this.dueTime(collection).dueAt);
    return Number.isFinite(next) ? next : undefined;
  }

  placesOf(eventKey: string): EventPlace[] {
    return [...this.collections.values()].flatMap((collection) => {
      const { dueAt } = this.dueTime(collection);
      const dependencies = collection.joined.flatMap((events) =>
        Object.entries(events).flatMap(([dependency, event]) => (event.key === eventKey ? [dependency] : [])),
      );
      return dependencies.map((dependency) => ({
        ...{ kind: 'collected' as const, dependency, collected: collection.joined.length },
        ...(Number.isFinite(dueAt) && { dueAt }),
      }));
    });
  }

  snapshot(): Collection<E>[] {
    return [...this.collections.values()].map(({ joined, key, concurrencyKey, firstAt, lastAt }) => ({
      ...{ key, ...(concurrencyKey !== undefined && { concurrencyKey }) },
      ...{ joined: [...joined], firstAt, lastAt },
    }));
  }

  private takeOut(id: string, collection: OpenCollection<E>): Batch<E> {
    this.collections.delete(id);
    this.collected -= collection.joined.length;
    return { collection, reason: 'full' };
  }

  private limit(): number {
    return this.options.kind === 'batch' ? Math.min(this.options.batchSize, MAX_COLLECTED) : MAX_COLLECTED;
  }

  private dueTime({ firstAt, lastAt }: Collection<E>): { dueAt: number; reason: FireReason } {
    switch (this.options.kind) {
      case 'batch':
        return { dueAt: firstAt + (this.options.batchWindowMs ?? Infinity), reason: 'full' };
      case 'debounce': {
        const { debounceMs, debounceMaxMs = debounceMs * DEFAULT_DEBOUNCE_MAX_FACTOR } = this.options;
        const quietAt = lastAt + debounceMs;
        const fullAt = firstAt + debounceMaxMs;
        return quietAt <= fullAt ? { dueAt: quietAt, reason: 'quiet' } : { dueAt: fullAt, reason: 'full' };
      }
    }
  }
}

function collectionId({ key, concurrencyKey }: { readonly key: string; readonly concurrencyKey?: string }): string {
  return JSON.stringify([key, concurrencyKey]);
}

function contentBytes(dependencies: Readonly<Record<string, EventReference>>): number {
  return Object.values(dependencies).reduce((total, { bytes = 0 }) => total + bytes, 0);
}
