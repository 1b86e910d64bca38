/** The chart against a real API server with RBAC: what it renders is accepted, and Helm installs and removes it. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import type { ApiClient } from '../../dev/kubernetes/api-client';
import { repoRoot } from '../../dev/repo-root';
import type { JsonObject } from '../../src/event/json';
import type { KubernetesObject } from '../../src/kubernetes/kubernetes-object';
import { openClusterFixture, type ClusterFixture } from '../kubernetes/cluster-fixture';
import { eventually } from '../setup/eventually';
import { createTestNamespace, type TestNamespace } from '../setup/test-namespace';
import { CHART } from './chart-values';
import { VALUE_SETS } from './chart-value-sets';
import { applyManifest } from './deploy-manifests';
import { helm, renderChart } from './helm';
import { rulesOf } from './account-rules';

const MONITORING = '/apis/monitoring.coreos.com/v1';

let fixture: ClusterFixture;
/** Where manifests live, beside the namespace of the release. */
let manifests: TestNamespace;
let api: ApiClient;
beforeAll(async () => {
  fixture = await openClusterFixture('chart');
  api = await fixture.kubernetes.connect();
  manifests = await createTestNamespace(fixture.kubernetes, 'manifests');
  const crds = readFileSync(join(repoRoot, 'test/deploy/monitoring-crds.yaml'), 'utf8');
  for (const document of parseAllDocuments(crds)) {
    await api.expect('POST', '/apis/apiextensions.k8s.io/v1/customresourcedefinitions', document.toJS(), [409]);
  }
  for (const plural of ['podmonitors', 'prometheusrules']) {
    await eventually(async () => (await api.send('GET', `${MONITORING}/${plural}?limit=1`)).status === 200);
  }
});
afterAll(async () => {
  api?.close();
  await manifests?.remove();
  await fixture?.close();
});

const run = (args: readonly string[], values?: JsonObject): Promise<string> =>
  helm(args, {
    kubeconfigPath: fixture.kubernetes.kubeconfigPath,
    namespace: fixture.namespace,
    ...(values && { values }),
  });

/** The Deployments of the release's namespace: `name image replicas`. */
async function deployments(): Promise<readonly string[]> {
  const found = await fixture.list('deployments', 'apps/v1');
  return found.map(({ metadata, spec }) => {
    const { replicas, template } = spec as {
      replicas: number;
      template: { spec: { containers: [{ image: string }] } };
    };
    return `${metadata.name ?? ''} ${template.spec.containers[0].image} ${replicas}`;
  });
}

describe('what the chart renders', () => {
  it.each(Object.keys(VALUE_SETS) as Array<keyof typeof VALUE_SETS>)(
    'is accepted by the API server, field by field, with values: %s',
    async (name) => {
      const objects = await renderChart({ ...VALUE_SETS[name] }, fixture.namespace);
      expect(objects.length).toBeGreaterThan(2);
      for (const object of objects) {
        const { namespace } = object.metadata;
        const target = namespace === undefined || namespace === fixture.namespace ? namespace : manifests.name;
        await applyManifest(
          fixture.cluster,
          { ...object, metadata: { ...object.metadata, ...(target !== undefined && { namespace: target }) } },
          { dryRun: true },
        );
      }
    },
  );

  it('are pods that a namespace with the restricted Pod Security Standard admits', async () => {
    const restricted = `${fixture.namespace}-restricted`;
    const labels = { 'pod-security.kubernetes.io/enforce': 'restricted' };
    await api.expect('POST', '/api/v1/namespaces', { metadata: { name: restricted, labels } });
    const create = (name: string, spec: unknown) =>
      api.send('POST', `/api/v1/namespaces/${restricted}/pods?dryRun=All`, { metadata: { name }, spec });
    const unrestricted = { containers: [{ name: 'a', image: 'a' }] };
    expect((await create('unrestricted', unrestricted)).status).toBe(403);
    const pods = (await renderChart({ ...VALUE_SETS.defaults }, restricted)).filter(
      ({ kind }) => kind === 'Deployment',
    );
    expect(pods).toHaveLength(3);
    for (const { metadata, spec } of pods) {
      const { template } = spec as { template: KubernetesObject };
      expect((await create(metadata.name ?? '', template.spec)).body).toMatchObject({ kind: 'Pod' });
    }
    await api.expect('DELETE', `/api/v1/namespaces/${restricted}`);
  });
});

