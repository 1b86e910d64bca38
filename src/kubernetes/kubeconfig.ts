/**
 * Reads kubeconfig files. Tokens and certificates are read here; users that log in through a program or a plugin (exec,
 * auth-provider) and merged files go through @kubernetes/client-node, which takes over a second to load.
 */
import { readFileSync } from 'node:fs';
import type { RequestOptions } from 'node:https';
import { dirname, resolve } from 'node:path';
import { parse } from 'yaml';
import { SluiceError } from '../errors/sluice-error';
import type { KubernetesConnection, KubernetesTls } from './kubernetes-connection';
import { isRecord } from './kubernetes-object';
import { createTokenFile } from './token-file';

/** `paths` as in `KUBECONFIG`; several are merged. Throws KUBERNETES_MISCONFIGURED. */
export async function readKubeconfig(paths: readonly string[], context?: string): Promise<KubernetesConnection> {
  const [path] = paths;
  if (path === undefined) throw misconfigured('KUBECONFIG is empty');
  if (paths.length > 1) return await connectWithLibrary(paths, context);

  const config = readYaml(path);
  const contextName = context ?? text(config['current-context']);
  if (!contextName) throw misconfigured(`${path} has no current-context`);
  const chosen = named(config, 'contexts', 'context', contextName, path);
  const cluster = named(config, 'clusters', 'cluster', text(chosen.cluster) ?? '', path);
  const user = chosen.user ? named(config, 'users', 'user', text(chosen.user) ?? '', path) : {};
  if (user.exec || user['auth-provider'] || cluster['proxy-url']) return await connectWithLibrary(paths, contextName);

  const server = text(cluster.server);
  if (!server) throw misconfigured(`${path}: the cluster of context ${contextName} has no server`);
  const base = dirname(path);
  const tokenPath = text(user.tokenFile);
  const tokenFile = tokenPath ? createTokenFile(resolve(base, tokenPath)) : undefined;
  const fixed = fixedAuthorization(user);
  return {
    server: server.replace(/\/+$/, ''),
    namespace: text(chosen.namespace) ?? 'default',
    origin: `kubeconfig ${path} (context ${contextName})`,
    tls: readTls(cluster, user, base, path),
    authorization: () => (tokenFile ? `Bearer ${tokenFile.read()}` : fixed),
    renew: () => tokenFile?.forget(),
  };
}

function readTls(
  cluster: Record<string, unknown>,
  user: Record<string, unknown>,
  base: string,
  path: string,
): KubernetesTls {
  const material = (holder: Record<string, unknown>, field: string) => {
    const inline = text(holder[`${field}-data`]);
    if (inline) return Buffer.from(inline, 'base64');
    const file = text(holder[field]);
    if (!file) return undefined;
    try {
      return readFileSync(resolve(base, file));
    } catch (cause) {
      throw misconfigured(`${path}: ${field} ${file} cannot be read`, cause);
    }
  };
  return {
    ca: material(cluster, 'certificate-authority'),
    cert: material(user, 'client-certificate'),
    key: material(user, 'client-key'),
    servername: text(cluster['tls-server-name']),
    rejectUnauthorized: cluster['insecure-skip-tls-verify'] !== true,
  };
}

function fixedAuthorization(user: Record<string, unknown>): string | undefined {
  const token = text(user.token);
  if (token) return `Bearer ${token}`;
  const username = text(user.username);
  if (!username) return undefined;
  return `Basic ${Buffer.from(`${username}:${text(user.password) ?? ''}`).toString('base64')}`;
}

function readYaml(path: string): Record<string, unknown> {
  let content: unknown;
  try {
    content = parse(readFileSync(path, 'utf8'));
  } catch (cause) {
    throw misconfigured(`kubeconfig ${path} cannot be read`, cause);
  }
  if (!isRecord(content)) throw misconfigured(`kubeconfig ${path} is not an object`);
  return content;
}

/** Returns the entry called `name` of a kubeconfig list, e.g. `contexts: [{name, context: {...}}]`. */
function named(
  config: Record<string, unknown>,
  list: string,
  field: string,
  name: string,
  path: string,
): Record<string, unknown> {
  const entries: unknown[] = Array.isArray(config[list]) ? config[list] : [];
  for (const entry of entries) {
    if (isRecord(entry) && entry.name === name && isRecord(entry[field])) return entry[field];
  }
  const known = entries.flatMap((entry) => (isRecord(entry) && typeof entry.name === 'string' ? [entry.name] : []));
  throw misconfigured(`${path} has no ${field} "${name}" (it has: ${known.join(', ') || 'none'})`);
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

function misconfigured(message: string, cause?: unknown): SluiceError {
  return new SluiceError('KUBERNETES_MISCONFIGURED', {
    message,
    fix: 'Check the kubeconfig with `kubectl config view`',
    cause,
  });
}

async function connectWithLibrary(paths: readonly string[], context?: string): Promise<KubernetesConnection> {
  // ESM only and slow to load, so it is imported only here.
  const { KubeConfig } = await import('@kubernetes/client-node');
  const config = new KubeConfig();
  try {
    paths.forEach((path, index) => {
      if (index === 0) config.loadFromFile(path);
      else {
        const more = new KubeConfig();
        more.loadFromFile(path);
        config.mergeConfig(more, true);
      }
    });
    if (context) config.setCurrentContext(context);
  } catch (cause) {
    throw misconfigured(`kubeconfig ${paths.join(', ')} cannot be read`, cause);
  }
  const cluster = config.getCurrentCluster();
  if (!cluster) throw misconfigured(`kubeconfig ${paths.join(', ')} has no usable current-context`);
  if (cluster.proxyUrl) throw misconfigured(`cluster ${cluster.name}: proxy-url is not supported`);
  const initial = await askLibrary(config, cluster.name);
  return {
    server: cluster.server.replace(/\/+$/, ''),
    namespace: config.getContextObject(config.getCurrentContext())?.namespace ?? 'default',
    origin: `kubeconfig ${paths.join(', ')} (context ${config.getCurrentContext()})`,
    tls: initial.tls,
    authorization: async () => (await askLibrary(config, cluster.name)).authorization,
    renew: () => undefined,
  };
}

async function askLibrary(
  config: { applyToHTTPSOptions(options: RequestOptions): Promise<void> },
  clusterName: string,
): Promise<{ tls: KubernetesTls; authorization: string | undefined }> {
  const options: RequestOptions = { headers: {} };
  try {
    await config.applyToHTTPSOptions(options);
  } catch (cause) {
    throw new SluiceError('KUBERNETES_MISCONFIGURED', {
      message: `logging in to cluster ${clusterName} failed`,
      fix: 'Run `kubectl get namespaces` with the same kubeconfig to see why',
      retryable: true,
      cause,
    });
  }
  const { ca, cert, key, servername, rejectUnauthorized, headers } = options;
  const given = isRecord(headers) ? text(headers.Authorization ?? headers.authorization) : undefined;
  return {
    tls: { ca: pem(ca), cert: pem(cert), key: pem(key), servername, rejectUnauthorized },
    authorization: given ?? (options.auth ? `Basic ${Buffer.from(options.auth).toString('base64')}` : undefined),
  };
}

function pem(value: unknown): string | Buffer | undefined {
  return typeof value === 'string' || Buffer.isBuffer(value) ? value : undefined;
}
