import type Redis from 'ioredis';
import { startRedis, type RunningRedis } from '../../dev/servers';
import type { RedisEventSource } from '../../src/manifest/sources/redis';
import { redisSource } from '../../src/sources/redis';
import { createSource, describeSourceContract } from '../contract/source-contract';
import { eventually } from '../setup/eventually';
import { failureOf } from '../setup/failure';
import { connectToRedis, readSource, type SourceReading } from './read-source';

describeSourceContract<RedisEventSource>({
  factory: redisSource,
  // Redis forgets a message once it is sent: nothing before the start, nothing twice.
  capabilities: { keepsBacklog: false, deliversAgain: false, hasServer: true },
  async start() {
    const server = await startRedis({ own: true });
    const client = connectToRedis(server);
    const publish = (message: string): Promise<number> =>
      eventually(async () => (await client.publish('stac-events', message)) || undefined);
    return {
      spec: { hostAddress: `${server.host}:${server.port}`, channels: ['stac-events'], jsonBody: true },
      unreachableSpec: { hostAddress: '127.0.0.1:1', channels: ['stac-events'] },
      async send(text) {
        await publish(JSON.stringify({ text }));
      },
      async sendPoison() {
        await publish('{ not JSON');
      },
      textOf: (event) => (event.data as { body: { text: string } }).body.text,
      restartServer: () => server.restart(),
      async stop() {
        client.disconnect();
        await server.stop();
      },
    };
  },
});

describe('event source redis', () => {
  let server: RunningRedis;
  let client: Redis;
  const open: SourceReading[] = [];

  beforeAll(async () => {
    server = await startRedis({ own: true });
    client = connectToRedis(server);
  });

  afterEach(async () => {
    await Promise.all(open.splice(0).map((reading) => reading.stop()));
    await eventually(async () => (await client.pubsub('CHANNELS')).length === 0);
  });

  afterAll(async () => {
    client?.disconnect();
    await server?.stop();
  });

  /** Reads with a source of its own that has subscribed already. */
  async function read(spec: Partial<RedisEventSource> = {}) {
    const channels = spec.channels ?? ['stac-events'];
    const reading = readSource(redisSource, { hostAddress: `${server.host}:${server.port}`, ...spec, channels });
    open.push(reading);
    const first = reading.next();
    await eventually(async () => (await client.pubsub('NUMSUB', ...channels)).slice(-1)[0] === 1);
    return { ...reading, first };
  }

  it.each<[string, Partial<RedisEventSource>, string, unknown]>([
    ['text', {}, 'hello', 'hello'],
    ['text, even if it is JSON', {}, '{"a":1}', '{"a":1}'],
    ['JSON with jsonBody', { jsonBody: true }, '{"a":[1]}', { a: [1] }],
    ['JSON null with jsonBody', { jsonBody: true }, 'null', null],
  ])('gives messages the payload of Argo Events: %s', async (_, spec, message, body) => {
    const { first } = await read({ ...spec, metadata: { team: 'eo' } });
    await client.publish('stac-events', message);
    const { events, rejected } = await first;
    expect(rejected).toEqual([]);
    expect(events[0]?.data).toEqual({ channel: 'stac-events', pattern: '', body, metadata: { team: 'eo' } });
    expect(events[0]?.transportId).toBeUndefined();
  });

  it('refuses a message that is nested too deeply, with its depth, and takes the ones beside it', async () => {
    const { first, next } = await read({ jsonBody: true });
    const deep = '['.repeat(5_000) + ']'.repeat(5_000);
    for (const message of ['"before"', deep, '"after"']) await client.publish('stac-events', message);
    const seen = [await first];
    const count = (): number => seen.reduce((sum, { events, rejected }) => sum + events.length + rejected.length, 0);
    while (count() < 3) seen.push(await next());
    expect(seen.flatMap(({ events }) => events.map(({ data }) => data.body))).toEqual(['before', 'after']);
    expect(seen.flatMap(({ rejected }) => rejected)).toMatchObject([
      { code: 'EVENT_UNDECODABLE', reason: expect.stringContaining('5000 levels deep') as string },
    ]);
  });

  it('reads several channels', async () => {
    const { first, next } = await read({ channels: ['one', 'two'] });
    await client.publish('two', 'b');
    expect((await first).events[0]?.data).toMatchObject({ channel: 'two', body: 'b' });
    await client.publish('one', 'a');
    expect((await next()).events[0]?.data).toMatchObject({ channel: 'one', body: 'a' });
  });

  it('looks for the id of a CloudEvent or STAC item in a message, also where the body stays text', async () => {
    const { first } = await read();
    const item = { type: 'Feature', stac_version: '1.0.0', id: 'a', properties: {} };
    await client.publish('stac-events', JSON.stringify(item));
    expect((await first).events[0]?.document).toEqual(item);
  });

  it('keeps a bounded number of messages for a bus that is away, counts what it lost and says so once', async () => {
    const { source, first, lines } = await read();
    await client.publish('stac-events', 'first');
    await first;
    const flood = client.pipeline();
    for (let index = 0; index < 12_000; index += 1) flood.publish('stac-events', String(index));
    await flood.exec();
    await eventually(() => source.status().dropped === 2_000);
    expect(lines.filter((line) => line.startsWith('warn'))).toHaveLength(1);
  });

  it('ends with an error that a person understands, when the password is wrong', async () => {
    const strict = await startRedis({ password: 'secret-1' });
    const source = createSource(redisSource, {
      spec: {
        hostAddress: `${strict.host}:${strict.port}`,
        channels: ['c'],
        password: { name: 'redis', key: 'password' },
      },
      secrets: { 'redis/password': 'guessed' },
    });
    for (const attempt of [() => source.check(), () => source.deliveries()[Symbol.asyncIterator]().next()]) {
      expect((await failureOf(attempt())).code).toBe('EVENT_SOURCE_MISCONFIGURED');
    }
    await source.close();
    await strict.stop();
  });
});
