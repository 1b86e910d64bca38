import Redis from 'ioredis';
import type { Story } from '../../src/control/explain/story';
import { eventually } from '../setup/eventually';
import { startClusterOfOne, type ClusterOfOne } from './cluster-of-one';
import { jsonOf } from './run-cli-for-test';

interface Described {
  readonly problems: readonly string[];
  readonly stopped?: ReadonlyArray<{ readonly name: string; readonly code: string }>;
}

describe('a permanently stopped part', () => {
  let cluster: ClusterOfOne;
  let redis: Redis;
  beforeAll(async () => {
    cluster = await startClusterOfOne();
    redis = new Redis(cluster.redis.url);
    await cluster.startWorkers();
  });
  afterAll(async () => {
    redis?.disconnect();
    await cluster?.stop();
  });

  const bus = (name: string, extra = '') => `apiVersion: argoproj.io/v1alpha1
kind: EventBus
metadata: { name: ${name} }
spec: { jetstreamExotic: { url: '${cluster.nats.url}'${extra} } }
`;
  const sensor = () => `apiVersion: argoproj.io/v1alpha1
kind: Sensor
metadata: { name: scenes }
spec:
  eventBusName: strict
  dependencies: [{ name: item, eventSourceName: stac, eventName: items }]
  triggers: [{ template: { name: note, log: {} } }]
`;
  const describeObject = async (address: string) => {
    const run = await cluster.sluice(['status', address, '-o', 'json']);
    return { exitCode: run.exitCode, ...jsonOf<Described>(run) };
  };
  const stateOf = async (word: string) =>
    jsonOf<{ objects: ReadonlyArray<{ state: string }> }>(
      await cluster.sluice(['list', word, '-n', cluster.namespace.name, '-o', 'json']),
    ).objects.map(({ state }) => state);
  const apply = async (file: string) => {
    const run = await cluster.sluice(['apply', '-f', file, '--wait', '20s', '-o', 'json']);
    const { objects } = jsonOf<{ objects: ReadonlyArray<{ action: string; state: string; reason?: string }> }>(run);
    return { exitCode: run.exitCode, objects };
  };

  it('of a sensor is shown with its reason, also by explain, until the cause is repaired', async () => {
    const broken = await cluster.manifest('strict.yaml', bus('strict', ', tls: { enabled: true }'));
    const rest = await cluster.manifest(
      'rest.yaml',
      cluster.busDocument,
      cluster.sourceDocument({ items: 'STAC' }),
      sensor(),
    );
    expect((await apply(broken)).exitCode).toBe(0);
    const applied = await cluster.sluice(['apply', '-f', rest, '-o', 'json']);
    expect(applied.stdout).toContain('BUS_MISCONFIGURED');
    await eventually(async () => (await describeObject('sensor/scenes')).problems.length === 1);
    const described = await describeObject('sensor/scenes');
    expect(described).toMatchObject({ exitCode: 1, stopped: [{ name: 'listener 1', code: 'BUS_MISCONFIGURED' }] });
    const { exitCode, stdout } = await cluster.sluice(['status', 'sensor/scenes']);
    expect({ exitCode, said: stdout }).toEqual({
      exitCode: 1,
      said: expect.stringMatching(/Problem: listener 1 has stopped .*BUS_MISCONFIGURED.*tls.*apply it again/) as string,
    });
    expect(await stateOf('sensors')).toEqual(['Failed']);

    const id = await redis.xadd('STAC', '*', 'scene', '1');
    const key = `stac/items:STAC:${id}`;
    const story = () => cluster.sluice(['explain', key, '-n', cluster.namespace.name, '-o', 'json']);
    const waiting = await eventually(async () => {
      const { verdict } = jsonOf<Story>(await story());
      return verdict.state === 'pending' && verdict;
    });
    expect(waiting.summary).toMatch(/does not listen.*BUS_MISCONFIGURED.*waits on the bus/);

    const mended = await cluster.manifest('strict.yaml', bus('strict'));
    expect((await apply(mended)).objects.map(({ action }) => action)).toEqual(['configured', 'configured']);
    await eventually(async () => (await describeObject('sensor/scenes')).exitCode === 0);
    expect(await stateOf('sensors')).toEqual(['Ready']);
    await eventually(async () => jsonOf<Story>(await story()).verdict.state === 'succeeded');
  });

  it('of a source is shown with its reason, and restarted by applying it unchanged', async () => {
    await redis.multi().del('STAC').lpush('STAC', 'a list is no stream').exec();
    await eventually(async () => (await stateOf('sources')).includes('Failed'));
    const { exitCode, stdout } = await cluster.sluice(['status', 'source/stac']);
    expect(exitCode).toBe(1);
    expect(stdout).toMatch(/Problem: event items is not read: EVENT_SOURCE_MISCONFIGURED.*WRONGTYPE.*apply it again/);
    const file = await cluster.manifest('source.yaml', cluster.sourceDocument({ items: 'STAC' }));
    expect((await apply(file)).objects).toMatchObject([{ action: 'restarted', state: 'NotReady' }]);
    await redis.del('STAC');
    expect(await apply(file)).toMatchObject({ exitCode: 0, objects: [{ action: 'restarted', state: 'Ready' }] });
    expect(await describeObject('source/stac')).toMatchObject({ exitCode: 0, problems: [] });
    expect((await apply(file)).objects).toMatchObject([{ action: 'unchanged' }]);
  });
});
