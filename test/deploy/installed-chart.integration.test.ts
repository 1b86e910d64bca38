/**
 * From nothing to a Workflow: Helm installs the chart; controller and workers run as processes with the environment and
 * the service accounts that it gave them; everything else is what kubectl would send.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import Redis from 'ioredis';
import { parseAllDocuments } from 'yaml';
import type { ApiClient } from '../../dev/kubernetes/api-client';
import { repoRoot } from '../../dev/repo-root';
import type { JsonObject } from '../../src/event/json';
import type { StatusCondition } from '../../src/controller/object-conditions';
import { parseKubernetesObject, type KubernetesObject } from '../../src/kubernetes/kubernetes-object';
import { startClusterOfOne, type ClusterOfOne } from '../cli/cluster-of-one';
import { jsonOf } from '../cli/run-cli-for-test';
import { eventually } from '../setup/eventually';
import { createTestNamespace, type TestNamespace } from '../setup/test-namespace';
import { CHART } from './chart-values';
import { helm } from './helm';
import { startDeployment } from './started-deployment';

type StartedDeployment = Awaited<ReturnType<typeof startDeployment>>;

const WORKERS = ['sluice-controller', 'sluice-event-source-worker', 'sluice-sensor-worker'];
const PATHS: Readonly<Record<string, string>> = {
  EventBus: '/apis/argoproj.io/v1alpha1/*/eventbus',
  EventSource: '/apis/argoproj.io/v1alpha1/*/eventsources',
  Sensor: '/apis/argoproj.io/v1alpha1/*/sensors',
  Workflow: '/apis/argoproj.io/v1alpha1/*/workflows',
  WorkflowTemplate: '/apis/argoproj.io/v1alpha1/*/workflowtemplates',
  ConfigMap: '/api/v1/*/configmaps',
  Event: '/api/v1/*/events',
};

let cluster: ClusterOfOne;
let release: TestNamespace;
let api: ApiClient;
let redis: Redis;
let workers: readonly StartedDeployment[] = [];

beforeAll(async () => {
  // A server of its own: a controller of all namespaces owns everything in Temporal's.
  cluster = await startClusterOfOne({ temporal: { own: true } });
  release = await createTestNamespace(cluster.kubernetes, 'release');
  api = await cluster.kubernetes.connect();
  redis = new Redis(cluster.redis.url);
});
afterAll(async () => {
  await Promise.all(workers.map((worker) => worker.stop()));
  redis?.disconnect();
  api?.close();
  await release?.remove();
  await cluster?.stop();
});

/** The address of Redis is that of the example: a name which only a cluster knows. */
const values = (): JsonObject => ({
  temporal: { address: cluster.environment['TEMPORAL_ADDRESS'] ?? '' },
  nats: { url: cluster.nats.url },
  configuration: { SLUICE_HOST_ALIASES: `redis-service:6379=${cluster.redis.host}:${cluster.redis.port}` },
});

const runHelm = (args: readonly string[], given?: JsonObject): Promise<string> =>
  helm(args, {
    kubeconfigPath: cluster.kubernetes.kubeconfigPath,
    namespace: release.name,
    ...(given && { values: given }),
  });

async function startWorkers(): Promise<void> {
  workers = await Promise.all(WORKERS.map((name) => startDeployment(cluster.kubernetes, release.name, name)));
}

const pathOf = (kind: string, namespace: string): string => (PATHS[kind] ?? '').replace('*', `namespaces/${namespace}`);

async function list(kind: string, namespace = cluster.namespace.name): Promise<readonly KubernetesObject[]> {
  const { body } = await api.expect('GET', pathOf(kind, namespace));
  return (body as { items: KubernetesObject[] }).items;
}

const EXAMPLE = ['event-bus', 'event-source', 'sensor', 'workflow-template'].flatMap((file) =>
  parseAllDocuments(readFileSync(join(repoRoot, `examples/water-bodies/${file}.yaml`), 'utf8')).map((document) =>
    parseKubernetesObject(document.toJS(), file),
  ),
);

async function applyExample(namespace: string, labels: Readonly<Record<string, string>> = {}): Promise<void> {
  for (const object of EXAMPLE) {
    const labelled = { ...object, metadata: { ...object.metadata, labels } };
    // What the workers do not own is left from before.
    await api.expect('POST', pathOf(object.kind, namespace), labelled, [409]);
  }
}

async function conditions(kind: string, namespace = cluster.namespace.name): Promise<Record<string, string>> {
  const [object] = await list(kind, namespace);
  const found = (object?.status as { conditions?: StatusCondition[] } | undefined)?.conditions ?? [];
  return Object.fromEntries(found.map(({ type, status }) => [type, status]));
}

const isReady = (kind: string, namespace?: string) => async (): Promise<boolean> =>
  (await conditions(kind, namespace))['Ready'] === 'True';

