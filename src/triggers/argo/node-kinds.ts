/** Kinds of nodes, as far as running them again is concerned. */
import type { WorkflowNode } from '../../kubernetes/argo/workflow-status';

/** True for nodes that group others and run nothing themselves. */
export function isGroup({ type }: WorkflowNode): boolean {
  return type === 'DAG' || type === 'TaskGroup' || type === 'Steps' || type === 'StepGroup';
}

/** True for nodes that run something. */
export function isExecution({ type }: WorkflowNode): boolean {
  return type === 'Pod' || type === 'Container' || type === 'HTTP' || type === 'Plugin';
}

/** True for nodes expanded from a loop or a list of parallel steps. */
export function isFanOut({ type }: WorkflowNode): boolean {
  return type === 'TaskGroup' || type === 'StepGroup';
}

export function isFailed({ phase }: WorkflowNode): boolean {
  return phase === 'Failed' || phase === 'Error';
}

/** True for the exit handler and every node in it. */
export function isExitNodeName(workflowName: string, nodeName: string): boolean {
  return nodeName.startsWith(`${workflowName}.onExit`);
}
