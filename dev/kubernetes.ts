import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { tools } from './binaries/catalogue';
import { findBinary } from './binaries/find-binary';
import { createApiClient } from './kubernetes/api-client';
import { describeExternalKubernetes } from './kubernetes/external';
import type { OwnKubernetes, RunningKubernetes } from './kubernetes/running-kubernetes';
import { installCrds } from './kubernetes/install-crds';
import { formatKubeconfig } from './kubernetes/kubeconfig';
import { createServiceAccountToken } from './kubernetes/service-account-token';
import { outageOf } from './processes/outage';
import { startOnFreePorts } from './processes/free-ports';
import { startAgain } from './processes/restartable-server';
import { startServerProcess, type ServerProcess } from './processes/server-process';
import { createTemporaryFolder, removeFolder } from './processes/temporary-folder';
import { createTlsFiles, type TlsFiles } from './tls-certificates';

export interface StartKubernetesOptions {
  port?: number;
  /** More flags for kube-apiserver. */
  flags?: readonly string[];
  /** Never use the cluster that SLUICE_DEV_KUBECONFIG names, even if no other option asks for a server of its own. */
  own?: boolean;
}

const HOST = '127.0.0.1';
const ISSUER = 'https://kubernetes.default.svc';

/**
 * Starts etcd and kube-apiserver with Argo's resource types, or returns the cluster that SLUICE_DEV_KUBECONFIG names,
 * unchanged.
 */
export function startKubernetes(options: StartKubernetesOptions & { own: true }): Promise<OwnKubernetes>;
export function startKubernetes(options?: StartKubernetesOptions): Promise<RunningKubernetes>;
export async function startKubernetes(options: StartKubernetesOptions = {}): Promise<RunningKubernetes> {
  const external = process.env.SLUICE_DEV_KUBECONFIG;
  if (external !== undefined && external !== '' && Object.keys(options).length === 0) {
    return describeExternalKubernetes(external);
  }

  const etcdBinary = await findBinary(tools.etcd);
  const binary = await findBinary(tools.kubeApiserver);
  const folder = await createTemporaryFolder('kubernetes');
  let etcd: ServerProcess | undefined;
  try {
    const startedEtcd = await startEtcd(etcdBinary, join(folder, 'etcd'));
    etcd = startedEtcd.process;
    const files = await createApiServerFiles(folder);
    return await startOnFreePorts([options.port], (port) =>
      startApiServer({ binary, folder, port, files, etcd: startedEtcd, flags: options.flags ?? [] }),
    );
  } catch (error) {
    await etcd?.stop();
    await removeFolder(folder);
    throw error;
  }
}

interface Etcd {
  url: string;
  process: ServerProcess;
  restart: () => Promise<void>;
}

async function startEtcd(binary: string, folder: string): Promise<Etcd> {
  await mkdir(folder);
  return startOnFreePorts([undefined, undefined], async (port, peerPort) => {
    const url = `http://${HOST}:${port}`;
    const peerUrl = `http://${HOST}:${peerPort}`;
    const args = [
      ...['--data-dir', join(folder, `data-${port}`), '--unsafe-no-fsync', '--log-level', 'error'],
      ...['--listen-client-urls', url, '--advertise-client-urls', url],
      ...['--listen-peer-urls', peerUrl, '--initial-advertise-peer-urls', peerUrl],
      ...['--initial-cluster', `default=${peerUrl}`],
    ];
    const isReady = async () => (await fetch(`${url}/health`)).ok;
    const start = () => startServerProcess({ name: 'etcd', command: binary, args, folder, isReady });
    const etcd: Etcd = {
      url,
      process: await start(),
      restart: async () => {
        await etcd.process.kill();
        etcd.process = await startAgain(start);
      },
    };
    return etcd;
  });
}

interface ApiServerFiles {
  tls: TlsFiles;
  adminToken: string;
  tokensPath: string;
  accountKeyPath: string;
}

async function createApiServerFiles(folder: string): Promise<ApiServerFiles> {
  const adminToken = randomBytes(16).toString('hex');
  const tokensPath = join(folder, 'tokens.csv');
  const accountKeyPath = join(folder, 'service-accounts.key');
  const { privateKey } = generateKeyPairSync('ec', {
    namedCurve: 'P-256',
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'sec1', format: 'pem' },
  });
  await writeFile(tokensPath, `${adminToken},admin,admin,system:masters\n`, { mode: 0o600 });
  await writeFile(accountKeyPath, privateKey, { mode: 0o600 });
  return { tls: await createTlsFiles(folder), adminToken, tokensPath, accountKeyPath };
}

interface ApiServerSetup {
  binary: string;
  folder: string;
  port: number;
  files: ApiServerFiles;
  etcd: Etcd;
  flags: readonly string[];
}

async function startApiServer(setup: ApiServerSetup): Promise<OwnKubernetes> {
  const { binary, folder, port, files, etcd } = setup;
  const { caPath } = files.tls;
  const url = `https://${HOST}:${port}`;
  const address = { url, ca: await readFile(caPath, 'utf8'), token: files.adminToken };
  const api = createApiClient(address);
  const start = () =>
    startServerProcess({
      name: 'kube-apiserver',
      command: binary,
      args: formatFlags(setup),
      folder,
      isReady: async () => (await api.send('GET', '/readyz')).status === 200,
    });

  let server = await start();
  const kubeconfigPath = join(folder, 'kubeconfig');
  await writeFile(kubeconfigPath, formatKubeconfig(url, caPath, files.adminToken), { mode: 0o600 });
  try {
    await installCrds(api);
  } catch (error) {
    await server.stop();
    throw error;
  }
  const restart = async (): Promise<void> => {
    await server.kill();
    server = await startAgain(start);
  };
  // SIGKILL: the API server has no state of its own, and would wait ten seconds for open watches to end.
  return {
    ownership: 'own',
    url,
    kubeconfigPath,
    adminToken: files.adminToken,
    caPath,
    kubectlHint: `kubectl --kubeconfig ${kubeconfigPath} get workflows -A`,
    connect: () => Promise.resolve(createApiClient(address)),
    serviceAccountToken: (namespace, name) => createServiceAccountToken(api, namespace, name),
    stop: async () => {
      api.close();
      await server.kill();
      await etcd.process.kill();
      await removeFolder(folder);
    },
    stopKeepingData: () => server.kill(),
    restart,
    outages: { apiServer: outageOf(() => server, restart), etcd: outageOf(() => etcd.process, etcd.restart) },
  };
}

function formatFlags({ port, files, etcd, flags }: ApiServerSetup): string[] {
  return [
    ...['--bind-address', HOST, '--secure-port', String(port), '--etcd-servers', etcd.url],
    ...['--tls-cert-file', files.tls.serverCertificatePath, '--tls-private-key-file', files.tls.serverKeyPath],
    ...['--authorization-mode', 'RBAC', '--token-auth-file', files.tokensPath],
    ...['--service-account-issuer', ISSUER, '--service-account-key-file', files.accountKeyPath],
    ...['--service-account-signing-key-file', files.accountKeyPath],
    // Without controllers the ServiceAccount `default` is missing, which this plugin would require of every pod.
    ...['--disable-admission-plugins', 'ServiceAccount'],
    // Load tests must meet the limits of Sluice, not those of the API server's fairness queues.
    ...[
      '--enable-priority-and-fairness=false',
      '--max-requests-inflight=3000',
      '--max-mutating-requests-inflight=2000',
    ],
    ...['--service-cluster-ip-range', '10.0.0.0/24', '--profiling=false'],
    ...flags,
  ];
}
