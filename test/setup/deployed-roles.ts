/** The rights of deploy/, exactly: applied to a namespace of a real API server, with a token for each worker. */
import { mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import { createApiClient } from '../../dev/kubernetes/api-client';
import { formatKubeconfig } from '../../dev/kubernetes/kubeconfig';
import { repoRoot } from '../../dev/repo-root';
import type { OwnKubernetes } from '../../dev/servers';

/** Paths of kubeconfigs. */
export interface DeployedKubeconfigs {
  readonly eventSource: string;
  readonly sensor: string;
  readonly controller: string;
}

const FILES = ['event-source-worker-rbac.yaml', 'sensor-worker-rbac.yaml', 'controller/controller-rbac.yaml'];

export async function deployRoles(kubernetes: OwnKubernetes, namespace: string): Promise<DeployedKubeconfigs> {
  const { url, caPath, adminToken: token } = kubernetes;
  const api = createApiClient({ url, ca: await readFile(caPath, 'utf8'), token });
  const folder = await mkdtemp(join(tmpdir(), 'sluice-kubeconfigs-'));
  try {
    await api.expect('POST', '/api/v1/namespaces', { metadata: { name: namespace } }, [409]);
    for (const file of FILES) {
      for (const document of parseAllDocuments(await readFile(join(repoRoot, 'deploy', file), 'utf8'))) {
        const object = document.toJS() as { readonly kind: string };
        await api.expect('POST', collectionPath(object.kind, namespace), object, [409]);
      }
    }
    const kubeconfig = async (account: string): Promise<string> => {
      const path = join(folder, account);
      const accountToken = await kubernetes.serviceAccountToken(namespace, account);
      await writeFile(path, formatKubeconfig(url, caPath, accountToken, namespace));
      return path;
    };
    return {
      eventSource: await kubeconfig('sluice-event-source-worker'),
      sensor: await kubeconfig('sluice-sensor-worker'),
      controller: await kubeconfig('sluice-controller'),
    };
  } finally {
    api.close();
  }
}

function collectionPath(kind: string, namespace: string): string {
  return kind === 'ServiceAccount'
    ? `/api/v1/namespaces/${namespace}/serviceaccounts`
    : `/apis/rbac.authorization.k8s.io/v1/namespaces/${namespace}/${kind.toLowerCase()}s`;
}
