/** An update from a version whose tenants shared one stream, with events on it and sensors in the midst of them. */
import Redis from 'ioredis';
import { startClusterOfOne, type ClusterOfOne } from '../cli/cluster-of-one';
import { jsonOf } from '../cli/run-cli-for-test';
import { FormerBus } from '../bus/former-bus';
import { sampleEvent } from '../bus/bus-fixture';
import type { CloudEvent } from '../../src/event/cloud-event';
import { eventually } from '../setup/eventually';
import { startHttpRecorder, type HttpRecorder } from '../setup/http-recorder';

const HANDLED_BEFORE = 4;
const PATIENCE = { timeoutMs: 60_000 };

describe('events on the stream of an earlier version', () => {
  let cluster: ClusterOfOne;
  let receiver: HttpRecorder;
  let former: FormerBus;
  let redis: Redis;
  let file: string;

  beforeAll(async () => {
    [cluster, receiver] = await Promise.all([startClusterOfOne({ namesBus: true }), startHttpRecorder()]);
    redis = new Redis(cluster.redis.url);
    former = await FormerBus.open(cluster.nats, cluster.namespace.name);
    file = await cluster.manifest('all.yaml', manifests());
  });
  afterAll(async () => {
    await cluster.sluice(['delete', '-f', file]);
    redis?.disconnect();
    await former?.close();
    await receiver?.close();
    await cluster?.stop();
  });

  const stream = (name: string) =>
    `{ hostAddress: '${cluster.redis.host}:${cluster.redis.port}', consumerGroup: g, streams: [${name}] }`;
  const manifests = () => `apiVersion: argoproj.io/v1alpha1
kind: EventBus
metadata: { name: default }
spec: { jetstream: { version: latest, streamConfig: 'replicas: 1' } }
---
apiVersion: argoproj.io/v1alpha1
kind: EventSource
metadata: { name: stac }
spec: { redisStream: { items: ${stream('ITEMS')}, others: ${stream('OTHERS')} } }
---
apiVersion: argoproj.io/v1alpha1
kind: Sensor
metadata: { name: plain }
spec:
  dependencies: [{ name: item, eventSourceName: stac, eventName: items }]
  triggers:
    - template:
        name: post
        http:
          url: ${receiver.url}/plain
          method: POST
          payload: [{ src: { dependencyName: item, dataKey: values.n }, dest: item }]
---
apiVersion: argoproj.io/v1alpha1
kind: Sensor
metadata: { name: pairs, annotations: { sluice.io/keep: all } }
spec:
  dependencies:
    - { name: item, eventSourceName: stac, eventName: items }
    - { name: other, eventSourceName: stac, eventName: others }
  triggers:
    - template:
        name: post
        conditions: item && other
        http:
          url: ${receiver.url}/pairs
          method: POST
          payload:
            - { src: { dependencyName: item, dataKey: values.n }, dest: item }
            - { src: { dependencyName: other, dataKey: values.n }, dest: other }
`;
  const event = (subject: string, n: number): CloudEvent =>
    sampleEvent(`${subject}:old-${n}`, { subject, data: { values: { n: `${n}` } } });
  const numbers = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, index) => from + index);
  const items = () => receiver.requests('/plain').map(({ body }) => Number(body['item']));
  const pairs = () => receiver.requests('/pairs').map(({ body }) => [Number(body['item']), Number(body['other'])]);
  const sluice = (...words: readonly string[]) => cluster.sluice([...words, '-n', cluster.namespace.name]);

  it('are all handled once, and join in their order with those that come after the update', async () => {
    await former.listen('plain', 'stac.items');
    await former.listen('pairs', 'stac.items', 'stac.others');
    for (const n of numbers(1, 10)) await former.publish(event('items', n));
    for (const n of numbers(1, 6)) await former.publish(event('others', n));
    await former.handle('plain', HANDLED_BEFORE);

    expect((await sluice('apply', '-f', file)).exitCode).toBe(0);
    for (const n of numbers(11, 20)) await redis.xadd('ITEMS', '*', 'n', `${n}`);
    for (const n of numbers(7, 20)) await redis.xadd('OTHERS', '*', 'n', `${n}`);
    await cluster.startWorkers();

    await eventually(() => items().length >= 16 && pairs().length >= 20, PATIENCE);
    expect(items().sort((x, y) => x - y)).toEqual(numbers(HANDLED_BEFORE + 1, 20));
    expect(pairs().sort(([x = 0], [y = 0]) => x - y)).toEqual(numbers(1, 20).map((n) => [n, n]));
  }, 120_000);

  it('are explained and replayed with those on the new stream', async () => {
    const story = async (key: string) =>
      jsonOf<{ verdict: { state: string } }>(await sluice('explain', key, '-o', 'json'));
    expect((await story('stac/items:old-7')).verdict.state).toBe('succeeded');
    // What the earlier version handled has no run here, and the sensor has passed it.
    const replay = await sluice(
      ...[
        'replay',
        '--sensor',
        'plain',
        '--from',
        '2001-01-01T00:00:00Z',
        '--dry-run',
        '--again',
        '--wait',
        '--why',
        'test',
        '-o',
        'json',
      ],
    );
    expect(jsonOf(replay)).toMatchObject({ read: 20, fired: 20 });
  });

  it('still come while a worker of the earlier version publishes there', async () => {
    await former.publish(event('items', 21));
    await eventually(() => items().includes(21), PATIENCE);
    expect(items().filter((n) => n === 21)).toEqual([21]);
    await eventually(async () => (await waiting()) === 0, PATIENCE);
  });

  /** Events on the former stream that sensors have not handled. */
  async function waiting(): Promise<number> {
    let count = 0;
    for (const sensor of ['plain', 'pairs']) {
      const info = await former.manager.consumers.info('default', former.consumer(sensor));
      count += info.num_pending + info.num_ack_pending;
    }
    return count;
  }
});
