import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createApiClient, type ApiClient } from '../../dev/kubernetes/api-client';
import type { OwnKubernetes } from '../../dev/servers';

/** Kinds that tests create; deleted with the namespace. */
const COLLECTIONS = [
  ...['workflows', 'workflowtemplates', 'cronworkflows', 'eventbus', 'eventsources', 'sensors'].map(
    (plural) => ['/apis/argoproj.io/v1alpha1', plural] as const,
  ),
  ...['configmaps', 'secrets', 'pods', 'events', 'serviceaccounts'].map((plural) => ['/api/v1', plural] as const),
];

export interface TestNamespace {
  name: string;
  /** Speaks to the API server as its admin. */
  api: ApiClient;
  /** Deletes the namespace with what is in it. May be called again. */
  remove(): Promise<void>;
}

/** Creates a namespace with a random name, so that tests beside each other do not meet. */
export async function createTestNamespace(kubernetes: OwnKubernetes, prefix = 'test'): Promise<TestNamespace> {
  const name = `${prefix}-${randomBytes(4).toString('hex')}`;
  const { url, caPath, adminToken: token } = kubernetes;
  const api = createApiClient({ url, ca: await readFile(caPath, 'utf8'), token });
  await api.expect('POST', '/api/v1/namespaces', { metadata: { name } });
  let isRemoved = false;
  return {
    name,
    api,
    remove: async () => {
      if (isRemoved) return;
      isRemoved = true;
      await removeNamespace(api, name);
      api.close();
    },
  };
}

/** There may be no controller to empty the namespace and to let it go, so both are done here. */
async function removeNamespace(api: ApiClient, name: string): Promise<void> {
  const deletions = COLLECTIONS.map(([root, plural]) => api.send('DELETE', `${root}/namespaces/${name}/${plural}`));
  await Promise.all(deletions);
  await api.expect('DELETE', `/api/v1/namespaces/${name}`, undefined, [404]);
  const finalized = { apiVersion: 'v1', kind: 'Namespace', metadata: { name }, spec: { finalizers: [] } };
  // 409: a real cluster's controller is at it already.
  await api.expect('PUT', `/api/v1/namespaces/${name}/finalize`, finalized, [404, 409]);
}
