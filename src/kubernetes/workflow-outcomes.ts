/** How Argo Workflows end: by the watch that all sensors of a worker share, or by one look-up of a single Workflow. */
import type { OpenCluster } from './access';
import type { KubernetesClient } from './client';
import { objectPath } from './object-path';
import { POD_NAME_FORMAT_ANNOTATION } from './argo/node-names';
import { summaryOf } from './argo/node-packing';
import type { NodeSummary } from './argo/node-summary';
import { outcomeMessage, readOutputs } from './argo/outcome-text';
import { readableStatus } from './argo/readable-status';
import { isFinalPhase, type WorkflowStatus } from './argo/workflow-status';
import { referenceTo, type KubernetesObject } from './kubernetes-object';
import { FIRE_ID_ANNOTATION, RUN_ID_ANNOTATION, toLabelValue, TRACEPARENT_ANNOTATION } from './object-marks';
import type { ObjectReference } from '../errors/object-reference';
import { isNotFound } from './refusal';
import type { WatchOptions } from './watch';

export interface WorkflowOutcome {
  readonly object: ObjectReference;
  readonly fireId: string;
  /** Workflow id of the run that waits; absent on objects that were not created by a run. */
  readonly runId?: string;
  /** W3C trace context of the fire. */
  readonly traceparent?: string;
  /** `Deleted`: it vanished while running. `Unknown`: it was gone before its end was observed. */
  readonly phase: 'Succeeded' | 'Failed' | 'Error' | 'Deleted' | 'Unknown';
  /** Why it failed: the Workflow's message, else those of its failed nodes. Empty on success. */
  readonly message: string;
  /** RFC 3339. */
  readonly startedAt?: string;
  readonly finishedAt?: string;
  readonly durationMs?: number;
  /** Output parameters of the Workflow: global ones and those of its entry node. */
  readonly outputs: Readonly<Record<string, string>>;
  /** `3/3`: finished and all tasks. */
  readonly progress?: string;
  /** The Workflow had ended before, was retried (`argo retry`), and has now ended again. */
  readonly afterRetry: boolean;
  /** Found in a list, so it may have been reported long ago. */
  readonly isListed?: boolean;
}

export interface WatchOutcomesOptions {
  readonly cluster: Pick<OpenCluster, 'created'>;
  readonly sensorName: string;
  /** If omitted: all namespaces, which needs a ClusterRole. */
  readonly namespace?: string;
  /** Position of an earlier watch; if omitted, all existing objects come first. */
  readonly resourceVersion?: string;
  readonly signal: AbortSignal;
  /** Called when everything up to this version has been yielded and taken: keep it for the next watch. */
  onPosition?(resourceVersion: string): void;
  readonly onInterrupted?: WatchOptions['onInterrupted'];
  /** Called when a list is complete: the fires of each run whose Workflow exists, whether it has ended or not. */
  onListed?(fires: ReadonlyMap<string, readonly string[]>): void;
}

const WORKFLOWS = { apiVersion: 'argoproj.io/v1alpha1', plural: 'workflows' } as const;
/** Workflows are usually retried soon; beyond this many, a second end may be reported without `afterRetry`. */
const MAX_REMEMBERED = 20_000;

/**
 * Yields each end once. Never ends by itself; throws only what waiting cannot fix (see `listAndWatch`). Workflows that
 * vanished while no watch was open are not yielded: `onListed` reports the existing ones, and runs look up the others.
 */
export async function* watchWorkflowOutcomes(options: WatchOutcomesOptions): AsyncGenerator<WorkflowOutcome> {
  const { cluster, sensorName, namespace, resourceVersion, signal } = options;
  const ledger = new OutcomeLedger();
  const path = objectPath(WORKFLOWS, namespace);
  let listed = new Map<string, string[]>();
  for await (const event of cluster.created.follow({
    path,
    value: toLabelValue(sensorName),
    resourceVersion,
    signal,
    onInterrupted: (error) => options.onInterrupted?.(error),
  })) {
    switch (event.type) {
      case 'LISTED': {
        const { [RUN_ID_ANNOTATION]: runId, [FIRE_ID_ANNOTATION]: fireId } = event.object.metadata.annotations ?? {};
        if (runId !== undefined && fireId !== undefined) listed.set(runId, [...(listed.get(runId) ?? []), fireId]);
        const end = ledger.observe(event.object, true);
        if (end) yield await describeEnd(end);
        break;
      }
      case 'ADDED':
      case 'MODIFIED': {
        const end = ledger.observe(event.object, false);
        if (end) yield await describeEnd(end);
        break;
      }
      case 'DELETED': {
        const end = ledger.remove(event.object);
        if (end) yield await describeEnd(end);
        break;
      }
      case 'SYNCED':
        options.onListed?.(listed);
        listed = new Map();
        break;
      case 'BOOKMARK':
        break;
    }
    const version = 'object' in event ? event.object.metadata.resourceVersion : event.resourceVersion;
    // Versions of list items are older than the list: only later events are places to resume from.
    if (event.type !== 'LISTED' && version) options.onPosition?.(version);
  }
}

