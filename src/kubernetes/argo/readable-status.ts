/**
 * The parts of a Workflow's status that have the shape in which Argo's controller writes them. With the minimal
 * resource definitions of Argo Workflows the API server accepts anything there, and one malformed Workflow must not end
 * the watch of all others. Pure.
 */
import { isRecord } from '../kubernetes-object';
import type { OutputParameter, WorkflowNode, WorkflowNodes, WorkflowPhase, WorkflowStatus } from './workflow-status';

const PHASES: readonly WorkflowPhase[] = ['', 'Pending', 'Running', 'Succeeded', 'Failed', 'Error'];
const NODE_TEXTS = ['displayName', 'templateName', 'phase', 'message'];

export function readableStatus(value: unknown): WorkflowStatus {
  const status = isRecord(value) ? value : {};
  return {
    phase: PHASES.find((phase) => phase === status['phase']),
    message: textOf(status['message']),
    startedAt: textOf(status['startedAt']),
    finishedAt: textOf(status['finishedAt']),
    progress: textOf(status['progress']),
    nodes: readableNodesOf(status['nodes']),
    compressedNodes: textOf(status['compressedNodes']),
    offloadNodeStatusVersion: textOf(status['offloadNodeStatusVersion']),
    outputs: { parameters: readableParameters(status['outputs']) },
  };
}

/** Returns the valid nodes. */
export function readableNodesOf(nodes: unknown): WorkflowNodes {
  if (!isRecord(nodes)) return {};
  return Object.fromEntries(
    Object.entries(nodes)
      .filter((entry): entry is [string, WorkflowNode] => isNode(entry[1]))
      .map(([id, node]) => [id, { ...node, outputs: { parameters: readableParameters(node.outputs) } }]),
  );
}

function isNode(value: unknown): value is WorkflowNode {
  if (!isRecord(value) || !['id', 'name', 'type'].every((field) => typeof value[field] === 'string')) return false;
  const { templateRef } = value;
  const hasReadableReference = templateRef === undefined || (isRecord(templateRef) && isText(templateRef['template']));
  return NODE_TEXTS.every((field) => isText(value[field])) && hasReadableReference;
}

function readableParameters(outputs: unknown): OutputParameter[] {
  const parameters = isRecord(outputs) ? outputs['parameters'] : undefined;
  return Array.isArray(parameters) ? parameters.filter(isParameter) : [];
}

function isParameter(value: unknown): value is OutputParameter {
  return isRecord(value) && typeof value['name'] === 'string' && isText(value['value']);
}

function isText(value: unknown): boolean {
  return value === undefined || typeof value === 'string';
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}