describe('a release of the chart', () => {
  it('is installed, upgraded, rolled back and uninstalled by Helm', async () => {
    const notes = await run(['install', 'sluice', CHART], { namespaces: [manifests.name] });
    expect(notes).toContain(`kubectl -n ${manifests.name} apply -f examples/water-bodies`);
    expect(notes).not.toContain('MISSING');
    const first = [
      'sluice-controller sluice:0.1.0 2',
      'sluice-event-source-worker sluice:0.1.0 1',
      'sluice-sensor-worker sluice:0.1.0 2',
    ];
    expect(await deployments()).toEqual(first);
    expect(
      await rulesOf(fixture.kubernetes, { namespace: fixture.namespace, name: 'sluice-controller' }, manifests.name),
    ).not.toEqual({});

    const checksum = async (): Promise<unknown> => {
      const { spec } = await fixture.read('deployments', 'sluice-controller', 'apps/v1');
      const { template } = spec as { template: { metadata: { annotations: Record<string, string> } } };
      return template.metadata.annotations['checksum/configuration'];
    };
    const before = await checksum();
    await run(['upgrade', 'sluice', CHART, '--reuse-values'], {
      image: { tag: '0.2.0' },
      sensor: { replicas: 4 },
      controller: { enabled: false },
      configuration: { SLUICE_LOG_LEVEL: 'debug' },
    });
    expect(await deployments()).toEqual([
      'sluice-event-source-worker sluice:0.2.0 1',
      'sluice-sensor-worker sluice:0.2.0 4',
    ]);
    expect((await fixture.read('configmaps', 'sluice-configuration', 'v1')).data).toMatchObject({ SLUICE_LOG_LEVEL: 'debug' }); // prettier-ignore

    await run(['rollback', 'sluice', '1']);
    expect(await deployments()).toEqual(first);
    expect(await checksum()).toBe(before);

    await run(['uninstall', 'sluice']);
    expect(await deployments()).toEqual([]);
    for (const namespace of [fixture.namespace, manifests.name]) {
      for (const path of [
        `/apis/rbac.authorization.k8s.io/v1/namespaces/${namespace}/roles`,
        `/apis/rbac.authorization.k8s.io/v1/namespaces/${namespace}/rolebindings`,
        `/api/v1/namespaces/${namespace}/serviceaccounts`,
        `/api/v1/namespaces/${namespace}/services`,
        `/api/v1/namespaces/${namespace}/secrets`,
      ]) {
        const { body } = await api.expect('GET', path);
        const { items } = body as { items: KubernetesObject[] };
        expect([path, items.map(({ metadata }) => metadata.name)]).toEqual([path, []]);
      }
    }
  });
});

const WORKFLOWS = {
  'argoproj.io/workflows': ['create', 'get', 'list', 'watch'],
  'argoproj.io/workflowtemplates': ['get'],
};
const READS = { configmaps: ['get'], secrets: ['get'] };
const KEEPS = {
  ...Object.fromEntries(
    ['eventbus', 'eventsources', 'sensors'].flatMap((plural) => [
      [`argoproj.io/${plural}`, ['list', 'watch']],
      [`argoproj.io/${plural}/status`, ['patch']],
    ]),
  ),
  events: ['create'],
  services: ['create', 'delete', 'get', 'patch'],
};

/** All rules of the three accounts in a namespace. */
async function rulesIn(namespace: string) {
  const of = (name: string) =>
    rulesOf(fixture.kubernetes, { namespace: fixture.namespace, name: `sluice-${name}` }, namespace);
  return {
    eventSource: await of('event-source-worker'),
    sensor: await of('sensor-worker'),
    controller: await of('controller'),
  };
}

const NONE = { eventSource: {}, sensor: {}, controller: {} };

describe('the rights of the chart’s service accounts', () => {
  afterEach(() => run(['uninstall', 'sluice']));

  it('are exactly what the workers use, in the namespaces of the manifests and nowhere else', async () => {
    await run(['install', 'sluice', CHART], { namespaces: [manifests.name] });
    expect(await rulesIn(manifests.name)).toEqual({
      eventSource: READS,
      sensor: { ...WORKFLOWS, ...READS },
      controller: KEEPS,
    });
    for (const other of [fixture.namespace, 'default', 'kube-system']) expect(await rulesIn(other)).toEqual(NONE);
  });

  it('are in the namespace of the release if no other is named', async () => {
    await run(['install', 'sluice', CHART]);
    expect(await rulesIn(fixture.namespace)).toEqual({
      eventSource: READS,
      sensor: { ...WORKFLOWS, ...READS },
      controller: KEEPS,
    });
    expect(await rulesIn(manifests.name)).toEqual(NONE);
  });

  it('are limited to the Secrets, and extended by the rules and accounts, that the values name', async () => {
    await run(['install', 'sluice', CHART], {
      rbac: { resourceNames: ['redis-auth'] },
      eventSource: { readerServiceAccounts: ['object-reader'] },
      sensor: {
        workflowOperations: true,
        triggerServiceAccounts: ['workflow-runner'],
        extraRules: [{ apiGroups: ['batch'], resources: ['jobs'], verbs: ['create', 'get'] }],
      },
    });
    const reads = { 'configmaps redis-auth': ['get'], 'secrets redis-auth': ['get'] };
    expect(await rulesIn(fixture.namespace)).toEqual({
      eventSource: { ...reads, 'serviceaccounts/token object-reader': ['create'] },
      sensor: {
        ...reads,
        ...WORKFLOWS,
        'argoproj.io/workflows': ['create', 'get', 'list', 'patch', 'update', 'watch'],
        'argoproj.io/cronworkflows': ['get'],
        pods: ['delete'],
        'serviceaccounts/token workflow-runner': ['create'],
        'batch/jobs': ['create', 'get'],
      },
      controller: KEEPS,
    });
  });

  it('are the same in every namespace of a cluster-wide install', async () => {
    await run(['install', 'sluice', CHART], { clusterWide: true });
    for (const namespace of [fixture.namespace, manifests.name, 'default']) {
      expect(await rulesIn(namespace)).toEqual({
        eventSource: READS,
        sensor: { ...WORKFLOWS, ...READS },
        controller: KEEPS,
      });
    }
  });
});
