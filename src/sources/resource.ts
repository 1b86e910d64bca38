/**
 * Event source `resource`: changes of Kubernetes objects, at least once.
 *
 * The position is the version up to which everything was seen, and the uid and version of each object. A reader resumes
 * the watch there; if the API server has forgotten that version (410 Gone), the present objects are compared with those
 * of the position. So a restart neither repeats what exists nor misses what changed; several changes of one object in a
 * gap that the server has forgotten are one.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { describeError, isSluiceError, type SluiceError } from '../errors/sluice-error';
import type { JsonObject } from '../event/json';
import type { KubernetesClient } from '../kubernetes/client';
import type { KubernetesObject } from '../kubernetes/kubernetes-object';
import { objectPath } from '../kubernetes/object-path';
import { refusalOf } from '../kubernetes/refusal';
import { listAndWatch, listAt, type WatchEvent } from '../kubernetes/watch';
import { KeptPosition, MAX_POSITION_BYTES } from './kept-position';
import {
  FilterUnusable,
  ResourceFilter,
  labelSelectorOf,
  type ResourceEventType,
  type ResourceOptions,
} from './resource-filter';
import { ResourceBatches, type ResourceBatch, type ResourceChange, type ResourceStep } from './resource-batches';
import {
  formatObjects,
  knownObject,
  objectAsJson,
  parseObjects,
  withoutObject,
  type KnownObject,
  type KnownObjects,
} from './resource-state';
import type { Delivery, ReceivedEvent, Source, SourceBacklog, SourceContext, SourceOf, SourceStatus } from './source';
import { describeSource, sourceFailure } from './source-failure';

export const resourceSource: SourceOf<'resource'> = {
  kind: 'resource',
  guarantee: 'at least once',
  create: (spec, context) => new ResourceSource(spec, context),
};

const MAX_PER_DELIVERY = 100;
const MAX_WAITING = 200;
const WRITE_POSITION_WITHIN_MS = 1_000;

interface Position {
  readonly version: string;
  readonly begunAt: number;
  readonly objects: KnownObjects;
}

class ResourceSource implements Source {
  private isReading = false;
  private problem: string | undefined;
  private begunAt = Date.now();
  /** What the bus has. */
  private acknowledged: KnownObjects = new Map();
  private version: string | undefined;
  /** The same with all steps of the watch. */
  private seen: KnownObjects = new Map();
  private readonly steps: ResourceStep[] = [];
  private readonly batches = new ResourceBatches();
  private wakeReader: () => void = () => undefined;
  private wakeWatch: () => void = () => undefined;
  private failure: { readonly error: unknown } | undefined;
  private readonly position: KeptPosition;
  private filter: ResourceFilter | undefined;

  constructor(
    private readonly spec: ResourceOptions,
    private readonly context: SourceContext,
  ) {
    this.position = new KeptPosition(context, () => this.currentPosition());
  }

  async check(): Promise<void> {
    this.requireSound();
    try {
      const client = await this.client();
      await client.request({ method: 'GET', path: this.path(), query: { limit: 1 }, signal: this.context.signal });
    } catch (error) {
      throw this.explain(error);
    }
  }

  async *deliveries(): AsyncIterable<Delivery> {
    const { signal } = this.context;
    this.filter = this.requireSound();
    const isLoaded = await this.position.load(
      () => this.load(),
      (error) => this.note(`its position cannot be read: ${describeError(error)}`),
    );
    if (!isLoaded) return;
    const stopping = new AbortController();
    const either = AbortSignal.any([signal, stopping.signal]);
    const onAbort = (): void => {
      this.wakeReader();
      this.wakeWatch();
    };
    either.addEventListener('abort', onAbort, { once: true });
    const watching = this.watch(either).catch((error: unknown) => {
      this.failure = { error };
      this.wakeReader();
    });
    try {
      while (!signal.aborted) {
        const batch = this.nextBatch();
        if (batch !== undefined) yield this.toDelivery(batch);
        else if (this.failure !== undefined) throw this.explain(this.failure.error);
        else await this.waitForSteps(signal);
        await this.position.write();
      }
    } finally {
      stopping.abort();
      await watching;
      this.isReading = false;
    }
  }

  status(): SourceStatus {
    const { isReading, problem } = this;
    return { connected: isReading, dropped: 0, ...(problem !== undefined && { problem }) };
  }

  async backlog(signal: AbortSignal): Promise<SourceBacklog> {
    const filter = this.requireSound();
    if (this.isReading) {
      const waiting = this.steps.flatMap(({ changes }) => changes).filter(({ event }) => event !== undefined);
      return { entries: waiting.length, pending: 0 };
    }
    try {
      const former = await this.formerPosition();
      if (former === undefined && this.context.startFrom.kind === 'new') return { entries: 0, pending: 0 };
      return { entries: await this.countChanges(filter, former, signal), pending: 0 };
    } catch (error) {
      throw this.explain(error);
    }
  }

  async close(): Promise<void> {
    await this.position.close();
  }

  /** Throws for problems that waiting does not fix. */
  private requireSound(): ResourceFilter {
    const { group, resource } = this.spec;
    if (!group && resource === 'secrets') {
      throw this.misconfigured('the contents of Secrets would be part of the events', 'Watch another resource');
    }
    try {
      labelSelectorOf(this.spec);
      this.path();
      return new ResourceFilter(this.spec.filter, this.context.matchField);
    } catch (error) {
      if (!(error instanceof FilterUnusable)) throw this.explain(error);
      throw this.misconfigured(error.message, 'Correct the manifest and apply it again');
    }
  }

  private misconfigured(message: string, fix: string): SluiceError {
    return sourceFailure(this.context, 'misconfigured', { message, fix });
  }

  private explain(error: unknown): unknown {
    if (!isSluiceError(error) || error.code.startsWith('EVENT_SOURCE_')) return error;
    const { message, fix, retryable } = error;
    return sourceFailure(this.context, retryable ? 'unreachable' : 'misconfigured', { message, fix, cause: error });
  }

  private async client(): Promise<KubernetesClient> {
    return (await this.context.kubernetes.open()).client;
  }

  private path(): string {
    const { group, version, resource, namespace } = this.spec;
    return objectPath(
      { apiVersion: group ? `${group}/${version}` : version, plural: resource },
      namespace || undefined,
    );
  }

  private selection() {
    const labelSelector = labelSelectorOf(this.spec);
    return { path: this.path(), ...(labelSelector !== undefined && { labelSelector }) };
  }

  private positionOf(): string {
    return JSON.stringify([this.path(), labelSelectorOf(this.spec) ?? '']);
  }

  private async formerPosition(): Promise<Position | undefined> {
    const position = await this.context.position.read();
    if (position?.of !== this.positionOf()) return undefined;
    const { version, begunAt, objects } = position;
    if (typeof version !== 'string' || typeof begunAt !== 'number' || typeof objects !== 'string') return undefined;
    return { version, begunAt, objects: parseObjects(objects) };
  }

  private async load(): Promise<void> {
    const former = await this.formerPosition();
    if (former === undefined) return;
    this.begunAt = former.begunAt;
    this.version = former.version;
    this.acknowledged = former.objects;
    this.seen = new Map(former.objects);
  }

  /** Turns what the API server reports into steps, and waits while many of them are not taken. */
  private async watch(signal: AbortSignal): Promise<void> {
    const client = await this.client();
    if (this.version !== undefined) await this.recall(client, this.version, signal);
    let listed: Set<string> | undefined;
    let isFirstList = this.version === undefined;
    const events = listAndWatch(client, {
      ...this.selection(),
      ...(this.version !== undefined && { resourceVersion: this.version }),
      signal,
      onInterrupted: (error) => {
        this.isReading = false;
        this.note(error.message);
      },
      onOpened: () => {
        if (!this.isReading) this.context.log('info', `${describeSource(this.context)}: watches ${this.path()}`);
        this.isReading = true;
        this.problem = undefined;
      },
    });
    for await (const event of events) {
      if (event.type === 'LISTED') listed = (listed ?? new Set()).add(event.object.metadata.uid ?? '');
      const isOld = isFirstList && this.context.startFrom.kind === 'new';
      const step = await this.toStep(event, isOld, listed ?? new Set());
      if (event.type === 'SYNCED') {
        listed = undefined;
        isFirstList = false;
      }
      this.steps.push(step);
      this.wakeReader();
      while (this.steps.length >= MAX_WAITING && !signal.aborted) {
        await new Promise<void>((resolve) => (this.wakeWatch = resolve));
      }
    }
  }

  /** Reads the objects as they were at the position, for `oldBody`; without them, it is null for their next change. */
  private async recall(client: KubernetesClient, version: string, signal: AbortSignal): Promise<void> {
    try {
      for await (const object of listAt(client, { ...this.selection(), signal }, version)) {
        const uid = object.metadata.uid ?? '';
        if (this.seen.get(uid)?.version === object.metadata.resourceVersion) this.seen.set(uid, knownObject(object));
      }
    } catch (error) {
      // 410: forgotten. Everything else shows again when the watch begins.
      if (!signal.aborted && refusalOf(error)?.status !== 410) this.note(describeError(error));
    }
  }

  private async toStep(event: WatchEvent, isOld: boolean, listed: ReadonlySet<string>): Promise<ResourceStep> {
    switch (event.type) {
      case 'LISTED':
      case 'ADDED':
      case 'MODIFIED': {
        const change = await this.toChange(event.object, isOld);
        const { resourceVersion } = event.object.metadata;
        return {
          changes: change ? [change] : [],
          // The versions of listed objects are in no order.
          ...(event.type !== 'LISTED' && resourceVersion !== undefined && { version: resourceVersion }),
        };
      }
      case 'DELETED': {
        const { resourceVersion } = event.object.metadata;
        return {
          changes: [await this.toDeletion(event.object.metadata.uid ?? '', event.object)],
          ...(resourceVersion !== undefined && { version: resourceVersion }),
        };
      }
      case 'SYNCED': {
        const gone = [...this.seen].filter(([uid]) => !listed.has(uid));
        const changes = await Promise.all(gone.map(([uid, known]) => this.toDeletion(uid, this.lastState(known))));
        return { changes, version: event.resourceVersion };
      }
      case 'BOOKMARK':
        return { changes: [], version: event.resourceVersion };
    }
  }

  /** Returns undefined if this version was seen. `isOld`: it is no event, as it was there before the source. */
  private async toChange(object: KubernetesObject, isOld: boolean): Promise<ResourceChange | undefined> {
    const uid = object.metadata.uid ?? '';
    const former = this.seen.get(uid);
    // The object itself is needed only as `oldBody`.
    const known = this.spec.eventTypes.includes('UPDATE') ? knownObject(object) : withoutObject(knownObject(object));
    if (former?.version === known.version) {
      this.seen.set(uid, known);
      return undefined;
    }
    this.seen.set(uid, known);
    const type = former === undefined ? 'ADD' : 'UPDATE';
    const id = type === 'ADD' ? `${uid}:ADD` : `${uid}:UPDATE:${known.version}`;
    const event = isOld ? undefined : await this.toEvent(type, id, object, former?.object);
    return { uid, known, ...(event && { event }) };
  }

  private async toDeletion(uid: string, object: KubernetesObject): Promise<ResourceChange> {
    this.seen.delete(uid);
    const event = await this.toEvent('DELETE', `${uid}:DELETE`, object, undefined);
    return { uid, known: undefined, ...(event && { event }) };
  }

  /** Of an object that was deleted unseen: all that is known. */
  private lastState({ object, name, namespace }: KnownObject): KubernetesObject {
    const { group, version, resource } = this.spec;
    if (object !== undefined) return object;
    const metadata = { name, ...(namespace && { namespace }) };
    return { apiVersion: group ? `${group}/${version}` : version, kind: resource, metadata };
  }

  private async toEvent(
    type: ResourceEventType,
    id: string,
    object: KubernetesObject,
    former: KubernetesObject | undefined,
  ): Promise<ReceivedEvent | undefined> {
    const { eventTypes, group = '', version, resource, metadata } = this.spec;
    if (!eventTypes.includes(type)) return undefined;
    if (!(await this.filter?.selects(object, type, this.begunAt))) return undefined;
    const hasMetadata = metadata !== undefined && Object.keys(metadata).length > 0;
    const data: JsonObject = {
      type,
      body: objectAsJson(object),
      oldBody: former === undefined ? null : objectAsJson(former),
      group,
      version,
      resource,
      ...(hasMetadata && { metadata }),
    };
    return { transportId: id, data, time: new Date().toISOString() };
  }

  /** Returns the next events to deliver; undefined if there are none now. */
  private nextBatch(): ResourceBatch | undefined {
    const released = this.batches.takeReleased();
    if (released !== undefined) return released;
    const steps = this.steps.splice(0, MAX_PER_DELIVERY);
    if (steps.length === 0) return undefined;
    this.wakeWatch();
    const batch = this.batches.add(steps);
    if (batch.events.length > 0) return batch;
    this.finish(batch);
    return undefined;
  }

  private toDelivery(batch: ResourceBatch): Delivery {
    return {
      events: batch.events,
      rejected: [],
      position: batch.steps.flatMap(({ version }) => version ?? []).at(-1) ?? 'listing',
      acknowledge: () => {
        this.finish(batch);
        return Promise.resolve();
      },
      release: () => {
        this.batches.release(batch);
        this.wakeReader();
        return Promise.resolve();
      },
    };
  }

  private finish(batch: ResourceBatch): void {
    this.settle(this.batches.finish(batch));
    this.wakeReader();
  }

  private settle(steps: readonly ResourceStep[]): void {
    for (const { changes, version } of steps) {
      for (const { uid, known } of changes) {
        if (known === undefined) this.acknowledged.delete(uid);
        else this.acknowledged.set(uid, withoutObject(known));
      }
      this.version = version ?? this.version;
    }
    this.position.changed();
  }

  private async waitForSteps(signal: AbortSignal): Promise<void> {
    const woken = new Promise<void>((resolve) => (this.wakeReader = resolve));
    if (signal.aborted || this.steps.length > 0 || this.failure !== undefined) return;
    const retryInMs = this.batches.retryInMs();
    if (!this.position.isUnwritten && retryInMs === undefined) return await woken;
    // The position is still to be written, or a batch to be delivered again.
    const waitMs = retryInMs ?? WRITE_POSITION_WITHIN_MS;
    const timer = new AbortController();
    await Promise.race([woken, delay(waitMs, undefined, { signal: timer.signal }).catch(() => undefined)]);
    timer.abort();
  }

  private currentPosition(): JsonObject | undefined {
    const { version, begunAt } = this;
    // Within the first list there is no version to resume from.
    if (version === undefined) return undefined;
    const objects = formatObjects(this.acknowledged);
    if (objects.length <= MAX_POSITION_BYTES) return { of: this.positionOf(), version, begunAt, objects };
    throw this.misconfigured(
      `${this.acknowledged.size} objects are selected, more than its position can hold`,
      'Select fewer with namespace or filter.labels',
    );
  }

  /** Compares the present objects with the position. */
  private async countChanges(
    filter: ResourceFilter,
    former: Position | undefined,
    signal: AbortSignal,
  ): Promise<number> {
    const { eventTypes } = this.spec;
    const begunAt = former?.begunAt ?? Date.now();
    const gone = new Set(former?.objects.keys());
    let count = 0;
    for await (const event of listAndWatch(await this.client(), { ...this.selection(), signal })) {
      if (event.type !== 'LISTED') break;
      const { uid = '', resourceVersion } = event.object.metadata;
      gone.delete(uid);
      const known = former?.objects.get(uid);
      if (known?.version === resourceVersion) continue;
      const type = known === undefined ? 'ADD' : 'UPDATE';
      if (eventTypes.includes(type) && (await filter.selects(event.object, type, begunAt))) count += 1;
    }
    return count + (eventTypes.includes('DELETE') ? gone.size : 0);
  }

  private note(problem: string): void {
    if (problem !== this.problem) this.context.log('warn', `${describeSource(this.context)}: ${problem}`);
    this.problem = problem;
  }
}
