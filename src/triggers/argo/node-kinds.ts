/** What kinds of nodes there are, seen from those who run them again. */
import type { WorkflowNode } from '../../kubernetes/argo/workflow-status';

/** Hold other nodes together and run nothing themselves. */
export function isGroup({ type }: WorkflowNode): boolean {
  return type === 'DAG' || type === 'TaskGroup' || type === 'Steps' || type === 'StepGroup';
}

/** Run something. */
export function isExecution({ type }: WorkflowNode): boolean {
  return type === 'Pod' || type === 'Container' || type === 'HTTP' || type === 'Plugin';
}

/** Expanded from a loop or a list of parallel steps. */
export function isFanOut({ type }: WorkflowNode): boolean {
  return type === 'TaskGroup' || type === 'StepGroup';
}

export function isFailed({ phase }: WorkflowNode): boolean {
  return phase === 'Failed' || phase === 'Error';
}

/** The exit handler and everything in it. */
export function isExitNodeName(workflowName: string, nodeName: string): boolean {
  return nodeName.startsWith(`${workflowName}.onExit`);
}
