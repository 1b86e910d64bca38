/** Creates one object exactly once, however often it is called. */
import { SluiceError } from '../errors/sluice-error';
import type { OpenCluster } from '../kubernetes/access';
import { objectPath } from '../kubernetes/object-path';
import type { ApiResource } from '../kubernetes/discovery';
import { describeObject, referenceTo, type KubernetesObject } from '../kubernetes/kubernetes-object';
import { fireIdOf } from '../kubernetes/object-marks';
import type { ObjectReference } from '../errors/object-reference';
import { isNotFound, refusalOf } from '../kubernetes/refusal';
import { markCreated, type FireIdentity } from './object-identity';

export interface Created {
  readonly object: ObjectReference;
  /** An earlier attempt of this fire had created it. */
  readonly existed: boolean;
}

export interface CreateOptions {
  readonly signal: AbortSignal;
  /** Namespace for objects that specify none; ignored for cluster-scoped kinds. */
  readonly namespace: string;
  /** Reject unknown fields, if the server has a schema. */
  readonly strict?: boolean;
}

/**
 * Sends one POST and reads nothing before it. If the name is taken, the object is read: success if this fire created
 * it. Throws TRIGGER_OBJECT_EXISTS (permanent) if something else did, and the client's errors.
 */
export async function createObject(
  cluster: OpenCluster,
  unmarked: KubernetesObject,
  fire: FireIdentity,
  options: CreateOptions,
): Promise<Created> {
  const resource = await cluster.discovery.find(unmarked.apiVersion, unmarked.kind, options.signal);
  const object = markCreated(unmarked, fire);
  const name = requireName(object);
  const namespace = namespaceFor(resource, object, options.namespace);
  if (namespace !== undefined) object.metadata.namespace = namespace;
  try {
    const created = await cluster.client.request<KubernetesObject>({
      method: 'POST',
      path: objectPath(resource, namespace),
      query: options.strict ? { fieldValidation: 'Strict' } : undefined,
      body: object,
      // A Workflow may be a megabyte.
      metadataOnly: true,
      signal: options.signal,
    });
    return { object: referenceTo(created, object), existed: false };
  } catch (error) {
    if (refusalOf(error)?.reason !== 'AlreadyExists') throw error;
    return { object: await readOwnObject(cluster, resource, namespace, name, fire, options.signal), existed: true };
  }
}

/** Returns the namespace for an object of this kind; undefined for kinds without namespaces. */
export function namespaceFor(
  resource: ApiResource,
  object: KubernetesObject,
  defaultNamespace: string,
): string | undefined {
  return resource.namespaced ? object.metadata.namespace || defaultNamespace : undefined;
}

function requireName(object: KubernetesObject): string {
  const { name } = object.metadata;
  if (name) return name;
  throw new SluiceError('TRIGGER_REFUSED', {
    message: `the ${object.kind} to create has neither metadata.name nor metadata.generateName`,
    fix: 'Give it metadata.generateName, so that every fire gets a name of its own',
  });
}

async function readOwnObject(
  cluster: OpenCluster,
  resource: ApiResource,
  namespace: string | undefined,
  name: string,
  fire: FireIdentity,
  signal: AbortSignal,
): Promise<ObjectReference> {
  const what = describeObject({ kind: resource.kind, namespace, name });
  let present: KubernetesObject;
  try {
    present = await readPresent(cluster, objectPath(resource, namespace, name), signal);
  } catch (error) {
    if (!isNotFound(error)) throw error;
    // Creating again could act twice on one event: an operator has to decide.
    throw new SluiceError('TRIGGER_OBJECT_EXISTS', {
      message: `${what} existed when this fire tried to create it, and was deleted before Sluice could read it`,
      fix: 'Retrigger the run if the work must be done again',
      context: { fireId: fire.fireId },
    });
  }
  const owner = fireIdOf(present);
  if (owner === fire.fireId) return referenceTo(present);
  throw new SluiceError('TRIGGER_OBJECT_EXISTS', {
    message: `${what} exists already and was created by ${owner === undefined ? 'something else' : `fire ${owner}`}`,
    fix: 'Use metadata.generateName instead of a fixed metadata.name, or delete the object and retrigger the run',
    context: { fireId: fire.fireId, createdBy: owner },
  });
}

/**
 * An account that may only create, as Argo Events needs, must not fail its own repeated attempt: then the worker reads,
 * and passes on nothing but what the object is called.
 */
async function readPresent(cluster: OpenCluster, path: string, signal: AbortSignal): Promise<KubernetesObject> {
  const read = (client: OpenCluster['client']): Promise<KubernetesObject> =>
    client.request<KubernetesObject>({ method: 'GET', path, signal });
  try {
    return await read(cluster.client);
  } catch (error) {
    if (cluster.client === cluster.worker || refusalOf(error)?.status !== 403) throw error;
    return await read(cluster.worker);
  }
}
