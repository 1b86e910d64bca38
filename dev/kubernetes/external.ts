import { DevServerError } from '../dev-server-error';
import { createApiClient } from './api-client';
import { readKubeconfig } from './kubeconfig';
import type { ExternalKubernetes } from './running-kubernetes';

const WORKFLOWS = '/apis/argoproj.io/v1alpha1/workflows?limit=1';

/**
 * Describes the cluster of a kubeconfig, which is only read: its own resource types and controller are used. Throws if
 * the cluster does not serve Workflows.
 */
export async function describeExternalKubernetes(kubeconfigPath: string): Promise<ExternalKubernetes> {
  const context = await readKubeconfig(kubeconfigPath);
  const connect = () => Promise.resolve(createApiClient(context));
  const api = await connect();
  try {
    const { status } = await api.send('GET', WORKFLOWS);
    // 403: a user who may not list Workflows of all namespaces may still create them in one.
    if (status !== 200 && status !== 403) {
      throw new DevServerError(
        `the cluster of SLUICE_DEV_KUBECONFIG (${context.url}) does not serve Workflows of argoproj.io/v1alpha1 (HTTP ${status})`,
        'install Argo Workflows there, or unset SLUICE_DEV_KUBECONFIG to use a cluster that is started for the purpose',
      );
    }
  } finally {
    api.close();
  }
  return {
    ownership: 'external',
    url: context.url,
    kubeconfigPath,
    kubectlHint: `kubectl --kubeconfig ${kubeconfigPath} get workflows -A`,
    connect,
    stop: () => Promise.resolve(),
  };
}
