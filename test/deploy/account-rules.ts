/** What a service account may do, as the API server itself lists it. */
import { readFile } from 'node:fs/promises';
import { createApiClient, type ApiClient } from '../../dev/kubernetes/api-client';
import type { OwnKubernetes } from '../../dev/servers';

interface ResourceRule {
  readonly verbs: readonly string[];
  readonly apiGroups?: readonly string[];
  readonly resources?: readonly string[];
  readonly resourceNames?: readonly string[];
}

export interface AccountAddress {
  readonly namespace: string;
  readonly name: string;
}

/** Returns verbs by `group/resource names`: all that the account may do in a namespace beyond what every account may. */
export async function rulesOf(
  kubernetes: OwnKubernetes,
  account: AccountAddress,
  namespace: string,
): Promise<Readonly<Record<string, readonly string[]>>> {
  const common = await reviewRules(await openNobody(kubernetes), namespace);
  const known = new Set(common.map((rule) => JSON.stringify(rule)));
  const verbs = new Map<string, Set<string>>();
  for (const rule of await reviewRules(await openAccount(kubernetes, account), namespace)) {
    if (known.has(JSON.stringify(rule))) continue;
    for (const group of rule.apiGroups ?? []) {
      for (const resource of rule.resources ?? []) {
        const key = [group === '' ? resource : `${group}/${resource}`, ...(rule.resourceNames ?? [])].join(' ');
        verbs.set(key, new Set([...(verbs.get(key) ?? []), ...rule.verbs]));
      }
    }
  }
  return Object.fromEntries([...verbs].map(([key, found]) => [key, [...found].sort()]));
}

/** The client of an existing account, by a token that the API server issues for it. */
async function openAccount(kubernetes: OwnKubernetes, { namespace, name }: AccountAddress): Promise<ApiClient> {
  return createApiClient({
    url: kubernetes.url,
    ca: await readFile(kubernetes.caPath, 'utf8'),
    token: await requestToken(kubernetes, { namespace, name }),
  });
}

/** Throws if the account does not exist. */
export async function requestToken(kubernetes: OwnKubernetes, { namespace, name }: AccountAddress): Promise<string> {
  const api = await kubernetes.connect();
  try {
    const path = `/api/v1/namespaces/${namespace}/serviceaccounts/${name}/token`;
    const { body } = await api.expect('POST', path, { spec: { expirationSeconds: 3600 } });
    return (body as { status: { token: string } }).status.token;
  } finally {
    api.close();
  }
}

async function openNobody(kubernetes: OwnKubernetes): Promise<ApiClient> {
  const nobody = { namespace: 'default', name: 'nobody' };
  await kubernetes.serviceAccountToken(nobody.namespace, nobody.name);
  return await openAccount(kubernetes, nobody);
}

/** Closes the client. */
async function reviewRules(api: ApiClient, namespace: string): Promise<readonly ResourceRule[]> {
  try {
    const path = '/apis/authorization.k8s.io/v1/selfsubjectrulesreviews';
    const { body } = await api.expect('POST', path, { spec: { namespace } });
    const { status } = body as { status: { resourceRules: ResourceRule[]; incomplete: boolean } };
    if (status.incomplete) throw new Error('the API server cannot list all rules');
    return status.resourceRules;
  } finally {
    api.close();
  }
}
