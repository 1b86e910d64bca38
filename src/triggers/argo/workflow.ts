/** Argo's Workflow, as far as the operations here read or write it. Unknown fields are kept. */
import type { KubernetesObject } from '../../kubernetes/kubernetes-object';
import { isRecord, parseKubernetesObject } from '../../kubernetes/kubernetes-object';
import type { WorkflowStatus } from '../../kubernetes/argo/workflow-status';

export const WORKFLOW_API_VERSION = 'argoproj.io/v1alpha1';
export const WORKFLOWS = { apiVersion: WORKFLOW_API_VERSION, plural: 'workflows' } as const;

/** Who Argo's `creator` and `actor` labels name: we do not decode tokens to find out. */
export const ACTOR = 'sluice';
export const CREATOR_LABEL = 'workflows.argoproj.io/creator';
export const ACTOR_LABEL = 'workflows.argoproj.io/actor';
export const ACTION_LABEL = 'workflows.argoproj.io/action';
export const COMPLETED_LABEL = 'workflows.argoproj.io/completed';
export const INSTANCE_ID_LABEL = 'workflows.argoproj.io/controller-instanceid';
export const SCHEDULED_TIME_ANNOTATION = 'workflows.argoproj.io/scheduled-time';

export interface Parameter {
  name: string;
  value?: unknown;
  enum?: unknown[];
  valueFrom?: unknown;
  [field: string]: unknown;
}

export interface WorkflowSpec {
  entrypoint?: string;
  serviceAccountName?: string;
  priority?: number;
  suspend?: boolean;
  shutdown?: string;
  activeDeadlineSeconds?: number;
  arguments?: { parameters?: Parameter[]; [field: string]: unknown };
  templates?: unknown[];
  workflowTemplateRef?: { name?: string; clusterScope?: boolean };
  [field: string]: unknown;
}

export interface Workflow extends KubernetesObject {
  spec: WorkflowSpec;
  status?: WorkflowStatus;
}

/** A copy of `object` as a Workflow that may be changed. Throws TRIGGER_SOURCE_UNREADABLE (final) if it is none. */
export function parseWorkflow(value: unknown, origin: string): Workflow {
  const object = parseKubernetesObject(value, origin);
  const spec = isRecord(object.spec) ? object.spec : {};
  return { ...object, spec };
}
