/** The parts of a Kubernetes object that every kind has. Unknown fields are kept as they are. */
import { SluiceError } from '../errors/sluice-error';
import type { ObjectReference } from '../errors/object-reference';
import { setField } from '../event/json';
import { withoutMarks } from '../yaml/exact-numbers';

export interface OwnerReference {
  apiVersion: string;
  kind: string;
  name: string;
  uid: string;
  controller?: boolean;
  blockOwnerDeletion?: boolean;
}

export interface ObjectMeta {
  name?: string;
  generateName?: string;
  namespace?: string;
  uid?: string;
  resourceVersion?: string;
  creationTimestamp?: string | null;
  deletionTimestamp?: string | null;
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
  ownerReferences?: OwnerReference[];
  finalizers?: string[];
  [field: string]: unknown;
}

export interface KubernetesObject {
  apiVersion: string;
  kind: string;
  metadata: ObjectMeta;
  [field: string]: unknown;
}

/** Returns true for anything with named fields: JSON objects, not arrays. */
export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Returns true for an object of the API server; its metadata is assumed to have the shape that Kubernetes promises. */
export function isKubernetesObject(value: unknown): value is KubernetesObject {
  return (
    isRecord(value) &&
    typeof value.apiVersion === 'string' &&
    typeof value.kind === 'string' &&
    isRecord(value.metadata)
  );
}

/**
 * Returns a deep copy of `value` as a Kubernetes object that may be changed. Throws TRIGGER_SOURCE_UNREADABLE
 * (permanent) naming what is missing; `origin` names the source in the message.
 */
export function parseKubernetesObject(value: unknown, origin: string): KubernetesObject {
  const refuse = (found: string) =>
    new SluiceError('TRIGGER_SOURCE_UNREADABLE', {
      message: `${origin} is not a Kubernetes object: ${found}`,
      fix: 'Give one object with apiVersion, kind and metadata',
      retryable: false,
    });
  if (!isRecord(value)) throw refuse(`expected an object, found ${Array.isArray(value) ? 'a list' : typeof value}`);
  for (const field of ['apiVersion', 'kind'] as const) {
    if (typeof value[field] !== 'string' || value[field] === '') throw refuse(`${field} is missing`);
  }
  const metadata = value.metadata ?? {};
  if (!isRecord(metadata)) throw refuse('metadata is not an object');
  for (const field of ['labels', 'annotations']) {
    if (metadata[field] !== undefined && metadata[field] !== null && !isRecord(metadata[field])) {
      throw refuse(`metadata.${field} is not an object`);
    }
  }
  for (const field of ['name', 'generateName', 'namespace']) {
    // They become parts of a path.
    if (!isText(metadata[field] ?? '')) throw refuse(`metadata.${field} is not text`);
  }
  return copyJson({ ...value, metadata }) as KubernetesObject;
}

/** Several times as fast as `structuredClone`, for the depths that events may have. */
function copyJson(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(copyJson);
  if (!isRecord(value)) return value;
  const copy: Record<string, unknown> = {};
  for (const name of Object.keys(value)) setField(copy, name, copyJson(value[name]));
  return copy;
}

function isText(value: unknown): boolean {
  return typeof value === 'string' && withoutMarks(value) === value;
}

/**
 * Names an object that the API server has returned. `type`: for a response that contains only metadata, which has an
 * apiVersion and kind of its own.
 */
export function referenceTo(
  object: KubernetesObject,
  { apiVersion, kind }: Pick<KubernetesObject, 'apiVersion' | 'kind'> = object,
): ObjectReference {
  const { namespace, name = '', uid = '' } = object.metadata;
  return { apiVersion, kind, namespace, name, uid };
}

/** Returns `Workflow argo/water-bodies-x7f`, for messages. */
export function describeObject(object: { kind: string; namespace?: string; name: string }): string {
  return `${object.kind} ${object.namespace ? `${object.namespace}/` : ''}${object.name}`;
}
