import type { ApiClient } from './api-client';

/**
 * Returns a real token (TokenRequest API, valid for a day) of a ServiceAccount, after creating it and its namespace if
 * It has no rights until a role is bound to it.
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
