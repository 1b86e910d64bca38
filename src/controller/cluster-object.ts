/** The parts of a cluster's EventBus, EventSource or Sensor on which its workflow depends. Pure. */
import type { ObjectAddress } from '../control/applied-kinds';
import { APPLIED_KINDS } from '../control/applied-kinds';
import { DEFAULT_BUS } from '../control/apply/desired-objects';
import { isRecord, type KubernetesObject } from '../kubernetes/kubernetes-object';
import { API_VERSION } from '../manifest/common';
import type { ManifestKind } from '../validation/parse-manifest';

/** kubectl's copy of the manifest: it would double the size, and says nothing new. */
const LAST_APPLIED = 'kubectl.kubernetes.io/last-applied-configuration';

/**
 * Returns the manifest that the object stands for, as text: without what the API server and other controllers write.
 * Two objects with equal text need no second apply.
 */
export function manifestOf(object: KubernetesObject): string {
  const { name, namespace, annotations } = object.metadata;
  const { [LAST_APPLIED]: _, ...kept } = annotations ?? {};
  return JSON.stringify({
    apiVersion: API_VERSION,
    kind: object.kind,
    metadata: { name, namespace, annotations: kept },
    spec: object.spec,
  });
}

export function addressOfObject(kind: ManifestKind, { metadata }: KubernetesObject): ObjectAddress {
  return { kind: APPLIED_KINDS[kind], namespace: metadata.namespace ?? '', name: metadata.name ?? '' };
}

/** A finalizer of another controller may hold an object for long after it was deleted. */
export function isLeaving({ metadata }: KubernetesObject): boolean {
  return metadata.deletionTimestamp !== undefined && metadata.deletionTimestamp !== null;
}

export function generationOf({ metadata }: KubernetesObject): number {
  return typeof metadata['generation'] === 'number' ? metadata['generation'] : 0;
}

/** Returns the name of the bus that it uses; undefined for a bus. */
export function busNameOf({ kind, spec }: KubernetesObject): string | undefined {
  if (kind === 'EventBus') return undefined;
  const name = isRecord(spec) ? spec['eventBusName'] : undefined;
  return typeof name === 'string' && name !== '' ? name : DEFAULT_BUS;
}
