/** ServiceAccounts with exactly the rights that a test gives them, on a real API server with RBAC. */
import type { ApiClient } from '../../dev/kubernetes/api-client';

export interface Rule {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly resourceNames?: readonly string[];
  readonly verbs: readonly string[];
}

export const CREATES_MAPS: Rule = { apiGroups: [''], resources: ['configmaps'], verbs: ['create'] };

/** The rule that docs/kubernetes.md shows. */
export function mayActAs(...accounts: readonly string[]): Rule {
  return { apiGroups: [''], resources: ['serviceaccounts/token'], resourceNames: accounts, verbs: ['create'] };
}

/** The account may exist, the role may not. */
export async function giveAccount(
  api: ApiClient,
  namespace: string,
  account: string,
  role: string,
  rules: readonly Rule[],
): Promise<void> {
  const rbac = `/apis/rbac.authorization.k8s.io/v1/namespaces/${namespace}`;
  await api.expect('POST', `/api/v1/namespaces/${namespace}/serviceaccounts`, { metadata: { name: account } }, [409]);
  await api.expect('POST', `${rbac}/roles`, { metadata: { name: role }, rules });
  await api.expect('POST', `${rbac}/rolebindings`, {
    metadata: { name: role },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: role },
    subjects: [{ kind: 'ServiceAccount', name: account, namespace }],
  });
}
