/** Collects the satisfied conditions of one trigger, to fire once for many: debounce and batch. */
import type { Collecting, EventReference, FireReason } from './dependency-state-types';

/** Most conditions collected for one fire, whatever the options say; with one more waiting the fire goes out. */
export const MAX_COLLECTED = 1000;
const DEFAULT_DEBOUNCE_MAX_FACTOR = 10;

/** Satisfied conditions waiting to be fired together. */
export interface Collection<E extends EventReference> {
  readonly key: string;
  readonly concurrencyKey?: string;
  readonly joined: ReadonlyArray<Readonly<Record<string, E>>>;
  readonly firstAt: number;
  readonly lastAt: number;
}

/** What a collection has become. */
export interface Batch<E extends EventReference> {
  readonly collection: Collection<E>;
  readonly reason: FireReason;
}

interface OpenCollection<E extends EventReference> extends Collection<E> {
  readonly joined: Array<Readonly<Record<string, E>>>;
  lastAt: number;
}

export class TriggerBatches<E extends EventReference> {
  private readonly collections: Map<string, OpenCollection<E>>;
  /** No collection is due before; saves looking at each of them for every event. */
  private dueNotBefore: number;

  constructor(
    private readonly options: Collecting,
    collections: readonly Collection<E>[] = [],
  ) {
    this.collections = new Map(
      collections.map((collection) => [collectionId(collection), { ...collection, joined: [...collection.joined] }]),
    );
    this.dueNotBefore = this.nextDeadline() ?? Infinity;
  }

  /** Adds a satisfied condition. Returns the batch if it is complete now, else the collection so far. */
  add(
    dependencies: Readonly<Record<string, E>>,
    keys: { readonly key: string; readonly concurrencyKey?: string },
    now: number,
  ): { readonly batch: Batch<E> } | { readonly collected: number; readonly dueAt?: number } {
    const id = collectionId(keys);
    const collection = this.collections.get(id) ?? { ...keys, joined: [], firstAt: now, lastAt: now };
    collection.joined.push(dependencies);
    collection.lastAt = now;
    if (collection.joined.length >= this.limit()) {
      this.collections.delete(id);
      return { batch: { collection, reason: 'full' } };
    }
    this.collections.set(id, collection);
    const { dueAt } = this.dueTime(collection);
    this.dueNotBefore = Math.min(this.dueNotBefore, dueAt);
    return { collected: collection.joined.length, ...(Number.isFinite(dueAt) && { dueAt }) };
  }

  /** Takes out what is due, the longest due first. */
  takeDue(now: number): Batch<E>[] {
    if (now < this.dueNotBefore) return [];
    const due = [...this.collections.values()]
      .map((collection) => ({ collection, ...this.dueTime(collection) }))
      .filter(({ dueAt }) => dueAt <= now)
      .sort((left, right) => left.dueAt - right.dueAt);
    for (const { collection } of due) this.collections.delete(collectionId(collection));
    this.dueNotBefore = this.nextDeadline() ?? Infinity;
    return due.map(({ collection, reason }) => ({ collection, reason }));
  }

  nextDeadline(): number | undefined {
    let next = Infinity;
    for (const collection of this.collections.values()) next = Math.min(next, this.dueTime(collection).dueAt);
    return Number.isFinite(next) ? next : undefined;
  }

  snapshot(): Collection<E>[] {
    return [...this.collections.values()].map((collection) => ({ ...collection, joined: [...collection.joined] }));
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
