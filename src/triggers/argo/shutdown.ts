/** Operations `stop` (exit handlers still run) and `terminate` (they do not). */
import { isFinalPhase } from '../../kubernetes/argo/workflow-status';
import type { Created } from '../create-object';
import { changeWorkflow, notPossible } from './change-workflow';
import type { OperationContext } from './submit';
import { failSuspendedNodes } from './suspension';

export async function stop(resource: unknown, context: OperationContext): Promise<Created> {
  const { nodeFieldSelector } = context.options;
  return nodeFieldSelector
    ? await failSuspendedNodes(resource, context, nodeFieldSelector)
    : await shutDown(resource, context, 'Stop');
}

export async function terminate(resource: unknown, context: OperationContext): Promise<Created> {
  return await shutDown(resource, context, 'Terminate');
}

async function shutDown(
  resource: unknown,
  context: OperationContext,
  shutdown: 'Stop' | 'Terminate',
): Promise<Created> {
  return await changeWorkflow(resource, context, shutdown, (workflow) => {
    const phase = workflow.status?.phase;
    if (isFinalPhase(phase)) throw notPossible(workflow, `has ended (${phase}), so it cannot be shut down`);
    // The controller checks `suspend` first and would not complete the Workflow until it is resumed.
    return { patch: { spec: { shutdown, ...(workflow.spec.suspend ? { suspend: null } : {}) } } };
  });
}
