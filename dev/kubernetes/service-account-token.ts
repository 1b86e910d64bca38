import type { ApiClient } from './api-client';

const ADMIN = { namespace: 'kube-system', name: 'sluice-dev-admin' };

/**
 * Returns a real token (TokenRequest API, valid for a day) of a ServiceAccount, after creating it and its namespace if
 * missing. It may do nothing until a role is bound to it.
 */
export async function createServiceAccountToken(api: ApiClient, namespace: string, name: string): Promise<string> {
  const accounts = `/api/v1/namespaces/${namespace}/serviceaccounts`;
  await api.expect('POST', '/api/v1/namespaces', { metadata: { name: namespace } }, [409]);
  await api.expect('POST', accounts, { metadata: { name } }, [409]);
  const request = { spec: { expirationSeconds: 24 * 3600 } };
  const { body } = await api.expect('POST', `${accounts}/${name}/token`, request);
  const { status } = body as { status: { token: string } };
  return status.token;
}

/** The token of an account that may do everything, for a cluster that we did not start ourselves. */
export async function createAdminToken(api: ApiClient): Promise<string> {
  const token = await createServiceAccountToken(api, ADMIN.namespace, ADMIN.name);
  const binding = {
    metadata: { name: ADMIN.name },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'cluster-admin' },
    subjects: [{ kind: 'ServiceAccount', ...ADMIN }],
  };
  await api.expect('POST', '/apis/rbac.authorization.k8s.io/v1/clusterrolebindings', binding, [409]);
  return token;
}
