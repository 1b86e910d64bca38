/** Updates, patches and deletes objects for the k8s trigger. */
import { SluiceError } from '../errors/sluice-error';
import type { JsonObject } from '../event/json';
import type { OpenCluster } from '../kubernetes/access';
import { objectPath } from '../kubernetes/object-path';
import type { ApiResource } from '../kubernetes/discovery';
import { describeObject, isRecord, referenceTo, type KubernetesObject } from '../kubernetes/kubernetes-object';
import type { ObjectReference } from '../errors/object-reference';
import { isConflict, isNotFound } from '../kubernetes/refusal';
import { createObject, namespaceFor, type Created } from './create-object';
import type { FireIdentity } from './object-identity';

/** The result of an operation: `action` differs from the operation if an update or a patch had to create. */
export interface Operated extends Created {
  readonly action: 'create' | 'update' | 'patch' | 'delete';
}

export interface OperationRequest extends FireIdentity {
  readonly namespace: string;
  readonly signal: AbortSignal;
}

/** Occasional conflicts are normal; after five in a row a later attempt has a better chance. */
const MAX_CONFLICTS = 5;

interface Target {
  readonly resource: ApiResource;
  readonly path: string;
  readonly description: string;
}

async function locate(
  cluster: OpenCluster,
  object: KubernetesObject,
  defaultNamespace: string,
  signal: AbortSignal,
): Promise<Target> {
  const resource = await cluster.discovery.find(object.apiVersion, object.kind, signal);
  const namespace = namespaceFor(resource, object, defaultNamespace);
  const { name } = object.metadata;
  if (!name) {
    throw new SluiceError('TRIGGER_REFUSED', {
      message: `the ${object.kind} of the trigger has no metadata.name, so the target object is unknown`,
      fix: 'Set metadata.name, in the source or by a parameter',
    });
  }
  return {
    resource,
    path: objectPath(resource, namespace, name),
    description: describeObject({ kind: object.kind, namespace, name }),
  };
}

/** For `liveObject`: reads the object that `named` identifies. Its namespace must be given unless its kind has none. */
export async function readLiveObject(
  cluster: OpenCluster,
  named: KubernetesObject,
  signal: AbortSignal,
): Promise<JsonObject> {
  const resource = await cluster.discovery.find(named.apiVersion, named.kind, signal);
  if (resource.namespaced && !named.metadata.namespace) {
    throw new SluiceError('TRIGGER_REFUSED', {
      message: `liveObject needs metadata.namespace of the ${named.kind}, found none`,
      fix: 'Set metadata.namespace in the source',
    });
  }
  const { path } = await locate(cluster, named, '', signal);
  return await cluster.client.request<JsonObject>({ method: 'GET', path, signal, keepsNumbers: true });
}

/**
 * Merges `wanted` into the object in the cluster and writes it back; creates it if it is missing. Maps are merged; any
 * other value that is given replaces the existing one: also `0`, `false`, `""`, an empty list and null.
 */
export async function updateObject(
  cluster: OpenCluster,
  wanted: KubernetesObject,
  request: OperationRequest,
): Promise<Operated> {
  const { path, description } = await locate(cluster, wanted, request.namespace, request.signal);
  const { signal } = request;
  for (let conflicts = 0; conflicts < MAX_CONFLICTS; conflicts++) {
    try {
      const live = await cluster.client.request<KubernetesObject>({ method: 'GET', path, signal, keepsNumbers: true });
      const body = mergeInto(live, wanted);
      const updated = await cluster.client.request<KubernetesObject>({ method: 'PUT', path, body, signal });
      return { action: 'update', object: referenceTo(updated), existed: false };
    } catch (error) {
      if (isNotFound(error)) return await createMissing(cluster, wanted, request);
      if (!isConflict(error)) throw error;
    }
  }
  throw conflicting(description);
}

