import { Client, Connection } from '@temporalio/client';
import Redis from 'ioredis';
import { kubeconfigUser } from '../../src/kubernetes/kubeconfig-user';
import { eventually } from '../setup/eventually';
import { jsonOf } from './run-cli-for-test';
import { startClusterOfOne, type ClusterOfOne } from './cluster-of-one';

interface ApplyAnswer {
  readonly objects: ReadonlyArray<{
    readonly kind: string;
    readonly name: string;
    readonly action: string;
    readonly state?: string;
    readonly diff?: string;
  }>;
  readonly kubernetes: ReadonlyArray<{ readonly kind: string; readonly action: string }>;
}
interface ListAnswer {
  readonly objects: ReadonlyArray<{ readonly kind: string; readonly name: string; readonly state: string }>;
}

const OUTCOMES_WITH_PASSWORD =
  "sluice.io/outcome-redis: 'redis:6379', sluice.io/outcome-redis-password-secret: redis-auth/password";

describe('sluice apply and delete', () => {
  let cluster: ClusterOfOne;
  let bus: string;
  beforeAll(async () => {
    cluster = await startClusterOfOne();
    bus = busManifest();
  });
  afterAll(() => cluster?.stop());

  const busManifest = (maxAge = '1h') => `apiVersion: argoproj.io/v1alpha1
kind: EventBus
metadata: { name: default }
spec: { jetstreamExotic: { url: '${cluster.nats.url}', streamConfig: 'maxAge: ${maxAge}' } }
`;
  const source = (name: string, extra = '') => `apiVersion: argoproj.io/v1alpha1
kind: EventSource
metadata: { name: ${name} }
spec:
  redisStream:
    items: { hostAddress: '${cluster.redis.host}:${cluster.redis.port}', consumerGroup: g, streams: [${name}]${extra} }
`;
  const sensor = (name: string, trigger = 'note', busName = 'default') => `apiVersion: argoproj.io/v1alpha1
kind: Sensor
metadata: { name: ${name} }
spec:
  eventBusName: ${busName}
  dependencies: [{ name: item, eventSourceName: stac, eventName: items }]
  triggers: [{ template: { name: ${trigger}, log: {} } }]
`;

  async function actionsOf(argv: readonly string[]): Promise<Array<[string, string]>> {
    const run = await cluster.sluice([...argv, '-o', 'json']);
    return jsonOf<ApplyAnswer>(run).objects.map(({ kind, name, action }) => [`${kind}/${name}`, action]);
  }
  async function listed(): Promise<Array<[string, string]>> {
    const run = await cluster.sluice(['list', '-n', cluster.namespace.name, '-o', 'json']);
    return jsonOf<ListAnswer>(run).objects.map(({ kind, name, state }) => [`${kind}/${name}`, state]);
  }

  it.each<[string, () => string[], number, RegExp]>([
    [
      'one of several objects is invalid',
      () => [bus, source('stac', ", conumerGroup: 'g'")],
      1,
      /spec\.redisStream\.items\.conumerGroup/,
    ],
    ['the bus does not exist', () => [source('stac')], 1, /EventSource\/stac spec\.eventBusName/],
    [
      'a kind is not supported yet',
      () => [bus, sensor('s').replace('log: {}', 'pulsar: { url: u, topic: t }')],
      1,
      /Sensor\/s spec\.triggers\[0\]\.template\.pulsar/,
    ],
    [
      'a secret is missing',
      () => [bus, source('stac', ', password: { name: redis-auth, key: password }')],
      1,
      /EventSource\/stac spec\.redisStream\.items\.password.*redis-auth/s,
    ],
    [
      'a secret named by an annotation is missing',
      () => [bus, sensor('s').replace('name: s }', `name: s, annotations: { ${OUTCOMES_WITH_PASSWORD} } }`)],
      1,
      /Sensor\/s metadata\.annotations\["sluice\.io\/outcome-redis-password-secret"\].*redis-auth/s,
    ],
  ])('applies nothing when %s', async (_what, documents, exitCode, problem) => {
    const file = await cluster.manifest('wrong.yaml', ...documents());
    const run = await cluster.sluice(['apply', '-f', file]);
    expect({ exitCode: run.exitCode, stdout: run.stdout }).toEqual({ exitCode, stdout: '' });
    expect(run.stderr).toMatch(problem);
    expect(run.stderr).toContain(file);
    expect(await listed()).toEqual([]);
  });

  it('shows the changes in a dry run', async () => {
    const file = await cluster.manifest('all.yaml', sensor('scenes'), source('stac'), bus);
    expect(await actionsOf(['apply', '-f', file, '--dry-run'])).toEqual([
      ['EventBus/default', 'created'],
      ['EventSource/stac', 'created'],
      ['Sensor/scenes', 'created'],
    ]);
    expect(await listed()).toEqual([]);
  });

  it('applies without a worker, bus before source before sensor, and reports that no worker serves them', async () => {
    const file = await cluster.manifest('all.yaml', sensor('scenes'), source('stac'), bus);
    expect(await actionsOf(['apply', '-f', file])).toEqual([
      ['EventBus/default', 'created'],
      ['EventSource/stac', 'created'],
      ['Sensor/scenes', 'created'],
    ]);
    expect((await listed()).map(([name]) => name)).toEqual(['EventBus/default', 'EventSource/stac', 'Sensor/scenes']);
    const again = await cluster.sluice(['apply', '-f', file]);
    expect(again.exitCode).toBe(3);
    expect(again.stderr).toMatch(/keeps the task queue on which it was first applied.*\[WORKER_MISSING\]/s);
  });

  describe('with workers', () => {
    beforeAll(() => cluster.startWorkers());

    it('waits until sources read and sensors listen, and updates only changed objects', async () => {
      const file = await cluster.manifest('all.yaml', bus, source('stac'), sensor('scenes', 'other'));
      const run = await cluster.sluice(['apply', '-f', file, '--wait', '30s', '-o', 'json']);
      expect(run.exitCode).toBe(0);
      expect(jsonOf<ApplyAnswer>(run).objects).toMatchObject([
        { kind: 'EventBus', action: 'unchanged', state: 'Ready' },
        { kind: 'EventSource', action: 'unchanged', state: 'Ready' },
        { kind: 'Sensor', action: 'configured', state: 'Ready' },
      ]);
      expect((await listed()).map(([, state]) => state)).toEqual(['Ready', 'Ready', 'Ready']);
    });

    it('finds a bus that was applied before', async () => {
      const file = await cluster.manifest('sensor.yaml', sensor('second'));
      expect(await actionsOf(['apply', '-f', file])).toEqual([['Sensor/second', 'created']]);
    });

    it.each([[[]], [['--dry-run']]])('says that a named task queue does not move an object, %j', async (more) => {
      const file = await cluster.manifest('again.yaml', sensor('second'));
      const run = await cluster.sluice(['apply', '-f', file, '--sensor-task-queue', 'unpolled', ...more]);
      expect(run.exitCode).toBe(0);
      expect(run.stderr).toMatch(/Task queue "unpolled" is for new objects only; still on ".*": sensor .*second\./);
      expect((await cluster.sluice(['apply', '-f', file, ...more])).stderr).not.toContain('Task queue');
    });

    it('shows that no worker polls the task queue of a new bus', async () => {
      const file = await cluster.manifest('lonely.yaml', bus.replace('name: default', 'name: lonely'));
      const argv = ['apply', '-f', file, '--sensor-task-queue', 'unpolled', '-o', 'json'];
      expect(jsonOf(await cluster.sluice(argv))).toMatchObject({
        objects: [{ state: 'NoWorker', reason: 'no worker polls task queue "unpolled"' }],
      });
      expect((await cluster.sluice(['delete', 'bus/lonely', '--force'])).exitCode).toBe(0);
    });

    it('passes a changed bus to its sources and sensors', async () => {
      const file = await cluster.manifest('bus.yaml', busManifest('2h'));
      expect(await actionsOf(['apply', '-f', file])).toEqual([
        ['EventBus/default', 'configured'],
        ['EventSource/stac', 'configured'],
        ['Sensor/scenes', 'configured'],
        ['Sensor/second', 'configured'],
      ]);
    });

    it('changes the stream of a changed bus, and says in its answer and in the status what cannot be changed', async () => {
      const changed = bus.replace("'maxAge: 1h'", '"maxAge: 5h\\nretention: 1"');
      const file = await cluster.manifest('bus.yaml', changed);
      const answer = jsonOf<{ readonly objects: ReadonlyArray<{ readonly kind: string; readonly reason?: string }> }>(
        await cluster.sluice(['apply', '-f', file, '-o', 'json']),
      );
      const why = /its stream differs from the manifest: retention is limits, the manifest says interest/;
      expect(answer.objects.find(({ kind }) => kind === 'EventBus')?.reason).toMatch(why);
      const status = jsonOf<{ readonly problems: readonly string[] }>(
        await cluster.sluice(['status', 'bus/default', '-n', cluster.namespace.name, '-o', 'json']),
      );
      expect(status.problems).toEqual([expect.stringMatching(why)]);
      await cluster.sluice(['apply', '-f', await cluster.manifest('bus.yaml', busManifest('2h'))]);
      expect((await cluster.sluice(['status', 'bus/default', '-n', cluster.namespace.name])).stdout).not.toMatch(why);
    });

    it('passes a changed bus to a source later, if it had no worker when the bus changed', async () => {
      const queue = { SLUICE_EVENT_SOURCE_TASK_QUEUE: `later-${cluster.namespace.name}` };
      const late = await cluster.manifest('late.yaml', source('late'));
      expect((await cluster.sluice(['apply', '-f', late], { env: queue })).exitCode).toBe(0);
      const file = await cluster.manifest('bus.yaml', busManifest('3h'));
      const first = await cluster.sluice(['apply', '-f', file, '-o', 'json']);
      expect(first.exitCode).toBe(3);
      expect(first.stderr).toMatch(
        /Not finished: source \S+\/late: No worker answers .* earlier version of its event bus/,
      );
      expect(jsonOf<ApplyAnswer>(first).objects.map(({ name }) => name)).not.toContain('late');

      await cluster.startWorkers(queue);
      expect(await actionsOf(['apply', '-f', file])).toEqual([
        ['EventBus/default', 'unchanged'],
        ['EventSource/late', 'configured'],
      ]);
      expect(await actionsOf(['apply', '-f', file])).toEqual([['EventBus/default', 'unchanged']]);
      expect((await cluster.sluice(['delete', 'source/late'])).exitCode).toBe(0);
    });

    it('shows in a dry run how that which runs differs from the manifests, also for objects that only get another bus', async () => {
      const file = await cluster.manifest('bus.yaml', busManifest('4h'), sensor('scenes', 'renamed'));
      const run = await cluster.sluice(['apply', '-f', file, '--dry-run']);
      expect(run.stdout).toMatch(/^-\s+streamConfig: "?maxAge: 3h"?\n\+\s+streamConfig: "?maxAge: 4h"?$/m);
      expect(run.stdout).toMatch(/^-\s+name: other\n\+\s+name: renamed$/m);
      const { objects } = jsonOf<ApplyAnswer>(await cluster.sluice(['apply', '-f', file, '--dry-run', '-o', 'json']));
      expect(objects.map(({ kind, name, action, diff }) => [`${kind}/${name}`, action, diff !== undefined])).toEqual([
        ['EventBus/default', 'configured', true],
        ['EventSource/stac', 'configured', true],
        ['Sensor/scenes', 'configured', true],
        ['Sensor/second', 'configured', true],
      ]);
      const same = await cluster.manifest('bus.yaml', busManifest('3h'));
      expect((await cluster.sluice(['apply', '-f', same, '--dry-run'])).stdout).not.toMatch(/^[-+]/m);
    });

    it('keeps in the history who applied or deleted an object, and why', async () => {
      const file = await cluster.manifest('noted.yaml', source('noted'));
      const history = async () => {
        const connection = await Connection.connect({ address: cluster.environment['TEMPORAL_ADDRESS'] });
        const handle = new Client({ connection }).workflow.getHandle(`event-source/${cluster.namespace.name}/noted`);
        const found = JSON.stringify(await handle.fetchHistory());
        await connection.close();
        const payloads = [...found.matchAll(/"data":"([^"]+)"/g)];
        return payloads.map(([, data = '']) => Buffer.from(data, 'base64').toString()).join('\n');
      };
      expect((await cluster.sluice(['apply', '-f', file, '--by', 'ada', '--why', 'new catalogue'])).exitCode).toBe(0);
      expect(await history()).toContain('"request":{"by":"ada","why":"new catalogue","annotations":{}}');
      const changed = await cluster.manifest(
        'noted.yaml',
        source('noted').replace('consumerGroup: g', 'consumerGroup: h'),
      );
      expect((await cluster.sluice(['apply', '-f', changed, '--by', 'grace'])).exitCode).toBe(0);
      const { applied } = jsonOf<{ applied: object }>(await cluster.sluice(['status', 'source/noted', '-o', 'json']));
      expect(applied).toMatchObject({ by: 'grace', why: 'sluice apply' });
      const shown = await cluster.sluice(['status', 'source/noted', '--manifest']);
      const running = await cluster.manifest('running.yaml', shown.stdout);
      expect(shown.stdout).toContain('consumerGroup: h');
      expect(await actionsOf(['apply', '-f', running])).toEqual([['EventSource/noted', 'unchanged']]);
      await cluster.sluice(['delete', 'source/noted', '--why', 'replaced']);
      const user = kubeconfigUser(cluster.environment);
      expect(user).toBeDefined();
      expect(await history()).toContain(JSON.stringify({ by: user, why: 'replaced' }));
    });

    it('accepts a source once its secret exists', async () => {
      const { name, api } = cluster.namespace;
      const metadata = { name: 'redis-auth' };
      await api.expect('POST', `/api/v1/namespaces/${name}/secrets`, { metadata, stringData: { password: 'p' } });
      const file = await cluster.manifest(
        'secret.yaml',
        source('other', ', password: { name: redis-auth, key: password }'),
      );
      expect((await cluster.sluice(['apply', '-f', file])).exitCode).toBe(0);
      expect((await cluster.sluice(['delete', 'source/other'])).exitCode).toBe(0);
    });

    it('ignores other objects, or applies them to Kubernetes with --kubernetes', async () => {
      const file = await cluster.manifest(
        'map.yaml',
        'apiVersion: v1\nkind: ConfigMap\nmetadata: { name: areas }\ndata: { a: b }\n',
      );
      const path = `/api/v1/namespaces/${cluster.namespace.name}/configmaps/areas`;
      expect((await cluster.sluice(['apply', '-f', file])).stderr).toContain('ConfigMap/areas');
      await cluster.namespace.api.expect('GET', path, undefined, [404]);
      const apply = () => cluster.sluice(['apply', '-f', file, '--kubernetes', '-o', 'json']);
      expect(jsonOf<ApplyAnswer>(await apply()).kubernetes).toMatchObject([{ kind: 'ConfigMap', action: 'created' }]);
      expect(jsonOf<ApplyAnswer>(await apply()).kubernetes).toMatchObject([{ kind: 'ConfigMap', action: 'unchanged' }]);
      await cluster.namespace.api.expect('GET', path);
    });

    it('pauses and resumes, and shows by, why and the backlog', async () => {
      const status = async <T = Record<string, unknown>>() =>
        jsonOf<T>(await cluster.sluice(['status', 'sensor', 'scenes', '-o', 'json']));
      expect((await cluster.sluice(['pause', 'sensor/scenes', '--why', 'upgrade', '--by', 'ada'])).exitCode).toBe(0);
      expect(await status()).toMatchObject({ paused: { by: 'ada', why: 'upgrade' }, lag: 0 });
      // Pausing reaches the listener with its next heartbeat.
      await eventually(async () => !JSON.stringify((await status())['activities']).includes('sluiceListen'));
      const redis = new Redis(cluster.redis.url);
      for (const item of ['a', 'b', 'c']) await redis.xadd('stac', '*', 'item', item);
      redis.disconnect();
      await eventually(async () => (await status())['lag'] === 3);
      expect((await cluster.sluice(['resume', 'sensor/scenes', '--why', 'done'])).exitCode).toBe(0);
      expect(await status()).not.toHaveProperty('paused');
      await eventually(async () => (await status<{ counts: { consumed: number } }>()).counts.consumed === 3);
      expect((await cluster.sluice(['pause', 'sensor/scenes'])).exitCode).toBe(2);
    });

    it('shows the backlog of a paused source, and that it is read after resume', async () => {
      const ask = async () =>
        jsonOf<{
          readonly events: ReadonlyArray<{ state: string; unread: string; backlog?: { entries: number } }>;
          readonly activities: ReadonlyArray<{ type: string }>;
        }>(await cluster.sluice(['status', 'source/stac', '-o', 'json']));
      const eventsOf = async () => (await ask()).events;
      expect((await cluster.sluice(['pause', 'source/stac', '--why', 'upgrade'])).exitCode).toBe(0);
      // Pausing reaches the reader with its next heartbeat.
      await eventually(async () => (await ask()).activities.every(({ type }) => type === 'sluiceWatchBacklog'));
      await eventually(async () => (await eventsOf())[0]?.backlog?.entries === 0);
      const redis = new Redis(cluster.redis.url);
      for (let item = 0; item < 25; item += 1) await redis.xadd('stac', '*', 'item', item);
      redis.disconnect();
      await eventually(async () => (await eventsOf())[0]?.backlog?.entries === 25);
      expect(await eventsOf()).toMatchObject([{ state: 'Paused', unread: 'wait' }]);
      expect((await cluster.sluice(['status', 'source/stac'])).stdout).toMatch(/items +redisStream +Paused +25, /);
      expect((await cluster.sluice(['resume', 'source/stac', '--why', 'done'])).exitCode).toBe(0);
      await eventually(async () => {
        const [event] = await eventsOf();
        return event?.state === 'Reading' && event.backlog?.entries === 0;
      });
      const counts = async () =>
        jsonOf<{ counts: { consumed: number } }>(await cluster.sluice(['status', 'sensor/scenes', '-o', 'json']));
      await eventually(async () => (await counts()).counts.consumed === 28);
    });

    it('shows the reads of a source and the dependencies a sensor waits for', async () => {
      expect(jsonOf(await cluster.sluice(['status', 'source/stac', '-o', 'json']))).toMatchObject({
        kind: 'EventSource',
        bus: 'default',
        events: [{ name: 'items', kind: 'redisStream', state: 'Reading' }],
        activities: [{ type: 'sluiceRelayEvents' }],
      });
      expect(jsonOf(await cluster.sluice(['status', 'sensor/scenes', '-o', 'json']))).toMatchObject({
        triggers: [{ name: 'other', joined: false }],
        counts: { consumed: expect.any(Number) as number, failed: 0 },
      });
      expect((await cluster.sluice(['status', 'sensor/unknown'])).stderr).toContain('[OBJECT_UNKNOWN]');
    });

    it('shows several objects, and the others if one is unknown', async () => {
      const shown = await cluster.sluice(['status', 'sensor/scenes', 'source/stac']);
      expect(shown).toMatchObject({ exitCode: 0, stderr: '' });
      expect(shown.stdout).toMatch(/^sensor .*scenes on bus.*\n[^]*^source .*stac on bus/m);
      const argv = ['status', 'source/unknown', 'bus/default', 'source/stac', '-o', 'json'];
      const partial = await cluster.sluice(argv);
      expect(partial.exitCode).not.toBe(0);
      expect(partial.stderr).toContain('[OBJECT_UNKNOWN]');
      expect(jsonOf(partial)).toMatchObject({ objects: [{ name: 'default' }, { name: 'stac' }] });
    });

    it('prints manifests of several objects that can be applied again', async () => {
      const printed = await cluster.sluice(['status', 'sensor/scenes', 'source/stac', '--manifest', '-o', 'json']);
      const file = await cluster.manifest('running.json', printed.stdout);
      expect(await actionsOf(['apply', '-f', file])).toEqual([
        ['EventSource/stac', 'unchanged'],
        ['Sensor/scenes', 'unchanged'],
      ]);
      const text = await cluster.sluice(['status', 'source', 'stac', '--manifest']);
      const both = await cluster.sluice(['status', 'sensor/scenes', 'source/stac', '--manifest']);
      expect(both.stdout.split('---\n')[1]).toBe(text.stdout);
    });

    it('pauses and resumes several objects', async () => {
      const all = ['source/stac', 'sensor/scenes'];
      const paused = await cluster.sluice(['pause', ...all, '--why', 'upgrade', '-o', 'name']);
      expect(paused).toMatchObject({ exitCode: 0, stdout: 'source/stac\nsensor/scenes\n' });
      expect(jsonOf(await cluster.sluice(['status', ...all, '-o', 'json']))).toMatchObject({
        objects: [{ paused: { why: 'upgrade' } }, { paused: { why: 'upgrade' } }],
      });
      const resumed = await cluster.sluice(['resume', ...all, 'sensor/unknown', '--why', 'done', '-o', 'json']);
      expect(resumed.stderr).toContain('[OBJECT_UNKNOWN]');
      expect(jsonOf(resumed)).toMatchObject({ objects: [{ action: 'resumed' }, { action: 'resumed' }] });
    });

    it('rejects deleting a bus in use', async () => {
      const run = await cluster.sluice(['delete', 'bus', 'default']);
      expect(run.exitCode).toBe(1);
      expect(run.stderr).toMatch(/sensor\/scenes.*\[OBJECT_IN_USE\]/s);
    });

    it('reports the events that a deleted sensor will not fire, and how to include them', async () => {
      const file = await cluster.manifest('third.yaml', sensor('third'), sensor('fourth'));
      expect((await cluster.sluice(['apply', '-f', file])).exitCode).toBe(0);
      const { exitCode, stderr } = await cluster.sluice(['delete', 'sensor', 'third', 'fourth']);
      expect(exitCode).toBe(0);
      expect(stderr).toMatch(/third, sensor .*fourth had not handled.*sluice\.io\/start-from: "\d{4}-/s);
    });

    it('deletes sensors before sources before buses, and accepts missing objects with --ignore-not-found', async () => {
      const file = await cluster.manifest('all.yaml', bus, source('stac'), sensor('scenes'), sensor('second'));
      expect(await actionsOf(['delete', '-f', file])).toEqual([
        ['Sensor/scenes', 'deleted'],
        ['Sensor/second', 'deleted'],
        ['EventSource/stac', 'deleted'],
        ['EventBus/default', 'deleted'],
      ]);
      expect((await cluster.sluice(['delete', '-f', file])).exitCode).toBe(1);
      expect((await cluster.sluice(['delete', '-f', file, '--ignore-not-found'])).exitCode).toBe(0);
      expect((await cluster.sluice(['delete', 'sensor/scenes'])).stderr).toContain('[OBJECT_UNKNOWN]');
    });
  });

  it.each([
    ['list', ['list']],
    ['setup', ['setup', '--check']],
  ])('%s reports that Temporal is unreachable, with the address', async (_name, argv) => {
    const run = await cluster.sluice([...argv, '--address', '127.0.0.1:1']);
    expect(run.exitCode).toBe(3);
    expect(run.stderr).toMatch(/127\.0\.0\.1:1.*\[TEMPORAL_UNREACHABLE\]/s);
  });

  it('reports whether a namespace is prepared', async () => {
    expect((await cluster.sluice(['setup', '--check'])).exitCode).toBe(0);
    const run = await cluster.sluice(['setup', '--check', '--temporal-namespace', 'nowhere']);
    expect(run.exitCode).toBe(3);
    expect(run.stderr).toContain('nowhere');
  });
});
