/** The Service of an EventSource with `spec.service.ports`, as Argo Events makes it. Pure. */
import { isRecord, type KubernetesObject } from '../kubernetes/kubernetes-object';
import { API_VERSION } from '../manifest/common';

/** Labels of the pods that read EventSources. */
export type ServiceSelector = Readonly<Record<string, string>>;

/** Argo Events' own name, so that clients keep their address. */
export function serviceName({ metadata }: KubernetesObject): string {
  return `${metadata.name ?? ''}-eventsource-svc`;
}

/** Returns undefined if the object asks for none. */
export function serviceOf(object: KubernetesObject, selector: ServiceSelector): KubernetesObject | undefined {
  const service = isRecord(object.spec) ? object.spec['service'] : undefined;
  if (!isRecord(service) || !Array.isArray(service['ports']) || service['ports'].length === 0) return undefined;
  const { name = '', namespace } = object.metadata;
  const metadata = isRecord(service['metadata']) ? service['metadata'] : {};
  const clusterIP = service['clusterIP'];
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: {
      name: serviceName(object),
      namespace,
      labels: {
        ...textsOf(metadata['labels']),
        controller: 'eventsource-controller',
        'eventsource-name': name,
        'owner-name': name,
        'app.kubernetes.io/managed-by': 'sluice',
      },
      annotations: textsOf(metadata['annotations']),
      ownerReferences: [ownerReference(object)],
    },
    spec: {
      type: 'ClusterIP',
      ...(typeof clusterIP === 'string' && clusterIP !== '' && { clusterIP }),
      selector,
      ports: service['ports'],
    },
  };
}

/** True for a Service that Sluice, or Argo Events, made for this very object. */
export function isOwnedBy(service: KubernetesObject, owner: KubernetesObject): boolean {
  return (service.metadata.ownerReferences ?? []).some(({ uid }) => uid === owner.metadata.uid);
}

/** The cluster deletes the Service with its owner. Blocking the owner's deletion would need a right to its finalizers. */
function ownerReference({
  kind,
  metadata,
}: KubernetesObject): NonNullable<KubernetesObject['metadata']['ownerReferences']>[number] {
  const { name = '', uid = '' } = metadata;
  return { apiVersion: API_VERSION, kind, name, uid, controller: true, blockOwnerDeletion: false };
}

function textsOf(value: unknown): Readonly<Record<string, string>> {
  if (!isRecord(value)) return {};
  return Object.fromEntries(
    Object.entries(value).flatMap(([name, text]) => (typeof text === 'string' ? [[name, text]] : [])),
  );
}
