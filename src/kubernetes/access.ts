/** One lazily opened connection to the cluster, shared by everything in a worker. */
import { KubernetesClient, type KubernetesClientOptions } from './client';
import type { KubernetesConnection } from './kubernetes-connection';
import { loadKubernetesConnection, type LoadConnectionOptions } from './load-connection';
import { Discovery } from './discovery';
import { SENSOR_LABEL } from './object-marks';
import { SharedWatches } from './shared-watch';

export interface OpenCluster {
  readonly client: KubernetesClient;
  readonly discovery: Discovery;
  /** Of objects that sensors created, by the label that names the sensor. */
  readonly created: SharedWatches;
}

export interface KubernetesAccess {
  /** Connects on the first call. Throws KUBERNETES_MISCONFIGURED if no cluster is configured. */
  open(): Promise<OpenCluster>;
  /** Idempotent. */
  close(): void;
}

export interface KubernetesAccessOptions extends LoadConnectionOptions, KubernetesClientOptions {
  /** Used instead of looking for one. */
  readonly connection?: KubernetesConnection;
}

/** Opens nothing yet. A connection that could not be opened is retried on the next call. */
export function createKubernetesAccess(options: KubernetesAccessOptions = {}): KubernetesAccess {
  let opening: Promise<OpenCluster> | undefined;
  const connect = async (): Promise<OpenCluster> => {
    const connection = options.connection ?? (await loadKubernetesConnection(options));
    const client = new KubernetesClient(connection, options);
    return { client, discovery: new Discovery(client), created: new SharedWatches(client, SENSOR_LABEL) };
  };
  return {
    open() {
      opening ??= connect().catch((error: unknown) => {
        // A kubeconfig may appear later (a mounted secret): retry on the next call.
        opening = undefined;
        throw error;
      });
      return opening;
    },
    close() {
      // Also closes a client that opens only after this call: it has no other owner.
      opening?.then(({ client }) => client.close()).catch(() => undefined);
      opening = undefined;
    },
  };
}
