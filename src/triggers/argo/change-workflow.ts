/** Changes a Workflow that others may write concurrently: read, decide, write, and start over on a conflict. */
import { setTimeout as sleep } from 'node:timers/promises';
import { SluiceError } from '../../errors/sluice-error';
import { objectPath } from '../../kubernetes/object-path';
import { parseKubernetesObject, referenceTo, type KubernetesObject } from '../../kubernetes/kubernetes-object';
import { LAST_FIRE_ID_ANNOTATION } from '../../kubernetes/object-marks';
import { isConflict, isNotFound } from '../../kubernetes/refusal';
import type { Created } from '../create-object';
import type { OperationContext } from './submit';
import {
  ACTION_LABEL,
  ACTOR,
  ACTOR_LABEL,
  INSTANCE_ID_LABEL,
  parseWorkflow,
  WORKFLOWS,
  type Workflow,
} from './workflow';

/** The change to write: the whole object, a merge patch, or none because the Workflow is already as wanted. */
export type Change =
  { readonly put: Workflow } | { readonly patch: Record<string, unknown> } | { readonly nothing: true };

/** Argo's command line does the same: five attempts, 10 to 80 ms apart. */
const MAX_ATTEMPTS = 5;
const FIRST_PAUSE_MS = 10;

export type Action = 'Suspend' | 'Resume' | 'Stop' | 'Terminate' | 'Retry';

/**
 * Applies the change that `decide` chooses to the Workflow that the trigger names.
 *
 * An earlier write of this fire is recognised by the annotation it left, so that a lost response cannot turn into
 * "cannot retry a running workflow". Throws TRIGGER_REFUSED (permanent) for a Workflow that does not exist,
 * TRIGGER_CONFLICT if concurrent writes keep changing it, and the errors of `decide`.
 */
export async function changeWorkflow(
  resource: unknown,
  context: OperationContext,
  action: Action,
  decide: (workflow: Workflow) => Change | Promise<Change>,
): Promise<Created> {
  const name = await findName(resource, context);
  let conflict: unknown;
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
    if (attempt > 0) await sleep(FIRST_PAUSE_MS * 2 ** (attempt - 1), undefined, { signal: context.signal });
    const workflow = await readWorkflow(name, context);
    if (workflow.metadata.annotations?.[LAST_FIRE_ID_ANNOTATION] === context.fire.fireId) {
      return { object: referenceTo(workflow), existed: true };
    }
    const change = await decide(workflow);
    if ('nothing' in change) return { object: referenceTo(workflow), existed: false };
    try {
      return { object: referenceTo(await write(name, change, action, context)), existed: false };
    } catch (error) {
      if (!isConflict(error)) throw error;
      conflict = error;
    }
  }
  throw new SluiceError('TRIGGER_CONFLICT', {
    message: `Workflow ${context.namespace}/${name} was changed by others in each of ${MAX_ATTEMPTS} attempts`,
    cause: conflict,
  });
}

async function write(
  name: string,
  change: Exclude<Change, { nothing: true }>,
  action: Action,
  { cluster, namespace, fire, signal }: OperationContext,
): Promise<KubernetesObject> {
  const path = objectPath(WORKFLOWS, namespace, name);
  const labels = { [ACTOR_LABEL]: ACTOR, [ACTION_LABEL]: action };
  const annotations = { [LAST_FIRE_ID_ANNOTATION]: fire.fireId };
  if ('patch' in change) {
    return await cluster.client.request<KubernetesObject>({
      method: 'PATCH',
      path,
      contentType: 'application/merge-patch+json',
      body: { ...change.patch, metadata: { labels, annotations } },
      signal,
    });
  }
  const { metadata } = change.put;
  const body = {
    ...change.put,
    metadata: {
      ...metadata,
      labels: { ...metadata.labels, ...labels },
      annotations: { ...metadata.annotations, ...annotations },
    },
  };
  return await cluster.client.request<KubernetesObject>({ method: 'PUT', path, body, signal });
}

/** Throws TRIGGER_REFUSED (permanent) if there is none, or if it belongs to another controller instance. */
export async function readWorkflow(name: string, context: OperationContext): Promise<Workflow> {
  const workflow = await readNamed(name, context);
  refuseOtherInstance(workflow, context);
  return workflow;
}

/** As Argo's command line does: several controllers may share a namespace, each with its own Workflows. */
function refuseOtherInstance(workflow: Workflow, { options: { instanceId = '' } }: OperationContext): void {
  const owner = workflow.metadata.labels?.[INSTANCE_ID_LABEL] ?? '';
  if (owner === instanceId) return;
  const message = `belongs to ${owner === '' ? 'the controller without an instance id' : `the instance ${owner}`}`;
  const asked = instanceId === '' ? 'args have no --instanceid' : `args say --instanceid=${instanceId}`;
  const fix = owner === '' ? 'Remove --instanceid from args' : `Write --instanceid=${owner} into args`;
  throw notPossible(workflow, `${message}, but the ${asked}`, fix);
}

async function readNamed(name: string, { cluster, namespace, signal }: OperationContext): Promise<Workflow> {
  try {
    const object = await cluster.client.request({
      method: 'GET',
      path: objectPath(WORKFLOWS, namespace, name),
      signal,
      keepsNumbers: true,
    });
    return parseWorkflow(object, `Workflow ${namespace}/${name}`);
  } catch (error) {
    if (!isNotFound(error)) throw error;
    throw new SluiceError('TRIGGER_REFUSED', {
      message: `Workflow ${namespace}/${name} does not exist`,
      fix: 'Correct metadata.name or namespace; a deleted Workflow can only be submitted again',
      cause: error,
    });
  }
}

/** Resolves with the name in the trigger's resource; `@latest` is the newest Workflow of the namespace. */
export async function findName(resource: unknown, context: OperationContext): Promise<string> {
  const { metadata } = parseKubernetesObject(resource, 'the source of the trigger');
  if (!metadata.name) {
    throw new SluiceError('TRIGGER_REFUSED', {
      message: 'the trigger names no Workflow: its source has no metadata.name',
      fix: 'Set metadata.name, in the source or by a parameter',
    });
  }
  return metadata.name === '@latest' ? await findLatest(context) : metadata.name;
}

async function findLatest({ cluster, namespace, signal, options }: OperationContext): Promise<string> {
  const { items } = await cluster.client.request<{ items: KubernetesObject[] }>({
    method: 'GET',
    path: objectPath(WORKFLOWS, namespace),
    signal,
  });
  const createdAt = (object: KubernetesObject) => Date.parse(object.metadata.creationTimestamp ?? '');
  const [latest] = items
    .filter(({ metadata }) => (metadata.labels?.[INSTANCE_ID_LABEL] ?? '') === (options.instanceId ?? ''))
    .sort((a, b) => createdAt(b) - createdAt(a));
  if (latest?.metadata.name) return latest.metadata.name;
  throw new SluiceError('TRIGGER_REFUSED', { message: `there is no Workflow in namespace ${namespace} for @latest` });
}

/** Formats a time as Kubernetes does, in whole seconds. */
export function timestamp(nowMs = Date.now()): string {
  return `${new Date(nowMs).toISOString().slice(0, 19)}Z`;
}

/** Returns the permanent error for an action that the Workflow's state does not allow. */
export function notPossible(workflow: Workflow, problem: string, fix?: string): SluiceError {
  const { namespace = '', name = '' } = workflow.metadata;
  return new SluiceError('TRIGGER_REFUSED', { message: `Workflow ${namespace}/${name} ${problem}`, fix });
}
