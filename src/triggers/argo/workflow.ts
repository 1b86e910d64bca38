/** Argo's Workflow, as far as these operations read or write it. Unknown fields are kept. */
import { SluiceError } from '../../errors/sluice-error';
import type { KubernetesObject } from '../../kubernetes/kubernetes-object';
import { isRecord, parseKubernetesObject } from '../../kubernetes/kubernetes-object';
import type { WorkflowStatus } from '../../kubernetes/argo/workflow-status';

export const WORKFLOW_API_VERSION = 'argoproj.io/v1alpha1';
export const WORKFLOWS = { apiVersion: WORKFLOW_API_VERSION, plural: 'workflows' } as const;

/** The name in Argo's `creator` and `actor` labels: Sluice does not decode tokens to find a user. */
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

/**
 * Returns a mutable copy of `object` as a Workflow. Throws TRIGGER_SOURCE_UNREADABLE (permanent) if it is not one, and
 * TRIGGER_REFUSED if its arguments cannot be read: a parameter of the trigger may write anything anywhere.
 */
export function parseWorkflow(value: unknown, origin: string): Workflow {
  const object = parseKubernetesObject(value, origin);
  const spec = isRecord(object.spec) ? object.spec : {};
  const mistake = argumentsMistake(spec.arguments);
  if (mistake !== undefined) {
    throw new SluiceError('TRIGGER_REFUSED', {
      message: `${origin}: spec.arguments${mistake}`,
      fix: 'Correct the source of the trigger, or the destination of its parameters',
    });
  }
  return { ...object, spec };
}

function argumentsMistake(given: unknown): string | undefined {
  if (given === undefined || given === null) return undefined;
  if (!isRecord(given)) return ' is not an object';
  const { parameters } = given;
  if (parameters === undefined || parameters === null) return undefined;
  if (!Array.isArray(parameters)) return '.parameters is not a list';
  const odd = parameters.findIndex((each) => !isRecord(each) || (each.enum !== undefined && !Array.isArray(each.enum)));
  return odd === -1 ? undefined : `.parameters[${odd}] is not a parameter`;
}
