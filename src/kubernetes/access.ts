/** One lazily opened connection to the cluster, shared by everything in a worker. */
import { AccountClusters } from './account-clusters';
import type { AccountName } from './account-token';
import { KubernetesClient, type KubernetesClientOptions } from './client';
import type { KubernetesConnection } from './kubernetes-connection';
import { loadKubernetesConnection, type LoadConnectionOptions } from './load-connection';
import { Discovery } from './discovery';
import { SENSOR_LABEL } from './object-marks';
import { SharedWatches } from './shared-watch';

export interface OpenCluster {
  readonly client: KubernetesClient;
  /** With the worker's own rights, whatever account `client` acts as: for what Sluice itself has to find out. */
  readonly worker: KubernetesClient;
  readonly discovery: Discovery;
  /** Of objects that sensors created, by the label that names the sensor. */
  readonly created: SharedWatches;
}

export interface KubernetesAccess {
  /**
   * Connects on the first call. Throws KUBERNETES_MISCONFIGURED if no cluster is configured.
   *
   * @param as the ServiceAccount whose rights requests have; default: the worker's own
   */
  open(as?: AccountName): Promise<OpenCluster>;
  /** Idempotent. */
  close(): void;
}

export interface KubernetesAccessOptions extends LoadConnectionOptions, KubernetesClientOptions {
  /** Used instead of looking for one. */
  readonly connection?: KubernetesConnection;
}

interface Connected {
  readonly own: OpenCluster;
  readonly accounts: AccountClusters;
}

/** Opens nothing yet. A connection that could not be opened is retried on the next call. */
export function createKubernetesAccess(options: KubernetesAccessOptions = {}): KubernetesAccess {
  let opening: Promise<Connected> | undefined;
  const connect = async (): Promise<Connected> => {
    const connection = options.connection ?? (await loadKubernetesConnection(options));
    const client = new KubernetesClient(connection, options);
    const created = new SharedWatches(client, SENSOR_LABEL);
    const own = { client, worker: client, discovery: new Discovery(client), created };
    return { own, accounts: new AccountClusters(own, options) };
  };
  return {
    async open(as) {
      opening ??= connect().catch((error: unknown) => {
        // A kubeconfig may appear later (a mounted secret): retry on the next call.
        opening = undefined;
        throw error;
      });
      const { own, accounts } = await opening;
      return as === undefined ? own : accounts.as(as);
    },
    close() {
      // Also closes a client that opens only after this call: it has no other owner.
      opening
        ?.then(({ own, accounts }) => {
          own.client.close();
          accounts.close();
        })
        .catch(() => undefined);
      opening = undefined;
    },
  };
}
