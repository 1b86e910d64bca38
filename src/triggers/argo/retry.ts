/** Operation `retry`: runs the same object again from the point where it failed. */
import { POD_NAME_FORMAT_ANNOTATION } from '../../kubernetes/argo/node-names';
import { readNodes, withPackedNodes } from '../../kubernetes/argo/node-packing';
import type { WorkflowNodes, WorkflowStatus } from '../../kubernetes/argo/workflow-status';
import { objectPath } from '../../kubernetes/object-path';
import { isNotFound } from '../../kubernetes/refusal';
import type { Created } from '../create-object';
import { changeWorkflow, notPossible, timestamp } from './change-workflow';
import type { ArgoOptions } from '../../manifest/triggers/argo-arguments';
import { parseNodeSelector } from './node-selector';
import { planNodeRetry } from './retry-nodes';
import { overrideParameters } from './submit-options';
import type { OperationContext } from './submit';
import { COMPLETED_LABEL, type Workflow } from './workflow';

export async function retry(resource: unknown, context: OperationContext): Promise<Created> {
  return await changeWorkflow(resource, context, 'Retry', async (workflow) => {
    const nodes = await readNodes(workflow.status);
    const { retried, podsToDelete } = prepareRetry(workflow, nodes, context.options);
    // Pods go first: their successors will have the same names. If the write then fails, the next attempt finds no pods
    // to delete, which is harmless.
    await deletePods(podsToDelete, context);
    return { put: await withPackedNodes(retried) };
  });
}

/** Throws TRIGGER_REFUSED (permanent) for a Workflow that cannot be retried. */
export function prepareRetry(
  workflow: Workflow,
  before: WorkflowNodes,
  options: ArgoOptions,
  nowMs = Date.now(),
): { retried: Workflow; podsToDelete: readonly string[] } {
  checkPhase(workflow, options);
  const now = timestamp(nowMs);
  const { nodes, podsToDelete } = planNodeRetry(before, {
    workflowName: workflow.metadata.name ?? '',
    podNameFormat: workflow.metadata.annotations?.[POD_NAME_FORMAT_ANNOTATION] === 'v1' ? 'v1' : 'v2',
    restart:
      options.restartSuccessful && options.nodeFieldSelector ? parseNodeSelector(options.nodeFieldSelector) : undefined,
    hasNewParameters: options.parameters.length > 0,
    now,
  });
  const {
    [COMPLETED_LABEL]: _completed,
    'workflows.argoproj.io/workflow-archiving-status': _archiving,
    ...labels
  } = workflow.metadata.labels ?? {};
  const { shutdown: _shutdown, activeDeadlineSeconds, ...spec } = workflow.spec;
  const retried: Workflow = {
    ...workflow,
    metadata: { ...workflow.metadata, labels },
    spec: { ...spec, ...(activeDeadlineSeconds ? { activeDeadlineSeconds } : {}) },
    status: { ...restartStatus(workflow.status ?? {}, now), nodes },
  };
  overrideParameters(retried, options.parameters);
  return { retried, podsToDelete };
}

function checkPhase(workflow: Workflow, options: ArgoOptions): void {
  const phase = workflow.status?.phase ?? '';
  if (phase === 'Failed' || phase === 'Error') return;
  if (phase !== 'Succeeded') throw notPossible(workflow, `is ${phase || 'not started'}, so it cannot be retried`);
  if (options.restartSuccessful && options.nodeFieldSelector) return;
  throw notPossible(
    workflow,
    'has succeeded, so it cannot be retried',
    'Add --restart-successful and --node-field-selector to args to run parts of it again',
  );
}

function restartStatus(status: WorkflowStatus, now: string): WorkflowStatus {
  const { compressedNodes: _packed, finishedAt: _finishedAt, persistentVolumeClaims: _claims, ...kept } = status;
  const others = (status.conditions ?? []).filter(({ type }) => type !== 'Completed');
  const { shutdown: _shutdown, ...stored } = status.storedWorkflowTemplateSpec ?? {};
  return {
    ...kept,
    phase: '',
    message: '',
    startedAt: now,
    conditions: [...others, { type: 'Completed', status: 'False' }],
    ...(status.storedWorkflowTemplateSpec ? { storedWorkflowTemplateSpec: stored } : {}),
  };
}

async function deletePods(names: readonly string[], { cluster, namespace, signal }: OperationContext): Promise<void> {
  await Promise.all(
    names.map(async (name) => {
      const path = objectPath({ apiVersion: 'v1', plural: 'pods' }, namespace, name);
      try {
        await cluster.client.request({ method: 'DELETE', path, signal });
      } catch (error) {
        if (!isNotFound(error)) throw error;
      }
    }),
  );
}
