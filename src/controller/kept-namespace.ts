/** Follows the EventBuses, EventSources and Sensors of one namespace or of all, and keeps each in step with its workflow. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';
import { Semaphore } from '../concurrency/semaphore';
import { APPLIED_KINDS, APPLY_ORDER, type ObjectAddress } from '../control/applied-kinds';
import { listApplied, workflowIdOf } from '../control/applied-objects';
import type { OpenCluster } from '../kubernetes/access';
import type { KubernetesObject } from '../kubernetes/kubernetes-object';
import { objectPath } from '../kubernetes/object-path';
import { listAndWatch } from '../kubernetes/watch';
import { API_VERSION } from '../manifest/common';
import type { ManifestKind } from '../validation/parse-manifest';
import type { ApplyTools } from './apply-cluster-object';
import { ClusterEvents } from './cluster-events';
import { addressOfObject, busNameOf, isLeaving } from './cluster-object';
import type { ServiceSelector } from './event-source-service';
import { KeptObject, type ObjectTools } from './kept-object';

export const CLASS_LABEL = 'sluice.io/class';

export interface NamespaceTools extends ApplyTools {
  /** Default: all namespaces. */
  readonly namespace?: string;
  /** Value of the label that objects must have; default: all objects. */
  readonly objectClass?: string;
  readonly cluster: OpenCluster;
  /** Of the pods to which Services of EventSources lead; default: no Service is made. */
  readonly serviceSelector?: ServiceSelector;
  readonly log: Logger;
}

export interface NamespaceState {
  /** The objects of all kinds are listed, and their watches are open. */
  readonly connected: boolean;
  readonly objects: number;
  readonly notApplied: number;
  readonly problem?: string;
}

const OBJECTS_AT_ONCE = 8;
/** A bus or sensor that takes longer delays no source. */
const LONGEST_TURN_MS = 10_000;
const TURN_POLL_MS = 50;

export class KeptNamespace {
  private readonly objects = new Map<string, KeptObject>();
  private readonly runs = new Set<Promise<void>>();
  private readonly synced = new Set<ManifestKind>();
  private readonly unsettled: Record<ManifestKind, number> = { EventBus: 0, EventSource: 0, Sensor: 0 };
  private interruption: string | undefined;
  private readonly ending = new AbortController();
  private readonly tools: ObjectTools;

  constructor(private readonly given: NamespaceTools) {
    this.tools = {
      ...given,
      selects: given.objectClass !== undefined,
      events: new ClusterEvents(given.cluster, given.log),
      turns: new Semaphore(OBJECTS_AT_ONCE),
      signal: this.ending.signal,
      untilItsTurn: (kind) => this.untilItsTurn(kind),
      onSettling: (kind, isSettled) => (this.unsettled[kind] += isSettled ? -1 : 1),
      onBusApplied: (bus) => this.applyUsersOf(bus),
    };
  }

  get state(): NamespaceState {
    const objects = [...this.objects.values()].filter(({ object }) => object !== undefined);
    return {
      connected: this.synced.size === APPLY_ORDER.length && this.interruption === undefined,
      objects: objects.length,
      notApplied: objects.filter(({ isFaulty }) => isFaulty).length,
      ...(this.interruption !== undefined && { problem: this.interruption }),
    };
  }

  /** Ends when the signal aborts. Throws what waiting cannot fix: no permission, no such resource. */
  async run(signal: AbortSignal): Promise<void> {
    const end = (): void => this.ending.abort();
    signal.addEventListener('abort', end, { once: true });
    if (signal.aborted) end();
    const follows = APPLY_ORDER.map((kind) => this.follow(kind).finally(end));
    try {
      await Promise.all(follows);
    } finally {
      signal.removeEventListener('abort', end);
      await Promise.allSettled(follows);
      await Promise.allSettled(this.runs);
    }
  }

  private async follow(kind: ManifestKind): Promise<void> {
    const { cluster, namespace, objectClass } = this.given;
    const resource = await cluster.discovery.find(API_VERSION, kind, this.ending.signal);
    let listed = new Set<string>();
    for await (const event of listAndWatch(cluster.client, {
      path: objectPath(resource, namespace),
      ...(objectClass !== undefined && { labelSelector: `${CLASS_LABEL}=${objectClass}` }),
      signal: this.ending.signal,
      onInterrupted: (error) => (this.interruption = error.message),
    })) {
      this.interruption = undefined;
      switch (event.type) {
        case 'LISTED':
          listed.add(this.take(kind, event.object));
          break;
        case 'SYNCED':
          this.dropUnlisted(kind, listed);
          listed = new Set();
          this.synced.add(kind);
          await this.leaveOrphans(kind);
          break;
        case 'ADDED':
        case 'MODIFIED':
          this.take(kind, event.object);
          break;
        case 'DELETED':
          this.objects.get(workflowIdOf(addressOfObject(kind, event.object)))?.update(undefined, event.object);
          break;
        case 'BOOKMARK':
          break;
      }
    }
  }

  /** Returns the key of the object. */
  private take(kind: ManifestKind, object: KubernetesObject): string {
    const kept = this.keep(addressOfObject(kind, object));
    kept.update(isLeaving(object) ? undefined : object);
    return workflowIdOf(kept.address);
  }

  private keep(address: ObjectAddress): KeptObject {
    const key = workflowIdOf(address);
    const known = this.objects.get(key);
    if (known !== undefined) return known;
    const kept = new KeptObject(address, this.tools);
    this.objects.set(key, kept);
    // Begins only after the caller has told it of its object.
    const run = Promise.resolve()
      .then(() => kept.run())
      .finally(() => {
        this.runs.delete(run);
        if (this.objects.get(key) === kept) this.objects.delete(key);
        // The object may have come back in the moment in which its workflow was gone.
        if (kept.object !== undefined && !this.ending.signal.aborted) this.keep(address).update(kept.object);
      });
    this.runs.add(run);
    return kept;
  }

  private dropUnlisted(kind: ManifestKind, listed: ReadonlySet<string>): void {
    for (const [key, kept] of this.objects) {
      if (kept.address.kind.kind === kind && !listed.has(key)) kept.update(undefined);
    }
  }

  /** What was deleted from the cluster while no controller was there. */
  private async leaveOrphans(kind: ManifestKind): Promise<void> {
    const { session, namespace } = this.given;
    const applied = await listApplied(session, [APPLIED_KINDS[kind]], namespace);
    for (const { kind: appliedKind, ...address } of applied) {
      this.keep({ kind: appliedKind, namespace: address.namespace, name: address.name });
    }
  }

  private applyUsersOf(bus: ObjectAddress): void {
    for (const kept of this.objects.values()) {
      const uses = kept.object !== undefined && busNameOf(kept.object) === bus.name;
      if (uses && kept.address.namespace === bus.namespace) kept.applyAgain();
    }
  }

  /** A sensor takes events from when it is applied, so it must listen before a new source publishes. */
  private async untilItsTurn(kind: ManifestKind): Promise<void> {
    const before = APPLY_ORDER.slice(0, APPLY_ORDER.indexOf(kind));
    const isWaiting = (): boolean => before.some((other) => !this.synced.has(other) || this.unsettled[other] > 0);
    const deadline = Date.now() + LONGEST_TURN_MS;
    while (!this.ending.signal.aborted && Date.now() < deadline && isWaiting()) await sleep(TURN_POLL_MS);
  }
}
