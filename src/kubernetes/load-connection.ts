/** Finds the API server and credentials: service account, kubeconfig, or those that a test passes. */
import { readFileSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';
import { SluiceError } from '../errors/sluice-error';
import type { KubernetesConnection } from './kubernetes-connection';
import { readKubeconfig } from './kubeconfig';
import { createTokenFile } from './token-file';

export interface LoadConnectionOptions {
  /** A kubeconfig file; takes precedence over everything else. */
  readonly kubeconfigPath?: string;
  /** A context of the kubeconfig instead of its current one. */
  readonly context?: string;
  /** Defaults to `process.env`. */
  readonly env?: NodeJS.ProcessEnv;
  /** Where Kubernetes mounts the pod's token. */
  readonly serviceAccountDir?: string;
}

export const SERVICE_ACCOUNT_DIR = '/var/run/secrets/kubernetes.io/serviceaccount';

/**
 * Finds the API server: explicit kubeconfig, `KUBECONFIG`, the pod's service account, `~/.kube/config`. Throws
 * KUBERNETES_MISCONFIGURED if there is none or it cannot be read.
 */
export async function loadKubernetesConnection(options: LoadConnectionOptions = {}): Promise<KubernetesConnection> {
  const env = options.env ?? process.env;
  const explicit = options.kubeconfigPath ?? env.KUBECONFIG;
  if (explicit) return await readKubeconfig(explicit.split(delimiter).filter(Boolean), options.context);

  const directory = options.serviceAccountDir ?? SERVICE_ACCOUNT_DIR;
  if (env.KUBERNETES_SERVICE_HOST && isFile(join(directory, 'token'))) return readServiceAccount(directory, env);

  const fromHome = join(env.HOME ?? homedir(), '.kube', 'config');
  if (isFile(fromHome)) return await readKubeconfig([fromHome], options.context);
  throw new SluiceError('KUBERNETES_MISCONFIGURED', {
    message: `no Kubernetes API server is configured: KUBECONFIG is not set, there is no service account in ${directory} and no ${fromHome}`,
    fix: 'Set KUBECONFIG to a kubeconfig file, or run in a pod with a service account',
  });
}

function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() ?? false;
}

function readServiceAccount(directory: string, env: NodeJS.ProcessEnv): KubernetesConnection {
  const read = (name: string) => {
    try {
      return readFileSync(join(directory, name), 'utf8');
    } catch (cause) {
      throw new SluiceError('KUBERNETES_MISCONFIGURED', {
        message: `cannot read ${name} of the service account in ${directory}`,
        fix: 'Mount the service account token into the pod (automountServiceAccountToken: true)',
        cause,
      });
    }
  };
  const host = env.KUBERNETES_SERVICE_HOST ?? '';
  const port = env.KUBERNETES_SERVICE_PORT ?? '443';
  const token = createTokenFile(join(directory, 'token'));
  return {
    server: `https://${host.includes(':') ? `[${host}]` : host}:${port}`,
    namespace: read('namespace').trim() || 'default',
    origin: 'the service account of this pod',
    tls: { ca: read('ca.crt') },
    authorization: () => `Bearer ${token.read()}`,
    renew: () => token.forget(),
  };
}
