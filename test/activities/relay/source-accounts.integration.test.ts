import { pino } from 'pino';
import { openSource } from '../../../activities/relay/open-source';
import { createWorkerDependencies, type WorkerDependencies } from '../../../activities/worker/worker-dependencies';
import type { EventSourceDefinition } from '../../../src/contract/definitions';
import type { TriggerIdentity } from '../../../src/kubernetes/trigger-identity';
import { openClusterFixture, type ClusterFixture } from '../../kubernetes/cluster-fixture';
import { failureOf } from '../../setup/failure';

const ACCOUNT = 'reader';

describe('a resource event source with a service account', () => {
  let cluster: ClusterFixture;
  let dependencies: WorkerDependencies;

  beforeAll(async () => {
    cluster = await openClusterFixture('source-account');
    const { kubeconfigPath } = cluster.kubernetes;
    dependencies = createWorkerDependencies({ log: pino({ level: 'silent' }), kubernetes: { kubeconfigPath } });
    await cluster.create({ apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: ACCOUNT } });
  });
  afterAll(async () => {
    await dependencies.close();
    await cluster.close();
  });

  const check = async (serviceAccountName: string, triggerIdentity: TriggerIdentity = 'sensor'): Promise<void> => {
    const { namespace } = cluster;
    const changed = { namespace, version: 'v1', resource: 'configmaps', eventTypes: ['ADD' as const] };
    const definition: EventSourceDefinition = {
      namespace,
      name: 'changes',
      spec: { template: { serviceAccountName }, resource: { changed } },
      options: { startFrom: { kind: 'all' }, maxInFlight: 100 },
      bus: { namespace, name: 'default', spec: {} },
    };
    const request = { definition, kind: 'resource', eventName: 'changed' };
    const { signal } = new AbortController();
    const { source } = openSource(request, signal, { ...dependencies, triggerIdentity });
    await source.check().finally(() => source.close());
  };

  it('reads with the rights of that account only', async () => {
    expect(await failureOf(check(ACCOUNT))).toMatchObject({
      code: 'EVENT_SOURCE_MISCONFIGURED',
      message: expect.stringContaining(`system:serviceaccount:${cluster.namespace}:${ACCOUNT}`) as string,
    });
    const apiVersion = 'rbac.authorization.k8s.io/v1';
    const rules = [{ apiGroups: [''], resources: ['configmaps'], verbs: ['get', 'list', 'watch'] }];
    await cluster.create({ apiVersion, kind: 'Role', metadata: { name: ACCOUNT }, rules });
    await cluster.create({
      apiVersion,
      kind: 'RoleBinding',
      metadata: { name: ACCOUNT },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: ACCOUNT },
      subjects: [{ kind: 'ServiceAccount', name: ACCOUNT, namespace: cluster.namespace }],
    });
    await check(ACCOUNT);
  });

  it('reads nothing with an account that does not exist', async () => {
    expect(await failureOf(check('missing'))).toMatchObject({
      message: expect.stringContaining('missing') as string,
    });
  });

  it('reads with the rights of the worker where its operator says so', async () => {
    await check('missing', 'worker');
  });
});
