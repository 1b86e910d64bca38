/** The cluster as ServiceAccounts see it: one client for each account, whose token authenticates its requests. */
import type { OpenCluster } from './access';
import { AccountToken, type AccountName } from './account-token';
import { KubernetesClient, type KubernetesClientOptions } from './client';

/** Names come from manifests; real workers act as a few. A dropped client closes its idle connections by itself. */
const MOST_ACCOUNTS = 200;

export class AccountClusters {
  private readonly clusters = new Map<string, OpenCluster>();

  constructor(
    private readonly own: OpenCluster,
    private readonly options: KubernetesClientOptions,
  ) {}

  /** Sends nothing yet. Requests of the result reject with SERVICE_ACCOUNT_UNUSABLE if there is no token. */
  as(account: AccountName): OpenCluster {
    const key = `${account.namespace}/${account.name}`;
    const cluster = this.clusters.get(key) ?? this.open(account);
    // The latest used is the last.
    this.clusters.delete(key);
    this.clusters.set(key, cluster);
    const [oldest] = this.clusters.keys();
    if (this.clusters.size > MOST_ACCOUNTS && oldest !== undefined) this.clusters.delete(oldest);
    return cluster;
  }

  close(): void {
    for (const { client } of this.clusters.values()) client.close();
    this.clusters.clear();
  }

  private open(account: AccountName): OpenCluster {
    const { server, namespace, tls } = this.own.client.connection;
    // The worker's own certificate would authenticate the request before the token is read.
    const { cert: _cert, key: _key, ...trust } = tls;
    const token = new AccountToken(this.own.client, account);
    const identity = `ServiceAccount ${account.namespace}/${account.name}`;
    const client = new KubernetesClient(
      {
        ...{ server, namespace, identity, tls: trust, origin: this.own.client.connection.origin },
        authorization: () => {
          const text = token.read();
          return typeof text === 'string' ? `Bearer ${text}` : text.then((value) => `Bearer ${value}`);
        },
        renew: () => token.forget(),
      },
      this.options,
    );
    return { ...this.own, client };
  }
}
