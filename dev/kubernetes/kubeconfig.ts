import { readFile } from 'node:fs/promises';
import { parse, stringify } from 'yaml';
import { DevServerError } from '../dev-server-error';

/** Formats a kubeconfig with one cluster and one user who has a token. */
export function formatKubeconfig(url: string, caPath: string, token: string, namespace = 'default'): string {
  return stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'sluice-dev', cluster: { server: url, 'certificate-authority': caPath } }],
    users: [{ name: 'sluice-dev', user: { token } }],
    contexts: [{ name: 'sluice-dev', context: { cluster: 'sluice-dev', user: 'sluice-dev', namespace } }],
    'current-context': 'sluice-dev',
  });
}

/** The current context of a kubeconfig, with the content of the files it names. Certificates and key are PEM text. */
export interface KubeconfigContext {
  url: string;
  ca?: string;
  /** File of the authority's certificate, if the kubeconfig names one. */
  caPath?: string;
  token?: string;
  cert?: string;
  key?: string;
}

interface Named {
  name: string;
}

interface Kubeconfig {
  'current-context'?: string;
  contexts?: (Named & { context: { cluster: string; user: string } })[];
  clusters?: (Named & { cluster: { server: string } & Record<string, string | undefined> })[];
  users?: (Named & { user: Record<string, string | undefined> })[];
}

/** Reads the current context of a kubeconfig whose user has a token or a client certificate. */
export async function readKubeconfig(path: string): Promise<KubeconfigContext> {
  const config = parse(await readFile(path, 'utf8')) as Kubeconfig;
  const context = config.contexts?.find(({ name }) => name === config['current-context'])?.context;
  const cluster = config.clusters?.find(({ name }) => name === context?.cluster)?.cluster;
  const user = config.users?.find(({ name }) => name === context?.user)?.user;
  if (cluster === undefined || user === undefined) {
    throw new DevServerError(`${path} has no complete current context`, 'name a context in `current-context`');
  }
  return {
    url: cluster.server,
    ca: await readPem(cluster, 'certificate-authority'),
    caPath: cluster['certificate-authority'],
    token: user.token,
    cert: await readPem(user, 'client-certificate'),
    key: await readPem(user, 'client-key'),
  };
}

/** PEM text is either in `<field>-data` as base64, or in the file that `<field>` names. */
async function readPem(holder: Record<string, string | undefined>, field: string): Promise<string | undefined> {
  const data = holder[`${field}-data`];
  if (data !== undefined) return Buffer.from(data, 'base64').toString('utf8');
  const path = holder[field];
  return path === undefined ? undefined : readFile(path, 'utf8');
}
