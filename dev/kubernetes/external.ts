import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DevServerError } from '../dev-server-error';
import type { RunningKubernetes } from './running-kubernetes';
import { createTemporaryFolder, removeFolder } from '../processes/temporary-folder';
import { createApiClient } from './api-client';
import { installCrds } from './install-crds';
import { readKubeconfig } from './kubeconfig';
import { createAdminToken, createServiceAccountToken } from './service-account-token';

/**
 * Describes the cluster of a kubeconfig as if we had started it, with Argo's resource types installed where missing.
 * A user without a token gets an account with cluster-admin rights, since callers are promised a token.
 */
export async function describeExternalKubernetes(kubeconfigPath: string): Promise<RunningKubernetes> {
  const context = await readKubeconfig(kubeconfigPath);
  const api = createApiClient(context);
  await installCrds(api);
  // Callers are promised a file, which a kubeconfig with inline data does not have.
  const folder = context.caPath === undefined ? await createTemporaryFolder('kubeconfig') : undefined;
  const caPath = folder === undefined ? (context.caPath ?? '') : join(folder, 'ca.crt');
  if (folder !== undefined) await writeFile(caPath, context.ca ?? '');
  const refuse = () =>
    Promise.reject(new DevServerError('SLUICE_DEV_KUBECONFIG names a cluster that is not ours to stop'));
  return {
    url: context.url,
    kubeconfigPath,
    adminToken: context.token ?? (await createAdminToken(api)),
    caPath,
    kubectlHint: `kubectl --kubeconfig ${kubeconfigPath} get workflows -A`,
    serviceAccountToken: (namespace, name) => createServiceAccountToken(api, namespace, name),
    stop: async () => {
      api.close();
      if (folder !== undefined) await removeFolder(folder);
    },
    stopKeepingData: refuse,
    restart: refuse,
  };
}
