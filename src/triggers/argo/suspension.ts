/** Operations `suspend` and `resume`, and the part of `stop` that fails single suspended nodes. */
import { readNodes, withPackedNodes } from '../../kubernetes/argo/node-packing';
import type { OutputParameter, WorkflowNode, WorkflowNodes } from '../../kubernetes/argo/workflow-status';
import type { Created } from '../create-object';
import { changeWorkflow, notPossible, timestamp, type Change } from './change-workflow';
import { parseNodeSelector } from './node-selector';
import type { OperationContext } from './submit';
import { ACTOR, COMPLETED_LABEL, type Workflow } from './workflow';

export async function suspend(resource: unknown, context: OperationContext): Promise<Created> {
  return await changeWorkflow(resource, context, 'Suspend', (workflow) => {
    if (workflow.metadata.labels?.[COMPLETED_LABEL] === 'true') {
      throw notPossible(workflow, 'has ended, so it cannot be suspended');
    }
    if (workflow.spec.suspend) return { nothing: true };
    return { put: { ...workflow, spec: { ...workflow.spec, suspend: true } } };
  });
}

/** Resumes the Workflow; without a selector, all of its suspended nodes. No suspended node is not an error. */
export async function resume(resource: unknown, context: OperationContext): Promise<Created> {
  const { nodeFieldSelector } = context.options;
  return await changeWorkflow(resource, context, 'Resume', (workflow) =>
    nodeFieldSelector ? endSelected(workflow, nodeFieldSelector, succeed) : resumeAll(workflow),
  );
}

/** `stop --node-field-selector`: the selected suspended nodes fail and the Workflow continues. */
export async function failSuspendedNodes(
  resource: unknown,
  context: OperationContext,
  selector: string,
): Promise<Created> {
  return await changeWorkflow(resource, context, 'Stop', (workflow) =>
    endSelected(workflow, selector, (node) => ({
      ...node,
      phase: 'Failed',
      finishedAt: timestamp(),
      ...(context.options.message ? { message: context.options.message } : {}),
    })),
  );
}

async function resumeAll(workflow: Workflow): Promise<Change> {
  const nodes = await readNodes(workflow.status);
  const resumed = mapSuspended(nodes, (node) => succeed({ ...node, outputs: withDefaults(workflow, node) }));
  if (!workflow.spec.suspend && resumed === undefined) return { nothing: true };
  const { suspend: _suspend, ...spec } = workflow.spec;
  return { put: await withNodes({ ...workflow, spec }, resumed ?? nodes) };
}

async function endSelected(
  workflow: Workflow,
  text: string,
  end: (node: WorkflowNode) => WorkflowNode,
): Promise<Change> {
  const isSelected = parseNodeSelector(text);
  const changed = mapSuspended(await readNodes(workflow.status), (node) => (isSelected(node) ? end(node) : node));
  if (changed === undefined) {
    throw notPossible(
      workflow,
      `has no suspended node that matches ${text}`,
      'Correct the selector; only nodes of type Suspend that are running can be selected',
    );
  }
  return { put: await withNodes(workflow, changed) };
}

/** Returns the nodes after applying `change` to suspended ones; undefined if nothing changed. */
function mapSuspended(nodes: WorkflowNodes, change: (node: WorkflowNode) => WorkflowNode): WorkflowNodes | undefined {
  let hasChanged = false;
  const entries = Object.entries(nodes).map(([id, node]) => {
    if (node.type !== 'Suspend' || node.phase !== 'Running') return [id, node] as const;
    const changed = change(node);
    hasChanged ||= changed !== node;
    return [id, changed] as const;
  });
  return hasChanged ? Object.fromEntries(entries) : undefined;
}

function succeed(node: WorkflowNode): WorkflowNode {
  const note = `Resumed by: map[User:${ACTOR}]`;
  return {
    ...node,
    phase: 'Succeeded',
    finishedAt: timestamp(),
    message: node.message ? `${node.message}; ${note}` : note,
  };
}

/** Outputs that a person should have supplied get their defaults. */
function withDefaults(workflow: Workflow, node: WorkflowNode): WorkflowNode['outputs'] {
  const parameters = node.outputs?.parameters?.map((parameter): OutputParameter => {
    if (parameter.valueFrom?.supplied === undefined) return parameter;
    const value = parameter.valueFrom.default;
    if (value === undefined) {
      throw notPossible(
        workflow,
        `waits for output parameter "${parameter.name}" of node ${node.displayName ?? node.name}, which has no default`,
        'Set the parameter with `argo node set` before resuming',
      );
    }
    const { valueFrom: _valueFrom, ...others } = parameter;
    return { ...others, value };
  });
  return parameters ? { ...node.outputs, parameters } : node.outputs;
}

/** Returns the Workflow with these nodes, packed if they are too large to write otherwise. */
async function withNodes(workflow: Workflow, nodes: WorkflowNodes): Promise<Workflow> {
  if (Object.keys(nodes).length === 0) return workflow;
  const { compressedNodes: _compressed, ...status } = workflow.status ?? {};
  return await withPackedNodes({ ...workflow, status: { ...status, nodes } });
}
