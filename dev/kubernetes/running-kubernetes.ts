import type { Outage } from '../processes/outage';
import type { ApiClient } from './api-client';

interface ReachableKubernetes {
  url: string;
  kubeconfigPath: string;
  /** A command line for inspecting the cluster. */
  kubectlHint: string;
  /** Opens a client with the identity of the kubeconfig. The caller closes it. */
  connect(): Promise<ApiClient>;
  /** Ends the servers that were started here. Idempotent. */
  stop(): Promise<void>;
}

/**
 * An API server with its store, started by dev/ for this run alone: it keeps and serves objects, and runs nothing.
 * Only such a cluster may be given a stand-in for the Argo controller, definitions of resources, and accounts.
 */
export interface OwnKubernetes extends ReachableKubernetes {
  readonly ownership: 'own';
  /** Bearer token of a user in group system:masters. */
  adminToken: string;
  caPath: string;
  /** Returns a real token of a ServiceAccount, made with its namespace if missing. No rights until a role is bound. */
  serviceAccountToken(namespace: string, name: string): Promise<string>;
  /** Ends the API server as an outage would, keeping its store; `restart` starts it again. */
  stopKeepingData(): Promise<void>;
  /** Starts the API server again on the same port, after stopping it if it runs. */
  restart(): Promise<void>;
  readonly outages: { readonly apiServer: Outage; readonly etcd: Outage };
}

/** The user's cluster, named by SLUICE_DEV_KUBECONFIG: used with the identity of that file, and never administered. */
export interface ExternalKubernetes extends ReachableKubernetes {
  readonly ownership: 'external';
}

export type RunningKubernetes = OwnKubernetes | ExternalKubernetes;
