/** An API server with its store: it keeps and serves objects, and runs nothing. */
export interface RunningKubernetes {
  url: string;
  kubeconfigPath: string;
  /** Bearer token of a user in group system:masters. */
  adminToken: string;
  caPath: string;
  /** A command line to look around with. */
  kubectlHint: string;
  /** A real token of a ServiceAccount, made with its namespace if missing. It has no rights until a role is bound. */
  serviceAccountToken(namespace: string, name: string): Promise<string>;
  /** Ends the servers. May be called again. */
  stop(): Promise<void>;
  /** Ends the API server as an outage would, its store stays; `restart` brings it back. */
  stopKeepingData(): Promise<void>;
  /** Starts the API server again on the same port, after stopping it if it runs. */
  restart(): Promise<void>;
}
