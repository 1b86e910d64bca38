/** One lazily opened connection to the cluster that everything in a worker shares. */
import { KubernetesClient, type KubernetesClientOptions } from './client';
import type { KubernetesConnection } from './kubernetes-connection';
import { loadKubernetesConnection, type LoadConnectionOptions } from './load-connection';
import { Discovery } from './discovery';

export interface OpenCluster {
  readonly client: KubernetesClient;
  readonly discovery: Discovery;
}

export interface KubernetesAccess {
  /** Connects on the first call. Throws KUBERNETES_MISCONFIGURED where no cluster is configured. */
  open(): Promise<OpenCluster>;
  /** Idempotent. */
  close(): void;
}

export interface KubernetesAccessOptions extends LoadConnectionOptions, KubernetesClientOptions {
  /** Instead of looking for one. */
  readonly connection?: KubernetesConnection;
}

/** Opens nothing yet. What could not be opened is tried again the next time. */
export function createKubernetesAccess(options: KubernetesAccessOptions = {}): KubernetesAccess {
  let opening: Promise<OpenCluster> | undefined;
  const connect = async (): Promise<OpenCluster> => {
    const connection = options.connection ?? (await loadKubernetesConnection(options));
    const client = new KubernetesClient(connection, options);
    return { client, discovery: new Discovery(client) };
  };
  return {
    open() {
      opening ??= connect().catch((error: unknown) => {
        // A kubeconfig may appear later (a mounted secret): ask again next time.
        opening = undefined;
        throw error;
      });
      return opening;
    },
    close() {
      // Also what opens only after this call: nobody else would close it.
      opening?.then(({ client }) => client.close()).catch(() => undefined);
      opening = undefined;
    },
  };
}