/** For `liveObject`: writes the object back with its parameters applied. Throws TRIGGER_CONFLICT if it has changed. */
export async function replaceObject(
  cluster: OpenCluster,
  object: KubernetesObject,
  request: OperationRequest,
): Promise<Operated> {
  const { path, description } = await locate(cluster, object, request.namespace, request.signal);
  try {
    const updated = await cluster.client.request<KubernetesObject>({
      method: 'PUT',
      path,
      body: object,
      signal: request.signal,
    });
    return { action: 'update', object: referenceTo(updated), existed: false };
  } catch (error) {
    // The next attempt reads the object again and applies the parameters to that version.
    if (isConflict(error)) throw conflicting(description, error);
    throw error;
  }
}

/** @param strategy the content type of the patch, as `patchStrategy` names it */
export async function patchObject(
  cluster: OpenCluster,
  object: KubernetesObject,
  strategy: string,
  request: OperationRequest,
): Promise<Operated> {
  const { path } = await locate(cluster, object, request.namespace, request.signal);
  const isApply = strategy === 'application/apply-patch+yaml';
  try {
    const patched = await cluster.client.request<KubernetesObject>({
      method: 'PATCH',
      path,
      contentType: strategy,
      // An applied object belongs to its field manager; force takes fields over, as Argo Events' patches do.
      query: isApply ? { fieldManager: 'sluice', force: true } : undefined,
      body: strategy === 'application/json-patch+json' ? readJsonPatch(object) : object,
      signal: request.signal,
    });
    return { action: 'patch', object: referenceTo(patched), existed: false };
  } catch (error) {
    // A JSON Patch describes changes to an existing object, so it cannot create one.
    if (!isNotFound(error) || strategy === 'application/json-patch+json') throw error;
    return await createMissing(cluster, object, request);
  }
}

/** An object that does not exist already counts as deleted. */
export async function deleteTargetObject(
  cluster: OpenCluster,
  object: KubernetesObject,
  request: OperationRequest,
): Promise<Operated> {
  const { path, resource } = await locate(cluster, object, request.namespace, request.signal);
  const reference: ObjectReference = {
    ...referenceTo(object),
    namespace: namespaceFor(resource, object, request.namespace),
  };
  try {
    const answer = await cluster.client.request<JsonObject>({ method: 'DELETE', path, signal: request.signal });
    return { action: 'delete', object: { ...reference, uid: deletedUid(answer) }, existed: false };
  } catch (error) {
    if (!isNotFound(error)) throw error;
    return { action: 'delete', object: reference, existed: false };
  }
}

/** The server returns the object while finalizers keep it, otherwise a Status. */
function deletedUid(answer: JsonObject): string {
  const holder = answer.kind === 'Status' ? answer.details : answer.metadata;
  return isRecord(holder) && typeof holder.uid === 'string' ? holder.uid : '';
}

async function createMissing(
  cluster: OpenCluster,
  object: KubernetesObject,
  request: OperationRequest,
): Promise<Operated> {
  return { action: 'create', ...(await createObject(cluster, object, request, request)) };
}

/** A JSON Patch is a list, a resource is an object: the operations are under `patch`, beside apiVersion and kind. */
function readJsonPatch(object: KubernetesObject): unknown[] {
  if (Array.isArray(object.patch)) return object.patch;
  throw new SluiceError('TRIGGER_REFUSED', {
    message: 'patchStrategy application/json-patch+json needs a list of operations under `patch` of the resource',
    fix: 'Write `patch: [{op: replace, path: /spec/replicas, value: 3}]` beside apiVersion, kind and metadata',
  });
}

function mergeInto(live: KubernetesObject, wanted: KubernetesObject): KubernetesObject {
  return mergeRecords(live, wanted) as KubernetesObject;
}

function mergeRecords(live: Record<string, unknown>, wanted: Record<string, unknown>): Record<string, unknown> {
  const merged = { ...live };
  for (const [field, value] of Object.entries(wanted)) {
    const present = merged[field];
    if (isRecord(value) && isRecord(present)) merged[field] = mergeRecords(present, value);
    else if (value !== undefined) merged[field] = value;
  }
  return merged;
}

function conflicting(description: string, cause?: unknown): SluiceError {
  return new SluiceError('TRIGGER_CONFLICT', {
    message: `${description} was changed by others while it was being updated`,
    cause,
  });
}
