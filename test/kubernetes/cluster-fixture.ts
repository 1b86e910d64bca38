/** What tests against the real API server share: a namespace of their own and an open cluster. */
import { createKubernetesAccess, type KubernetesAccess, type OpenCluster } from '../../src/kubernetes/access';
import { objectPath } from '../../src/kubernetes/object-path';
import type { KubernetesObject } from '../../src/kubernetes/kubernetes-object';
import type { CloudEvent } from '../../src/event/cloud-event';
import type { OwnKubernetes } from '../../dev/servers';
import { sharedKubernetes } from '../setup/shared-kubernetes';
import { createTestNamespace } from '../setup/test-namespace';
import { cloudEvent } from '../setup/cloud-event';

export interface ClusterFixture {
  readonly kubernetes: OwnKubernetes;
  readonly access: KubernetesAccess;
  readonly cluster: OpenCluster;
  readonly namespace: string;
  create(object: KubernetesObject, plural?: string): Promise<KubernetesObject>;
  read(plural: string, name: string, apiVersion?: string): Promise<KubernetesObject>;
  list(plural: string, apiVersion?: string): Promise<KubernetesObject[]>;
  /** Merge patch, e.g. to play the controller. */
  patch(plural: string, name: string, body: unknown, apiVersion?: string): Promise<KubernetesObject>;
  remove(plural: string, name: string, apiVersion?: string): Promise<void>;
  close(): Promise<void>;
}

export const ARGO = 'argoproj.io/v1alpha1';

/** `running`: a server of the test's own, which it stops itself; default: the run's shared one. */
export async function openClusterFixture(prefix: string, running?: OwnKubernetes): Promise<ClusterFixture> {
  const kubernetes = running ?? (await sharedKubernetes());
  const testNamespace = await createTestNamespace(kubernetes, prefix);
  const namespace = testNamespace.name;
  const access = createKubernetesAccess({ kubeconfigPath: kubernetes.kubeconfigPath });
  const cluster = await access.open();
  const pathOf = (plural: string, name?: string, apiVersion = ARGO) =>
    objectPath({ apiVersion, plural }, namespace, name);
  return {
    kubernetes,
    access,
    cluster,
    namespace,
    create: async (object) => {
      const { plural } = await cluster.discovery.find(object.apiVersion, object.kind);
      return cluster.client.request({
        method: 'POST',
        path: pathOf(plural, undefined, object.apiVersion),
        body: object,
      });
    },
    read: (plural, name, apiVersion) =>
      cluster.client.request({ method: 'GET', path: pathOf(plural, name, apiVersion) }),
    list: async (plural, apiVersion) => {
      const path = pathOf(plural, undefined, apiVersion);
      return (await cluster.client.request<{ items: KubernetesObject[] }>({ method: 'GET', path })).items;
    },
    patch: (plural, name, body, apiVersion) =>
      cluster.client.request({
        method: 'PATCH',
        path: pathOf(plural, name, apiVersion),
        contentType: 'application/merge-patch+json',
        body,
      }),
    remove: async (plural, name, apiVersion) => {
      await cluster.client.request({ method: 'DELETE', path: pathOf(plural, name, apiVersion) });
    },
    close: async () => {
      access.close();
      await testNamespace.remove();
      if (running === undefined) await kubernetes.stop();
    },
  };
}

/** A scene as the event source reports it. */
export function sceneEvent(id = 'scene-1', fields: Partial<CloudEvent> = {}): CloudEvent {
  return cloudEvent({
    ...{ id, time: '2026-01-01T00:00:00Z', data: { href: 'https://stac.example/items/1' } },
    ...fields,
  });
}