/** An end that has not been reported yet. */
interface ObservedEnd {
  readonly object: KubernetesObject;
  readonly phase: WorkflowOutcome['phase'];
  readonly afterRetry: boolean;
  readonly isListed: boolean;
}

/**
 * The ends reported so far. Running Workflows are not kept: there may be a hundred thousand, and the event that reports
 * an end or deletion contains everything needed.
 */
class OutcomeLedger {
  /** uid → the end as reported. */
  private readonly told = new Map<string, string>();
  private readonly restarted = new Set<string>();

  observe(object: KubernetesObject, isListed: boolean): ObservedEnd | undefined {
    if (!isFired(object)) return undefined;
    const uid = object.metadata.uid ?? '';
    const status = statusOf(object);
    if (!isFinalPhase(status.phase)) {
      if (this.told.delete(uid)) this.remember(this.restarted, uid);
      return undefined;
    }
    const end = `${status.phase}@${status.finishedAt ?? ''}`;
    // Labels and annotations of finished Workflows still change, e.g. when they are archived.
    if (this.told.get(uid) === end) return undefined;
    const afterRetry = this.restarted.delete(uid) || this.told.has(uid);
    this.told.set(uid, end);
    this.bound(this.told);
    return { object, phase: status.phase, afterRetry, isListed };
  }

  remove(object: KubernetesObject): ObservedEnd | undefined {
    const end = this.observe(object, false);
    const uid = object.metadata.uid ?? '';
    this.told.delete(uid);
    this.restarted.delete(uid);
    if (end !== undefined || !isFired(object) || isFinalPhase(statusOf(object).phase)) return end;
    return { object, phase: 'Deleted', afterRetry: false, isListed: false };
  }

  private remember(uids: Set<string>, uid: string): void {
    uids.add(uid);
    this.bound(uids);
  }

  private bound(kept: Map<string, unknown> | Set<string>): void {
    const [oldest] = kept.keys();
    if (kept.size > MAX_REMEMBERED && oldest !== undefined) kept.delete(oldest);
  }
}

function isFired(object: KubernetesObject): boolean {
  return object.metadata.annotations?.[FIRE_ID_ANNOTATION] !== undefined;
}

function statusOf(object: KubernetesObject): WorkflowStatus {
  return readableStatus(object.status);
}

/**
 * Looks up the Workflow that a fire created: how it ended, or undefined if it has not. If it is gone, or its name now
 * belongs to another object, the phase is `Unknown`.
 */
export async function readWorkflowOutcome(
  client: KubernetesClient,
  reference: ObjectReference,
  fireId: string,
  signal?: AbortSignal,
): Promise<WorkflowOutcome | undefined> {
  const gone: WorkflowOutcome = {
    object: reference,
    fireId,
    phase: 'Unknown',
    message: 'the Workflow was deleted before its end was seen',
    outputs: {},
    afterRetry: false,
  };
  let object: KubernetesObject;
  try {
    const path = objectPath(WORKFLOWS, reference.namespace, reference.name);
    object = await client.request<KubernetesObject>({ method: 'GET', path, signal });
  } catch (error) {
    if (isNotFound(error)) return gone;
    throw error;
  }
  if (object.metadata.uid !== reference.uid) return gone;
  const { phase } = statusOf(object);
  if (!isFinalPhase(phase)) return undefined;
  return { ...(await describeEnd({ object, phase, afterRetry: false, isListed: false })), fireId };
}

async function describeEnd({ object, phase, afterRetry, isListed }: ObservedEnd): Promise<WorkflowOutcome> {
  const status = statusOf(object);
  const { annotations, name = '' } = object.metadata;
  const podNameFormat = annotations?.[POD_NAME_FORMAT_ANNOTATION] === 'v1' ? 'v1' : 'v2';
  const nodes = await summaryOf(status, { name, podNameFormat });
  const startedAt = status.startedAt ?? undefined;
  const finishedAt = status.finishedAt ?? undefined;
  return {
    object: referenceTo(object),
    fireId: annotations?.[FIRE_ID_ANNOTATION] ?? '',
    runId: annotations?.[RUN_ID_ANNOTATION],
    traceparent: annotations?.[TRACEPARENT_ANNOTATION],
    phase,
    message: messageFor(status, phase, nodes),
    startedAt,
    finishedAt,
    durationMs: startedAt && finishedAt ? Date.parse(finishedAt) - Date.parse(startedAt) : undefined,
    outputs: readOutputs(status, nodes),
    progress: status.progress,
    afterRetry,
    ...(isListed && { isListed }),
  };
}

function messageFor(status: WorkflowStatus, phase: WorkflowOutcome['phase'], nodes: NodeSummary): string {
  switch (phase) {
    case 'Deleted':
      return `deleted while ${status.phase || 'waiting to be picked up'}`;
    case 'Unknown':
      return 'the Workflow was deleted before its end was seen';
    case 'Succeeded':
    case 'Failed':
    case 'Error':
      return outcomeMessage(status, nodes);
  }
}