const publishScene = (id: string): Promise<unknown> =>
  redis.xadd('stac-items', '*', 'subject', id, 'producer', 'test', 'href', `https://stac.example/items/${id}`);

/** The links that the Workflows were given. */
async function processed(namespace?: string): Promise<readonly string[]> {
  return (await list('Workflow', namespace))
    .map(({ spec }) => JSON.stringify(spec).match(/items\/(\w+)/)?.[1] ?? '')
    .sort();
}

async function listed(namespace = cluster.namespace.name): Promise<number> {
  const run = await cluster.sluice(['list', '-n', namespace, '-o', 'json']);
  return jsonOf<{ objects: unknown[] }>(run).objects.length;
}

async function replaceSensor(change: (sensor: string) => string): Promise<void> {
  const [sensor] = await list('Sensor');
  const path = `${pathOf('Sensor', cluster.namespace.name)}/${sensor?.metadata.name ?? ''}`;
  await api.expect('PUT', path, JSON.parse(change(JSON.stringify(sensor))));
}

describe('a release of the chart, for manifests in another namespace', () => {
  it('runs the water-bodies manifests: every condition is True, and a scene makes a Workflow', async () => {
    await runHelm(['install', 'sluice', CHART], { ...values(), namespaces: [cluster.namespace.name] });
    await startWorkers();
    await applyExample(cluster.namespace.name);
    for (const kind of ['EventBus', 'EventSource', 'Sensor']) await eventually(isReady(kind));
    expect(await conditions('Sensor')).toEqual({
      DependenciesProvided: 'True',
      TriggersProvided: 'True',
      EventBusProvided: 'True',
      Deployed: 'True',
      Ready: 'True',
    });
    await publishScene('first');
    await eventually(async () => (await processed()).join() === 'first');
  });

  it('reports a faulty change in the status, and the version before keeps running', async () => {
    await replaceSensor((text) => text.replace('"listed || announced"', '"listed || announce"'));
    await eventually(async () => (await conditions('Sensor'))['Ready'] === 'False');
    expect(await conditions('Sensor')).toMatchObject({ Deployed: 'False', Stalled: 'True' });
    await eventually(async () => (await list('Event')).some(({ reason }) => reason === 'InvalidSpec'));
    await publishScene('second');
    await eventually(async () => (await processed()).join() === 'first,second');
    await replaceSensor((text) => text.replace('"listed || announce"', '"listed || announced"'));
    await eventually(isReady('Sensor'));
  });

  it('ends what is deleted, and none of its accounts was refused anything', async () => {
    for (const kind of ['Sensor', 'EventSource', 'EventBus']) {
      for (const { metadata } of await list(kind)) {
        await api.expect('DELETE', `${pathOf(kind, cluster.namespace.name)}/${metadata.name ?? ''}`);
      }
    }
    await eventually(async () => (await listed()) === 0);
    for (const { logPath } of workers) {
      expect(readFileSync(logPath, 'utf8')).not.toMatch(/KUBERNETES_REFUSED|WORKER_RESTRICTED|forbidden/i);
    }
  });
});

describe('a cluster-wide release', () => {
  it('runs the objects of its class in any namespace, in a new one too, and keeps their buses apart', async () => {
    await Promise.all(workers.map((worker) => worker.stop()));
    workers = [];
    // Other tests have objects in this cluster.
    const ofClass = { 'sluice.io/class': release.name };
    await runHelm(['upgrade', 'sluice', CHART], {
      ...values(),
      clusterWide: true,
      controller: { class: release.name },
    });
    await startWorkers();
    await applyExample(cluster.namespace.name, ofClass);
    await eventually(isReady('Sensor'));
    const other = await createTestNamespace(cluster.kubernetes, 'other');
    try {
      await applyExample(other.name, ofClass);
      await eventually(isReady('Sensor', other.name));
      const before = await processed();
      await publishScene('third');
      // Both event sources are members of one consumer group, so one of them reads it.
      await eventually(
        async () =>
          [...(await processed()).filter((id) => !before.includes(id)), ...(await processed(other.name))].join() ===
          'third',
      );
      for (const namespace of [cluster.namespace.name, other.name]) {
        for (const kind of ['Sensor', 'EventSource', 'EventBus']) {
          await api.expect('DELETE', pathOf(kind, namespace));
        }
        await eventually(async () => (await listed(namespace)) === 0);
      }
    } finally {
      await other.remove();
    }
  });

  it('leaves nothing in the cluster when it is uninstalled', async () => {
    await runHelm(['uninstall', 'sluice']);
    for (const kind of ['clusterroles', 'clusterrolebindings']) {
      const selector = `labelSelector=app.kubernetes.io/managed-by%3DHelm`;
      const { body } = await api.expect('GET', `/apis/rbac.authorization.k8s.io/v1/${kind}?${selector}`);
      const { items } = body as { items: KubernetesObject[] };
      expect(items.filter(({ metadata }) => metadata.name?.startsWith(release.name))).toEqual([]);
    }
  });
});
