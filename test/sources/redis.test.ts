import { setTimeout as delay } from 'node:timers/promises';
import { startRedis } from '../../dev/servers';
import type { RedisEventSource } from '../../src/manifest/sources/redis';
import { redisSource } from '../../src/sources/redis';
import type { Delivery } from '../../src/sources/source';
import { createSource, describeSourceContract } from '../contract-suites/source-contract';
import { eventually } from '../setup/eventually';
import { failureOf } from '../setup/failure';
import { startRedisFixture, useRedis } from './redis-fixture';
import { fieldOf } from './field-of';

describeSourceContract<RedisEventSource>({
  factory: redisSource,
  // Redis forgets a message once it is sent: nothing before the start, nothing twice.
  capabilities: { payload: 'sent', keepsBacklog: false, deliversAgain: false, hasServer: true },
  async start() {
    const { client, access, ...fixture } = await startRedisFixture();
    const publish = (message: string): Promise<number> =>
      eventually(async () => (await client.publish('stac-events', message)) || undefined);
    return {
      ...fixture,
      spec: { ...access, channels: ['stac-events'], jsonBody: true },
      unreachableSpec: { hostAddress: '127.0.0.1:1', channels: ['stac-events'] },
      async send(text) {
        await publish(JSON.stringify({ text }));
      },
      async sendPoison() {
        await publish('{ not JSON');
      },
      textOf: (event) => (event.data as { body: { text: string } }).body.text,
      async withdrawRights() {
        // Redis ends the connections of subscribers that lose a channel.
        await client.call('ACL', 'SETUSER', 'default', 'resetchannels');
      },
    };
  },
});

