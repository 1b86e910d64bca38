import Redis from 'ioredis';
import type { KubernetesObject } from '../../src/kubernetes/kubernetes-object';
import type { Plan, PlanStep } from '../../src/migration/plan';
import { jsonOf } from '../cli/run-cli-for-test';
import { connectArgoEvents, type ArgoEventsOnBus } from '../setup/argo-events-sensor';
import { eventually } from '../setup/eventually';
import { deployment, startArgoCluster, type ArgoCluster } from './argo-cluster';

const APPS = '/apis/apps/v1';
const ARGO = '/apis/argoproj.io/v1alpha1';
const GROUP = 'argo-events-cg';
const STREAM = 'scenes';
const SENSOR = 'scenes';

describe('moving a cluster from Argo Events', () => {
  let cluster: ArgoCluster;
  let argo: ArgoEventsOnBus;
  let redis: Redis;
  let plan: Plan;
  let namespace: string;

  beforeAll(async () => {
    cluster = await startArgoCluster();
    namespace = cluster.namespace.name;
    argo = await connectArgoEvents(cluster.nats);
    redis = new Redis(cluster.redis.url);
    await cluster.startWorkers();
    await cluster.startController({ SLUICE_CONTROLLER_CLASS: 'sluice', SLUICE_SERVICE_SELECTOR: 'app=sluice' });
    await install();
  });
  afterAll(async () => {
    redis?.disconnect();
    await argo?.close();
    await cluster?.stop();
  });

  const sluice = (...words: readonly string[]) => cluster.sluice(['migrate', ...words, '-n', namespace]);
  const step = (id: string): PlanStep => {
    const found = plan.steps.find((each) => each.id === id);
    if (found === undefined) throw new Error(`no step ${id} among ${plan.steps.map((each) => each.id).join(', ')}`);
    return found;
  };
  const run = (id: string): Promise<string> => cluster.script(step(id).run);
  const back = (id: string): Promise<string> => cluster.script(step(id).back);
  const places = async (): Promise<readonly string[]> =>
    (await cluster.workflows()).map(({ metadata, spec }) => {
      const system = metadata.annotations?.['sluice.io/fire-id'] === undefined ? 'argo' : 'sluice';
      return `${system} ${placeOf({ spec })}`;
    });

  /** What a user of Argo Events has, and what its controller made. */
  async function install(): Promise<void> {
    const object = (kind: string, name: string, spec: object): object => ({
      apiVersion: 'argoproj.io/v1alpha1',
      kind,
      metadata: { name },
      spec,
    });
    await cluster.create(
      ARGO,
      'eventbus',
      object('EventBus', 'default', { jetstreamExotic: { url: cluster.nats.url } }),
    );
    const managed = await cluster.create(
      ARGO,
      'eventbus',
      object('EventBus', 'managed', { jetstream: { version: '2.10.10', replicas: 1 } }),
    );
    const hooks = await cluster.create(
      ARGO,
      'eventsources',
      object('EventSource', 'hooks', {
        service: { ports: [{ port: 12000, targetPort: 12000 }] },
        webhook: { push: { endpoint: '/push', port: String(20_000 + (process.pid % 10_000)), method: 'POST' } },
      }),
    );
    const redisStream = { items: { hostAddress: `${cluster.redis.host}:${cluster.redis.port}`, streams: [STREAM] } };
    await cluster.create(ARGO, 'eventsources', object('EventSource', 'stac', { redisStream }));
    const nsq = { jobs: { hostAddress: 'nsqlookupd:4161', topic: 'jobs', channel: 'sluice' } };
    await cluster.create(ARGO, 'eventsources', object('EventSource', 'queue', { nsq }));
    await cluster.create(ARGO, 'sensors', object('Sensor', SENSOR, sensorSpec()));
    for (const name of ['hooks', 'stac', 'queue']) await cluster.deploy('eventsource', name);
    await cluster.deploy('sensor', SENSOR);
    await cluster.create(
      APPS,
      'deployments',
      deployment('controller-manager', { app: 'argo' }, ['controller', '--namespaced']),
    );
    await cluster.create('/api/v1', 'services', {
      metadata: { name: 'hooks-eventsource-svc', ownerReferences: [owner(hooks)] },
      spec: {
        selector: { controller: 'eventsource-controller', 'eventsource-name': 'hooks' },
        ports: [{ port: 12000 }],
      },
    });
    await cluster.create('/api/v1', 'services', {
      metadata: { name: 'public-hooks' },
      spec: { selector: { 'eventsource-name': 'hooks' }, ports: [{ port: 80, targetPort: 12000 }] },
    });
    const labels = { app: 'eventbus-managed-js' };
    await cluster.create(APPS, 'statefulsets', {
      metadata: { name: 'eventbus-managed-js', ownerReferences: [owner(managed)] },
      spec: {
        serviceName: 'eventbus-managed-js-svc',
        selector: { matchLabels: labels },
        template: { metadata: { labels }, spec: { containers: [{ name: 'main', image: 'nats:2.10.10' }] } },
      },
    });
    await cluster.create('/api/v1', 'secrets', {
      metadata: { name: 'eventbus-managed-js-client-auth', ownerReferences: [owner(managed)] },
    });
    await redis.xgroup('CREATE', STREAM, GROUP, '$', 'MKSTREAM');
    await argo.listen(SENSOR, 'make', 'item', 'stac.items');
  }

  /** As the pods of Argo Events take an entry of the stream to a Workflow. */
  async function handledByArgo(place: string): Promise<void> {
    const id = await redis.xadd(STREAM, '*', 'place', place);
    await redis.xreadgroup('GROUP', GROUP, 'argo-events-worker', 'STREAMS', STREAM, '>');
    await argo.publish('stac', 'items', { stream: STREAM, message_id: id, values: { place } });
    if (id !== null) await redis.xack(STREAM, GROUP, id);
    await argo.handle(SENSOR, 'make', 'item', 1);
    await createdByArgo(place);
  }

  const createdByArgo = (place: string): Promise<KubernetesObject> =>
    cluster.create(ARGO, 'workflows', {
      apiVersion: 'argoproj.io/v1alpha1',
      kind: 'Workflow',
      metadata: {
        generateName: 'scene-',
        labels: {
          'events.argoproj.io/sensor': SENSOR,
          'events.argoproj.io/trigger': 'make',
          'events.argoproj.io/action-timestamp': String(Date.now()),
        },
      },
      spec: { entrypoint: 'main', arguments: { parameters: [{ name: 'place', value: place }] } },
    });

  it('lists which objects run here, which stay and why, and who keeps NATS running', async () => {
    const inventory = await sluice('inventory', '-o', 'json');
    expect(inventory.exitCode).toBe(1);
    const { objects, buses, services, controllers } = jsonOf<{
      objects: Array<{ kind: string; name: string; verdict: string; runsIn: string; problems: unknown[] }>;
      buses: unknown[];
      services: unknown[];
      controllers: unknown[];
    }>(inventory);
    expect(objects.map(({ kind, name, verdict, runsIn }) => `${kind}/${name} ${verdict} ${runsIn}`)).toEqual([
      'EventBus/default same neither',
      'EventBus/managed same argo-events',
      'EventSource/hooks same argo-events',
      'EventSource/queue stays argo-events',
      'EventSource/stac same argo-events',
      'Sensor/scenes same argo-events',
    ]);
    expect(objects.find(({ name }) => name === 'queue')?.problems).toHaveLength(1);
    expect(buses).toEqual([
      expect.objectContaining({ name: 'default', natsOf: 'owner', parts: [] }),
      expect.objectContaining({
        name: 'managed',
        natsOf: 'argo-events',
        parts: ['StatefulSet/eventbus-managed-js', 'Secret/eventbus-managed-js-client-auth'],
      }),
    ]);
    expect(services).toEqual([
      { namespace, name: 'hooks-eventsource-svc', eventSource: 'hooks', isTakenOver: true },
      { namespace, name: 'public-hooks', eventSource: 'hooks', isTakenOver: false },
    ]);
    expect(controllers).toEqual([{ namespace, name: 'controller-manager', replicas: 1, managedNamespace: namespace }]);
    const { stdout } = await sluice('inventory');
    expect(stdout).toContain('EventSource/queue');
    expect(stdout).toContain('nsq');
  });

  it('compares what Argo Events created with what Sluice would create, before anything moves', async () => {
    for (const place of ['athens', 'bergen', 'calais']) await handledByArgo(place);
    const compared = await eventually(async () => {
      const check = await sluice('check', `sensor/${SENSOR}`, '-o', 'json');
      return check.stdout.includes('"same": 3') && check;
    });
    expect(compared.exitCode).toBe(0);
    const wrong = await createdByArgo('dover');
    const check = await sluice('check', `sensor/${SENSOR}`);
    expect(check.exitCode).toBe(1);
    expect(check.stdout).toContain(
      `only Argo Events: Workflow ${namespace}/${wrong.metadata.name ?? ''} (trigger make)`,
    );
    await cluster.namespace.api.expect(
      'DELETE',
      `${ARGO}/namespaces/${namespace}/workflows/${wrong.metadata.name ?? ''}`,
    );
  });

  it('plans one step for each object that moves, and warns of those that do not', async () => {
    plan = jsonOf<Plan>(await sluice('plan', '-o', 'json'));
    expect(plan.steps.map(({ id }) => id)).toEqual([
      'install',
      `compare/${namespace}/scenes`,
      `controller/${namespace}/controller-manager`,
      `eventbus/${namespace}/default`,
      `eventbus/${namespace}/managed`,
      `sensor/${namespace}/scenes`,
      `eventsource/${namespace}/hooks`,
      `eventsource/${namespace}/stac`,
      `nats/${namespace}/managed`,
      'definitions',
    ]);
    expect(plan.cautions).toEqual([
      expect.stringContaining(`EventSource ${namespace}/queue does not run here`),
      expect.stringContaining(`Service ${namespace}/public-hooks`),
    ]);
    const { stdout, exitCode } = await sluice('plan');
    expect(exitCode).toBe(0);
    expect(stdout).toContain(`     $ kubectl scale -n ${namespace} deployment/controller-manager --replicas=0`);
  });

  it('moves a sensor without losing or repeating an event that came in between', async () => {
    await run(`compare/${namespace}/scenes`);
    await run(`controller/${namespace}/controller-manager`);
    await run(`eventbus/${namespace}/default`);
    await run(`eventbus/${namespace}/managed`);
    // Between the end of the one and the start of the other.
    await argo.publish('stac', 'items', { stream: STREAM, message_id: '1-1', values: { place: 'emden' } });
    await run(`sensor/${namespace}/scenes`);
    await eventually(async () => (await places()).includes('sluice emden'));
    expect([...(await places())].sort()).toEqual(['argo athens', 'argo bergen', 'argo calais', 'sluice emden']);
    const controller = await cluster.read(APPS, 'deployments', 'controller-manager');
    expect(controller.spec).toMatchObject({ replicas: 0 });
  });

  it('moves a Redis stream at the position of its group, with what a pod of Argo Events had left pending', async () => {
    await redis.xadd(STREAM, '*', 'place', 'faro');
    await redis.xreadgroup('GROUP', GROUP, 'argo-events-worker', 'STREAMS', STREAM, '>');
    await redis.xadd(STREAM, '*', 'place', 'gdansk');
    const pending = await redis.xpending(STREAM, GROUP, '-', '+', 10);
    await cluster.script(step(`eventsource/${namespace}/stac`).run.slice(0, -1));
    await eventually(async () => (await places()).includes('sluice gdansk'));
    // A consumer that died is known by its silence.
    const id = Array.isArray(pending[0]) ? String(pending[0][0]) : '';
    await redis.call('XCLAIM', STREAM, GROUP, 'argo-events-worker', '0', id, 'IDLE', '60000', 'JUSTID');
    await eventually(async () => (await places()).includes('sluice faro'));
    expect((await places()).filter((place) => place.startsWith('sluice')).sort()).toEqual([
      'sluice emden',
      'sluice faro',
      'sluice gdansk',
    ]);
    expect(await run(`eventsource/${namespace}/stac`)).toContain('no difference');
  });

  it('takes over the Service of a webhook before the pods of Argo Events stop', async () => {
    await run(`eventsource/${namespace}/hooks`);
    const service = await cluster.read('/api/v1', 'services', 'hooks-eventsource-svc');
    expect(service.spec).toMatchObject({ selector: { app: 'sluice' } });
    const deployed = await cluster.read(APPS, 'deployments', 'hooks-eventsource-x7f2k');
    expect(deployed.spec).toMatchObject({ replicas: 0 });
  });

  it('keeps the NATS that the controller of Argo Events made when its EventBus is deleted', async () => {
    await run(`nats/${namespace}/managed`);
    for (const [root, plural, name] of [
      [APPS, 'statefulsets', 'eventbus-managed-js'],
      ['/api/v1', 'secrets', 'eventbus-managed-js-client-auth'],
    ] as const)
      expect((await cluster.read(root, plural, name)).metadata.ownerReferences).toBeUndefined();
    await cluster.script(step('definitions').run.map((line) => `${line} --dry-run=server`));
  });

  it('finds no difference once everything has moved', async () => {
    const check = await sluice('check');
    expect(check.stdout).not.toContain('✗');
    expect(check.exitCode).toBe(0);
    const { objects } = jsonOf<{ objects: Array<{ name: string; runsIn: string }> }>(
      await sluice('inventory', '-o', 'json'),
    );
    expect(objects.map(({ name, runsIn }) => `${name} ${runsIn}`)).toEqual([
      'default sluice',
      'managed sluice',
      'hooks sluice',
      'queue argo-events',
      'stac sluice',
      'scenes sluice',
    ]);
  });

  it('goes back: Argo Events continues exactly after what Sluice handled', async () => {
    expect(await argo.pending(SENSOR, 'make', 'item')).toBe(3);
    const held = await redis.xadd(STREAM, '*', 'place', 'hamina');
    await eventually(async () => (await places()).includes('sluice hamina'));
    await back(`eventsource/${namespace}/stac`);
    expect(held).not.toBeNull();
    await back(`sensor/${namespace}/scenes`);
    expect(await argo.pending(SENSOR, 'make', 'item')).toBe(0);
    await handledByArgo('izmir');
    expect((await places()).filter((place) => place.endsWith('izmir'))).toEqual(['argo izmir']);
    const sensor = await cluster.read(APPS, 'deployments', `${SENSOR}-sensor-x7f2k`);
    expect(sensor.spec).toMatchObject({ replicas: 1 });
    await back(`controller/${namespace}/controller-manager`);
  });

  it('refuses to go back a second time, when there is no position left', async () => {
    const { exitCode, stderr } = await sluice('back', `sensor/${SENSOR}`);
    expect(exitCode).toBe(1);
    expect(stderr).toContain('has no position of Sluice on the bus');
  });
});

function sensorSpec(): object {
  return {
    dependencies: [{ name: 'item', eventSourceName: 'stac', eventName: 'items' }],
    triggers: [
      {
        template: {
          name: 'make',
          k8s: {
            operation: 'create',
            source: {
              resource: {
                apiVersion: 'argoproj.io/v1alpha1',
                kind: 'Workflow',
                metadata: { generateName: 'scene-' },
                spec: { entrypoint: 'main', arguments: { parameters: [{ name: 'place', value: 'nowhere' }] } },
              },
            },
            parameters: [
              { src: { dependencyName: 'item', dataKey: 'values.place' }, dest: 'spec.arguments.parameters.0.value' },
            ],
          },
        },
      },
    ],
  };
}

function placeOf({ spec }: Pick<KubernetesObject, 'spec'>): string {
  const { arguments: given } = spec as { arguments: { parameters: Array<{ value: string }> } };
  return given.parameters[0]?.value ?? '';
}

function owner({ apiVersion, kind, metadata: { name, uid } }: KubernetesObject): object {
  return { apiVersion, kind, name, uid, controller: true };
}
