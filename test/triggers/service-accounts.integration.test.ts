/** Triggers act as the account of their Sensor: a real API server with RBAC tells whose rights a request had. */
import { readFile } from 'node:fs/promises';
import { createApiClient } from '../../dev/kubernetes/api-client';
import type { JsonObject } from '../../src/event/json';
import { createKubernetesAccess, type KubernetesAccess } from '../../src/kubernetes/access';
import { readPermissions } from '../../src/kubernetes/worker-permissions';
import type { FireResult } from '../../src/triggers/trigger';
import { argoWorkflowTrigger } from '../../src/triggers/argo-workflow';
import { k8sTrigger } from '../../src/triggers/k8s';
import { CREATES_MAPS, giveAccount, mayActAs } from '../kubernetes/account-roles';
import { ARGO, openClusterFixture, type ClusterFixture } from '../kubernetes/cluster-fixture';
import { failureOf } from '../setup/failure';
import { createFire, dependenciesFor } from './object-fire';

let fixture: ClusterFixture;
let worker: KubernetesAccess;
const opened: KubernetesAccess[] = [];

async function accessOf(account: string, env: NodeJS.ProcessEnv = {}): Promise<KubernetesAccess> {
  const token = await fixture.kubernetes.serviceAccountToken(fixture.namespace, account);
  const { connection } = fixture.cluster.client;
  const access = createKubernetesAccess({
    connection: { ...connection, authorization: () => `Bearer ${token}` },
    permissions: readPermissions(env),
  });
  opened.push(access);
  return access;
}

beforeAll(async () => {
  fixture = await openClusterFixture('accounts');
  const { url, caPath, adminToken: token } = fixture.kubernetes;
  const api = createApiClient({ url, ca: await readFile(caPath, 'utf8'), token });
  const give = (account: string, rules: Parameters<typeof giveAccount>[4]): Promise<void> =>
    giveAccount(api, fixture.namespace, account, account, rules);
  await give('runner', [CREATES_MAPS, { apiGroups: ['argoproj.io'], resources: ['workflows'], verbs: ['create'] }]);
  await give('idle', []);
  await give('foreign', [CREATES_MAPS]);
  await give('worker', [
    mayActAs('runner', 'idle', 'absent'),
    { apiGroups: [''], resources: ['configmaps'], verbs: ['get'] },
  ]);
  api.close();
  worker = await accessOf('worker');
});
afterAll(async () => {
  opened.forEach((access) => access.close());
  await fixture?.close();
});

const map = (name: string): JsonObject => ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name } });

async function fireAs(account: string | undefined, resource: JsonObject, access = worker): Promise<FireResult> {
  const { namespace } = fixture;
  const template = { source: {}, operation: 'create' } as const;
  return await k8sTrigger.create(dependenciesFor(access)).fire(
    createFire(namespace, resource, {
      template,
      ...(account !== undefined && { account: { namespace, name: account } }),
    }),
  );
}

describe('a trigger in the cluster', () => {
  it('has the rights of the account that its Sensor names, and not those of the worker', async () => {
    expect(await fireAs('runner', map('by-runner'))).toMatchObject({ kind: 'object', existed: false });
    expect(await failureOf(fireAs(undefined, map('by-worker')))).toMatchObject({
      code: 'KUBERNETES_REFUSED',
      message: expect.stringMatching(/serviceaccount:[^:]+:worker" cannot create/) as string,
    });
  });

  it('submits Workflows as that account', async () => {
    const trigger = argoWorkflowTrigger.create(dependenciesFor(worker));
    const workflow = {
      apiVersion: ARGO,
      kind: 'Workflow',
      metadata: { generateName: 'made-' },
      spec: { entrypoint: 'main' },
    };
    const account = { namespace: fixture.namespace, name: 'runner' };
    const fire = createFire(fixture.namespace, workflow, { template: { source: {} }, account });
    expect(await trigger.fire(fire)).toMatchObject({ action: 'submit', existed: false });
  });

  it('finds the object of its earlier attempt although the account may only create', async () => {
    await fireAs('runner', map('twice'));
    expect(await fireAs('runner', map('twice'))).toMatchObject({ existed: true, object: { name: 'twice' } });
  });

  it('is refused what the account may not do, with advice that names the account', async () => {
    expect(await failureOf(fireAs('idle', map('by-idle')))).toMatchObject({
      code: 'KUBERNETES_REFUSED',
      retryable: false,
      message: expect.stringMatching(/serviceaccount:[^:]+:idle" cannot create/) as string,
      fix: expect.stringContaining(`ServiceAccount ${fixture.namespace}/idle`) as string,
    });
  });

  it('is refused an account as which the worker may not act, with the rule that would allow it', async () => {
    expect(await failureOf(fireAs('foreign', map('by-foreign')))).toMatchObject({
      code: 'SERVICE_ACCOUNT_UNUSABLE',
      retryable: false,
      fix: expect.stringContaining('resources: [serviceaccounts/token], resourceNames: [foreign]') as string,
    });
  });

  it('is refused an account that does not exist', async () => {
    expect(await failureOf(fireAs('absent', map('by-absent')))).toMatchObject({
      code: 'SERVICE_ACCOUNT_UNUSABLE',
      message: expect.stringContaining(`ServiceAccount ${fixture.namespace}/absent does not exist`) as string,
    });
  });

  it('acts as accounts outside a cluster too, by the rights of the kubeconfig', async () => {
    expect(await fireAs('runner', map('from-outside'), fixture.access)).toMatchObject({ existed: false });
    expect(await failureOf(fireAs('idle', map('idle-outside'), fixture.access))).toMatchObject({
      message: expect.stringMatching(/serviceaccount:[^:]+:idle" cannot create/) as string,
    });
  });

  it('may act only as accounts that the settings of the worker allow', async () => {
    const restricted = await accessOf('worker', {
      SLUICE_ALLOWED_SERVICE_ACCOUNTS: 'idle',
      SLUICE_ALLOWED_KINDS: 'configmaps',
    });
    expect(await failureOf(fireAs('runner', map('restricted'), restricted))).toMatchObject({
      code: 'WORKER_RESTRICTED',
      message: expect.stringContaining('SLUICE_ALLOWED_SERVICE_ACCOUNTS') as string,
    });
    expect(await failureOf(fireAs('idle', map('allowed'), restricted))).toMatchObject({ code: 'KUBERNETES_REFUSED' });
  });
});
