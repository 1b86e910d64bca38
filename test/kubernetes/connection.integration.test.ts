import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stringify } from 'yaml';
import type { OwnKubernetes } from '../../dev/servers';
import { createKubernetesAccess, type KubernetesAccessOptions } from '../../src/kubernetes/access';
import { loadKubernetesConnection } from '../../src/kubernetes/load-connection';
import { sharedKubernetes } from '../setup/shared-kubernetes';
import { failureOf } from '../setup/failure';

let kubernetes: OwnKubernetes;
let folder: string;
beforeAll(async () => {
  kubernetes = await sharedKubernetes();
  folder = await mkdtemp(join(tmpdir(), 'sluice-connection-'));
});
afterAll(async () => {
  await rm(folder, { recursive: true });
  await kubernetes.stop();
});

/** Who the API server takes us for. */
async function whoAmI(options: KubernetesAccessOptions): Promise<string | undefined> {
  const access = createKubernetesAccess(options);
  try {
    const { client } = await access.open();
    const review = await client.request<{ status: { userInfo: { username?: string } } }>({
      method: 'POST',
      path: '/apis/authentication.k8s.io/v1/selfsubjectreviews',
      body: { apiVersion: 'authentication.k8s.io/v1', kind: 'SelfSubjectReview' },
    });
    return review.status.userInfo.username;
  } finally {
    access.close();
  }
}

async function writeKubeconfig(name: string, user: object, cluster: object = {}): Promise<string> {
  const path = join(folder, name);
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [
      { name: 'c', cluster: { server: kubernetes.url, 'certificate-authority': kubernetes.caPath, ...cluster } },
    ],
    users: [{ name: 'u', user }],
    contexts: [{ name: 'x', context: { cluster: 'c', user: 'u', namespace: 'argo' } }],
    'current-context': 'x',
  };
  await writeFile(path, stringify(config));
  return path;
}

describe('a kubeconfig', () => {
  it('with a token, and its CA as a file or inline, connects', async () => {
    const user = { token: kubernetes.adminToken };
    expect(await whoAmI({ kubeconfigPath: await writeKubeconfig('plain', user) })).toBeDefined();
    const data = (await readFile(kubernetes.caPath)).toString('base64');
    const inline = { 'certificate-authority': undefined, 'certificate-authority-data': data };
    const path = await writeKubeconfig('inline', user, inline);
    expect(await whoAmI({ env: { KUBECONFIG: path } })).toBeDefined();
    expect((await loadKubernetesConnection({ kubeconfigPath: path })).namespace).toBe('argo');
  });

  it('with a token file reloads the file when a request is rejected', async () => {
    const alice = await kubernetes.serviceAccountToken('default', 'alice');
    const tokenPath = join(folder, 'token');
    await writeFile(tokenPath, 'stale');
    const access = createKubernetesAccess({ kubeconfigPath: await writeKubeconfig('file', { tokenFile: 'token' }) });
    const { client } = await access.open();
    const ask = () => client.request({ method: 'GET', path: '/version' });
    const failed = await failureOf(client.request({ method: 'GET', path: '/api/v1/namespaces/default/pods' }));
    expect(failed.context).toMatchObject({ status: 401 });
    await writeFile(tokenPath, `${alice}\n`);
    await expect(ask()).resolves.toBeDefined();
    access.close();
  });

  it('that skips verification of the server does so only if it is configured', async () => {
    const user = { token: kubernetes.adminToken };
    const none = { 'certificate-authority': undefined };
    const trusting = await writeKubeconfig('skip', user, { ...none, 'insecure-skip-tls-verify': true });
    expect(await whoAmI({ kubeconfigPath: trusting })).toBeDefined();
    const strict = await failureOf(whoAmI({ kubeconfigPath: await writeKubeconfig('strict', user, none) }));
    expect(strict.code).toBe('KUBERNETES_UNREACHABLE');
  });

  it('whose user logs in with an exec plugin uses the official library', async () => {
    const credential = {
      apiVersion: 'client.authentication.k8s.io/v1',
      kind: 'ExecCredential',
      status: { token: await kubernetes.serviceAccountToken('default', 'by-program') },
    };
    const exec = {
      apiVersion: credential.apiVersion,
      command: '/bin/echo',
      args: [JSON.stringify(credential)],
      interactiveMode: 'Never',
    };
    const path = await writeKubeconfig('exec', { exec });
    expect(await whoAmI({ kubeconfigPath: path })).toBe('system:serviceaccount:default:by-program');
  });

  it.each([
    ['does not exist', () => Promise.resolve({ kubeconfigPath: '/nowhere/kubeconfig' })],
    ['lacks the context', async () => ({ kubeconfigPath: await writeKubeconfig('context', {}), context: 'other' })],
    [
      'names a missing certificate',
      async () => ({ kubeconfigPath: await writeKubeconfig('cert', { 'client-certificate': 'none.crt' }) }),
    ],
  ])('that %s is rejected', async (_what, options) => {
    expect(await failureOf(loadKubernetesConnection(await options()))).toMatchObject({
      code: 'KUBERNETES_MISCONFIGURED',
      retryable: false,
    });
  });
});

describe('a pod', () => {
  it('connects with its service account and uses rotated tokens', async () => {
    const serviceAccountDir = join(folder, 'service-account');
    await mkdir(serviceAccountDir);
    await writeFile(join(serviceAccountDir, 'token'), await kubernetes.serviceAccountToken('default', 'worker'));
    await writeFile(join(serviceAccountDir, 'namespace'), 'argo');
    await writeFile(join(serviceAccountDir, 'ca.crt'), await readFile(kubernetes.caPath));
    const { hostname, port } = new URL(kubernetes.url);
    const env = { KUBERNETES_SERVICE_HOST: hostname, KUBERNETES_SERVICE_PORT: port, HOME: folder };
    expect(await whoAmI({ env, serviceAccountDir })).toBe('system:serviceaccount:default:worker');
    const connection = await loadKubernetesConnection({ env, serviceAccountDir });
    expect(connection.namespace).toBe('argo');
    await writeFile(join(serviceAccountDir, 'token'), 'rotated');
    connection.renew();
    expect(await connection.authorization()).toBe('Bearer rotated');
  });

  it('without any configuration gets an error with advice', async () => {
    const error = await failureOf(loadKubernetesConnection({ env: { HOME: folder }, serviceAccountDir: folder }));
    expect(error.code).toBe('KUBERNETES_MISCONFIGURED');
    expect(error.fix).toContain('KUBECONFIG');
  });
});
