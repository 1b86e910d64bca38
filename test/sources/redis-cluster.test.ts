import { startRedisCluster, type RunningRedisCluster } from '../../dev/redis-cluster';
import { redisSource } from '../../src/sources/redis';
import { redisStreamSource } from '../../src/sources/redis-stream';
import { createSource } from '../contract-suites/source-contract';
import { eventually } from '../setup/eventually';
import { readSource, type SourceReading } from './read-source';

/** Their slots are in the first, the second and the third part. */
const STREAMS = ['scenes-b', 'scenes-a', 'scenes-c', 'scenes-d'];

describe('Redis event sources in a Redis Cluster', () => {
  let cluster: RunningRedisCluster;
  const open: SourceReading[] = [];

  beforeAll(async () => (cluster = await startRedisCluster(3)), 60_000);
  afterEach(async () => {
    await Promise.all(open.splice(0).map((reading) => reading.stop()));
    await Promise.all(cluster.nodes.map(({ client }) => client.flushall()));
  });
  afterAll(() => cluster?.stop());

  const seeds = (): string => cluster.nodes.map(({ address }) => address).join(',');

  async function add(stream: string, text: string): Promise<void> {
    await (await cluster.ownerOf(stream)).client.xadd(stream, '*', 'text', text);
  }

  function read(streams: readonly string[], hostAddress = seeds()): SourceReading & { readonly texts: string[] } {
    const reading = readSource(redisStreamSource, { hostAddress, streams: [...streams] });
    open.push(reading);
    const texts: string[] = [];
    const take = async (): Promise<void> => {
      for (;;) {
        const delivery = await reading.next();
        texts.push(...delivery.events.map(({ data }) => (data as { values: { text: string } }).values.text));
        await delivery.acknowledge({ rejected: [] });
      }
    };
    take().catch(() => undefined);
    return { ...reading, texts };
  }

  it('reads a stream from the node that has it, whichever node the manifest names', async () => {
    for (const { address } of cluster.nodes) {
      const reading = read(['scenes-a'], address);
      const { texts, source } = reading;
      await add('scenes-a', `for ${address}`);
      await eventually(() => texts.includes(`for ${address}`));
      expect(source.status()).toEqual({ connected: true, dropped: 0 });
      await reading.stop();
    }
  });

  it('reads several streams, of which the nodes have some each', async () => {
    const owners = await Promise.all(STREAMS.map((stream) => cluster.ownerOf(stream)));
    expect(new Set(owners).size).toBeGreaterThan(1);
    for (const stream of STREAMS) await add(stream, `early ${stream}`);
    const { texts, source } = read(STREAMS);
    await eventually(() => texts.length === STREAMS.length);
    for (const stream of STREAMS) await add(stream, `late ${stream}`);
    await eventually(() => texts.length === 2 * STREAMS.length);
    expect(new Set(texts).size).toBe(2 * STREAMS.length);
    await eventually(() => source.status().connected);
  });

  it('counts what waits in all of them, and can be checked', async () => {
    for (const stream of STREAMS) await add(stream, 'one');
    const source = createSource(redisStreamSource, { spec: { hostAddress: seeds(), streams: STREAMS } });
    await source.check();
    expect(await source.backlog?.(new AbortController().signal)).toMatchObject({ entries: STREAMS.length, pending: 0 });
    await source.close();
    const { texts, source: reading } = read(STREAMS);
    await eventually(() => texts.length === STREAMS.length);
    await eventually(async () => (await reading.backlog?.(new AbortController().signal))?.entries === 0);
  });

  it('follows a stream that moves to another node, and repeats none of its entries', async () => {
    const from = await cluster.ownerOf('scenes-a');
    const to = cluster.nodes.find((node) => node !== from);
    if (to === undefined) throw new Error('the cluster has one node');
    const { texts, source } = read(['scenes-a']);
    await add('scenes-a', 'before');
    await eventually(() => texts.length === 1);
    await cluster.move('scenes-a', to);
    try {
      await to.client.xadd('scenes-a', '*', 'text', 'after');
      await eventually(() => texts.length === 2);
      expect(texts).toEqual(['before', 'after']);
      await eventually(() => source.status().connected);
    } finally {
      await cluster.move('scenes-a', from, to);
    }
  });

  it('connects to another node of the manifest if one is away', async () => {
    const { texts } = read(['scenes-a'], `127.0.0.1:1,${seeds()}`);
    await add('scenes-a', 'one');
    await eventually(() => texts.length === 1);
  });

  it('subscribes at any node to the channels and patterns of all', async () => {
    const [first, ...others] = cluster.nodes;
    const spec = { hostAddress: first?.address ?? '', channels: ['scenes.new'], patterns: ['orders.*'] };
    const reading = readSource(redisSource, spec);
    open.push(reading);
    const next = reading.next();
    await eventually(() => reading.source.status().connected);
    await others[0]?.client.publish('orders.made', 'one');
    expect((await next).events.map(({ data }) => data)).toEqual([
      { channel: 'orders.made', pattern: 'orders.*', body: 'one' },
    ]);
    await others[1]?.client.publish('scenes.new', 'two');
    expect((await reading.next()).events.map(({ data }) => data)).toEqual([
      { channel: 'scenes.new', pattern: '', body: 'two' },
    ]);
  });
});
