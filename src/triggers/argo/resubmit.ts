/** Operation `resubmit`: the same Workflow as a new object; memoized, it keeps the nodes that had succeeded. */
import { nodeIdOf } from '../../kubernetes/argo/node-names';
import { readNodes } from '../../kubernetes/argo/node-packing';
import type { WorkflowNode, WorkflowNodes, WorkflowStatus } from '../../kubernetes/argo/workflow-status';
import { createObject, type Created } from '../create-object';
import { nameFor } from '../object-identity';
import { findName, notPossible, readWorkflow, timestamp } from './change-workflow';
import { isExitNodeName } from './node-kinds';
import { withTextParameters } from './parameter-values';
import { overrideParameters } from './submit-options';
import type { OperationContext } from './submit';
import { ACTOR, CREATOR_LABEL, WORKFLOW_API_VERSION, type Workflow } from './workflow';

export async function resubmit(resource: unknown, context: OperationContext): Promise<Created> {
  const original = await readWorkflow(await findName(resource, context), context);
  const { cluster, fire, namespace, signal, options } = context;
  const copy = copyWorkflow(original);
  overrideParameters(copy, options.parameters);
  if (options.memoized) {
    copy.metadata.name = nameFor(copy.metadata.generateName ?? '', fire.fireId);
    copy.status = await memoizeStatus(original, copy.metadata.name);
  }
  return await createObject(cluster, withTextParameters(copy), fire, { namespace, signal });
}

/** Labels that describe the old object. Our own marks are set again when the copy is created. */
const DROPPED_LABELS = [
  /^workflows\.argoproj\.io\/(creator.*|phase|completed|workflow-archiving-status|action)$/,
  /^events\.argoproj\.io\//,
];
const DROPPED_ANNOTATIONS = [/^sluice\.io\//, /^traceparent$/];

function copyWorkflow({ metadata, spec }: Workflow): Workflow {
  const { shutdown: _shutdown, activeDeadlineSeconds, ...kept } = spec;
  const name = metadata.name ?? '';
  return {
    apiVersion: WORKFLOW_API_VERSION,
    kind: 'Workflow',
    metadata: {
      generateName: metadata.generateName ?? `${name}-`,
      labels: {
        ...without(metadata.labels, DROPPED_LABELS),
        'workflows.argoproj.io/resubmitted-from-workflow': name,
        [CREATOR_LABEL]: ACTOR,
      },
      annotations: without(metadata.annotations, DROPPED_ANNOTATIONS),
      ...(metadata.ownerReferences ? { ownerReferences: metadata.ownerReferences } : {}),
    },
    spec: { ...kept, ...(activeDeadlineSeconds ? { activeDeadlineSeconds } : {}) },
  };
}

function without(entries: Record<string, string> = {}, dropped: readonly RegExp[]): Record<string, string> {
  return Object.fromEntries(Object.entries(entries).filter(([name]) => !dropped.some((pattern) => pattern.test(name))));
}

/** Returns the new object's status: succeeded nodes are skipped. Throws TRIGGER_REFUSED unless the original failed. */
export async function memoizeStatus(original: Workflow, newName: string, nowMs = Date.now()): Promise<WorkflowStatus> {
  const { phase, storedTemplates } = original.status ?? {};
  if (phase !== 'Failed' && phase !== 'Error') {
    throw notPossible(original, `is ${phase || 'not started'}; only a failed one can be resubmitted with --memoized`);
  }
  return {
    phase: '',
    conditions: [{ type: 'Completed', status: 'False' }],
    nodes: memoizeNodes(await readNodes(original.status), original.metadata.name ?? '', newName, nowMs),
    ...(storedTemplates ? { storedTemplates } : {}),
  };
}

function memoizeNodes(nodes: WorkflowNodes, oldName: string, newName: string, nowMs: number): WorkflowNodes {
  const rename = (name: string) => (name.startsWith(oldName) ? newName + name.slice(oldName.length) : name);
  const newIds = new Map(Object.values(nodes).map(({ id, name }) => [id, nodeIdOf(newName, rename(name))]));
  const mapIds = (ids: readonly string[] | undefined) => ids?.map((id) => newIds.get(id) ?? id);
  const memoized: WorkflowNodes = {};
  for (const node of Object.values(nodes)) {
    if (isExitNodeName(oldName, node.name)) continue;
    if (node.type === 'Skipped' && !hasSucceededDescendant(nodes, node)) continue;
    const id = newIds.get(node.id) ?? node.id;
    const isFailed = node.phase === 'Failed' || node.phase === 'Error';
    const time = isFailed && node.type === 'Pod' ? null : timestamp(nowMs);
    memoized[id] = {
      ...node,
      id,
      name: rename(node.name),
      startedAt: time,
      finishedAt: time,
      ...(node.boundaryID === undefined ? {} : { boundaryID: newIds.get(node.boundaryID) ?? node.boundaryID }),
      ...(node.children ? { children: mapIds(node.children) } : {}),
      ...(node.outboundNodes ? { outboundNodes: mapIds(node.outboundNodes) } : {}),
      ...(node.type === 'Pod' && !isFailed
        ? { type: 'Skipped', phase: 'Skipped', message: `original pod: ${node.id}` }
        : { phase: 'Pending', message: '' }),
    };
  }
  return memoized;
}

function hasSucceededDescendant(nodes: WorkflowNodes, node: WorkflowNode): boolean {
  const waiting = [...(node.children ?? [])];
  const seen = new Set<string>();
  for (let id = waiting.pop(); id !== undefined; id = waiting.pop()) {
    const child = nodes[id];
    if (!child || seen.has(id)) continue;
    if (child.phase === 'Succeeded') return true;
    seen.add(id);
    waiting.push(...(child.children ?? []));
  }
  return false;
}
