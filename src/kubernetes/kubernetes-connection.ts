/** How requests reach the API server and authenticate. */

export interface KubernetesConnection {
  /** `https://10.96.0.1:443`, without a trailing slash; may have a path (Rancher). */
  readonly server: string;
  /** Namespace of the service account or context. */
  readonly namespace: string;
  /** For messages: `the service account of this pod`, `kubeconfig /root/.kube/config (context dev)`. */
  readonly origin: string;
  readonly tls: KubernetesTls;
  /** `ServiceAccount argo/runner`, if requests do not have the worker's own rights. */
  readonly identity?: string;
  /** Value of the Authorization header, if this user has one. Cheap: called for every request. */
  authorization(): string | undefined | Promise<string | undefined>;
  /** Called once after the server answered 401: forget cached credentials. */
  renew(): void;
}

export interface KubernetesTls {
  readonly ca?: string | Buffer;
  readonly cert?: string | Buffer;
  readonly key?: string | Buffer;
  readonly servername?: string;
  readonly rejectUnauthorized?: boolean;
}