describe('event source redis', () => {
  const redis = useRedis();

  /** Reads with a source of its own that has subscribed already. */
  async function read(spec: Partial<RedisEventSource> = {}) {
    const channels = spec.channels ?? ['stac-events'];
    const reading = redis.read(redisSource, { ...spec, channels });
    const first = reading.next();
    await eventually(async () => (await redis.client.pubsub('NUMSUB', ...channels)).slice(-1)[0] === 1);
    return { ...reading, first };
  }

  it.each<[string, Partial<RedisEventSource>, string, unknown]>([
    ['text', {}, 'hello', 'hello'],
    ['text, even if it is JSON', {}, '{"a":1}', '{"a":1}'],
    ['JSON with jsonBody', { jsonBody: true }, '{"a":[1]}', { a: [1] }],
    ['JSON null with jsonBody', { jsonBody: true }, 'null', null],
  ])('gives messages the payload of Argo Events: %s', async (_, spec, message, body) => {
    const { first } = await read({ ...spec, metadata: { team: 'eo' } });
    await redis.client.publish('stac-events', message);
    const { events, rejected } = await first;
    expect(rejected).toEqual([]);
    expect(events[0]?.data).toEqual({ channel: 'stac-events', pattern: '', body, metadata: { team: 'eo' } });
    expect(events[0]?.transportId).toBeUndefined();
  });

  it('rejects a message that is nested too deeply, with its depth, and accepts the others', async () => {
    const { first, next } = await read({ jsonBody: true });
    const deep = '['.repeat(5_000) + ']'.repeat(5_000);
    for (const message of ['"before"', deep, '"after"']) await redis.client.publish('stac-events', message);
    const seen = [await first];
    const count = (): number => seen.reduce((sum, { events, rejected }) => sum + events.length + rejected.length, 0);
    while (count() < 3) seen.push(await next());
    expect(seen.flatMap(({ events }) => events.map(({ data }) => fieldOf(data, 'body')))).toEqual(['before', 'after']);
    expect(seen.flatMap(({ rejected }) => rejected)).toMatchObject([
      { code: 'EVENT_UNDECODABLE', reason: expect.stringContaining('5000 levels deep') as string },
    ]);
  });

  it('reads several channels', async () => {
    const { first, next } = await read({ channels: ['one', 'two'] });
    await redis.client.publish('two', 'b');
    expect((await first).events[0]?.data).toMatchObject({ channel: 'two', body: 'b' });
    await redis.client.publish('one', 'a');
    expect((await next()).events[0]?.data).toMatchObject({ channel: 'one', body: 'a' });
  });

  it('keeps its subscription if the user lacks permission to PING', async () => {
    const subscriber = async (): Promise<string> => String(await redis.client.call('CLIENT', 'LIST', 'TYPE', 'pubsub'));
    const refusedPings = async (): Promise<number> =>
      Number(/^cmdstat_ping:.*rejected_calls=(\d+)/m.exec(await redis.client.info('commandstats'))?.[1] ?? 0);
    await redis.client.call('ACL', 'SETUSER', 'default', '-ping');
    try {
      const { first } = await read();
      first.catch(() => undefined);
      const idOf = (list: string): string | undefined => /^id=(\d+)/.exec(list)?.[1];
      const id = idOf(await subscriber());
      expect(id).toBeDefined();
      await eventually(async () => (await refusedPings()) >= 6, { timeoutMs: 60_000 });
      expect(idOf(await subscriber())).toBe(id);
    } finally {
      await redis.client.call('ACL', 'SETUSER', 'default', '+ping');
    }
  }, 90_000);

  it('finds the id of a CloudEvent or STAC item in a message, even if the body stays text', async () => {
    const { first } = await read();
    const item = { type: 'Feature', stac_version: '1.0.0', id: 'a', properties: {} };
    await redis.client.publish('stac-events', JSON.stringify(item));
    expect((await first).events[0]?.document).toEqual(item);
  });

  it('applies back-pressure to Redis for a slow bus, and loses nothing of a flood', async () => {
    const { source, first, next, lines } = await read();
    const flood = redis.client.pipeline();
    for (let index = 0; index < 30_000; index += 1) flood.publish('stac-events', String(index));
    await flood.exec();
    const bodies: unknown[] = [];
    for (let delivery = await first; ; delivery = await next()) {
      for (const { data } of delivery.events) bodies.push(fieldOf(data, 'body'));
      await delivery.acknowledge({ rejected: [] });
      if (bodies.length >= 30_000) break;
    }
    expect(bodies).toEqual(Array.from({ length: 30_000 }, (_, index) => String(index)));
    expect(source.status()).toEqual({ connected: true, dropped: 0 });
    expect(lines.filter((line) => line.startsWith('warn'))).toEqual([]);
  });

  it('bounds its memory in bytes, whatever the bus does', async () => {
    const { first, next } = await read();
    const megabyte = 'x'.repeat(1_000_000);
    for (let index = 0; index < 60; index += 1) await redis.client.publish('stac-events', megabyte);
    const held: Delivery[] = [await first];
    // Nothing is acknowledged, so a source without a bound would hand on everything.
    let pending = next();
    for (;;) {
      const delivery = await Promise.race([pending, delay(2_000)]);
      if (delivery === undefined) break;
      held.push(delivery);
      pending = next();
    }
    const handedOn = held.flatMap(({ events }) => events).length;
    expect(handedOn).toBeLessThan(40);
    for (const delivery of held) await delivery.acknowledge({ rejected: [] });
    expect((await pending).events.length).toBeGreaterThan(0);
  });

  it('reports that Redis disconnected it because the bus was too slow, and subscribes again', async () => {
    await redis.client.config('SET', 'client-output-buffer-limit', 'pubsub 4mb 0 0');
    try {
      const { source, first, next, lines } = await read();
      // More than memory, the socket and Redis hold together.
      const half = 'x'.repeat(500_000);
      for (let index = 0; index < 150; index += 1) await redis.client.publish('stac-events', half);
      const taking = (async () => {
        for (let delivery = await first; ; delivery = await next()) await delivery.acknowledge({ rejected: [] });
      })();
      taking.catch(() => undefined);
      await eventually(() => source.status().problem?.includes('client-output-buffer-limit'));
      await eventually(() => source.status().connected);
      expect(lines.filter((line) => line.includes('output buffer'))).toHaveLength(1);
    } finally {
      await redis.client.config('SET', 'client-output-buffer-limit', 'pubsub 32mb 8mb 60');
    }
  });

  it.each([false, true])(
    'is not disturbed by a message of thousands of nested lists; jsonBody: %s',
    async (jsonBody) => {
      const { first, next } = await read({ jsonBody });
      const deep = '['.repeat(6_000) + ']'.repeat(6_000);
      await redis.client.publish('stac-events', deep);
      await redis.client.publish('stac-events', '"good"');
      const deliveries = [await first];
      while (deliveries.flatMap(({ events, rejected }) => [...events, ...rejected]).length < 2)
        deliveries.push(await next());
      const bodies = deliveries.flatMap(({ events }) => events.map(({ data }) => fieldOf(data, 'body')));
      expect(bodies).toEqual(jsonBody ? ['good'] : [deep, '"good"']);
      expect(deliveries.flatMap(({ rejected }) => rejected)).toHaveLength(jsonBody ? 1 : 0);
    },
  );

  it('ends with a clear error if the password is wrong', async () => {
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
