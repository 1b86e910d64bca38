import { readFile } from 'node:fs/promises';
import { inspect } from 'node:util';
import { startRedis, type RunningRedis, type StartRedisOptions } from '../../dev/servers';
import { isSluiceError } from '../../src/errors/sluice-error';
import { readEventSourceOptions, type StreamStart } from '../../src/manifest/annotations';
import type { RedisStreamEventSource } from '../../src/manifest/sources/redis';
import { isMissingGroup } from '../../src/clients/redis/redis-errors';
import { redisStreamSource } from '../../src/sources/redis-stream';
import type { Delivery, SourceContext } from '../../src/sources/source';
import { createSource, describeSourceContract } from '../contract-suites/source-contract';
import { eventually } from '../setup/eventually';
import { startRedisFixture, useRedis } from './redis-fixture';
import { failureOf } from '../setup/failure';
import { fieldOf } from './field-of';

describeSourceContract<RedisStreamEventSource>({
  factory: redisStreamSource,
  capabilities: { payload: 'sent', keepsBacklog: true, deliversAgain: true, hasServer: true },
  async start() {
    const { client, access, ...fixture } = await startRedisFixture();
    return {
      ...fixture,
      spec: { ...access, streams: ['stac-events'], consumerGroup: 'acme' },
      unreachableSpec: { hostAddress: '127.0.0.1:1', streams: ['stac-events'] },
      async send(text) {
        await client.xadd('stac-events', '*', 'text', text);
      },
      textOf: (event) => (event.data as { values: { text: string } }).values.text,
      async handedOut() {
        const [count] = (await client.xpending('stac-events', 'acme')) as [number];
        return count;
      },
      async withdrawRights() {
        await client.call('ACL', 'SETUSER', 'default', '-xack');
      },
    };
  },
});

describe('event source redisStream', () => {
  const redis = useRedis();

  /** Reads with a source of its own; `next` answers with the payloads of the next delivery. */
  function read(spec: Partial<RedisStreamEventSource> = {}, overrides: Partial<SourceContext> = {}) {
    return redis.read(redisStreamSource, { streams: ['s'], ...spec }, overrides);
  }

  function idsOf(delivery: Delivery): Array<string | undefined> {
    return delivery.events.map(({ transportId }) => transportId);
  }

  it('gives entries the payload of Argo Events, with values as strings', async () => {
    const id = await redis.client.xadd('s', '*', 'href', 'https://stac.example/1', 'count', '7');
    const { events, position } = await read({ metadata: { team: 'eo' } }).next();
    expect(events).toEqual([
      {
        transportId: `s:${id}`,
        data: {
          stream: 's',
          message_id: id,
          values: { href: 'https://stac.example/1', count: '7' },
          metadata: { team: 'eo' },
        },
        document: { href: 'https://stac.example/1', count: '7' },
        time: new Date(Number(id?.split('-')[0])).toISOString(),
      },
    ]);
    expect(position).toBe(`s@${id}`);
  });

  it('omits empty metadata', async () => {
    await redis.client.xadd('s', '5-1', 'a', 'b');
    const { events } = await read({ metadata: {} }).next();
    expect(events[0]?.data).toEqual({ stream: 's', message_id: '5-1', values: { a: 'b' } });
    expect(events[0]?.time).toBeUndefined();
  });

  it('creates a missing stream and group, with the group name of Argo Events by default', async () => {
    const { next } = read({ streams: ['one', 'two'] });
    const waiting = next();
    await eventually(async () => (await redis.client.exists('one', 'two')) === 2);
    const [group] = (await redis.client.xinfo('GROUPS', 'two')) as [string[]];
    expect(group).toContain('argo-events-cg');
    await redis.client.xadd('two', '1-1', 'a', 'b');
    expect(idsOf(await waiting)).toEqual(['two:1-1']);
  });

  it.each<[string, StreamStart, string[]]>([
    ['everything by default', readEventSourceOptions(undefined).options.startFrom, ['s:1-1', 's:2-1', 's:3-1']],
    ['everything', { kind: 'all' }, ['s:1-1', 's:2-1', 's:3-1']],
    ['entries after an id', { kind: 'id', id: '1-1' }, ['s:2-1', 's:3-1']],
    ['only new entries', { kind: 'new' }, ['s:3-1']],
  ])('starts a new group with %s', async (_, startFrom, expected) => {
    await redis.client.xadd('s', '1-1', 'a', 'b');
    await redis.client.xadd('s', '2-1', 'a', 'b');
    const { next } = read({}, { startFrom });
    const first = next();
    await eventually(async () => ((await redis.client.xinfo('GROUPS', 's')) as unknown[]).length === 1);
    await redis.client.xadd('s', '3-1', 'a', 'b');
    const seen = idsOf(await first);
    while (seen.length < expected.length) seen.push(...idsOf(await next()));
    expect(seen).toEqual(expected);
  });

  it('reads no more than the batch size at once', async () => {
    for (let index = 1; index <= 5; index += 1) await redis.client.xadd('s', `${index}-0`, 'a', 'b');
    const { next } = read({ maxMsgCountPerRead: 2 });
    expect(idsOf(await next())).toEqual(['s:1-0', 's:2-0']);
    expect(idsOf(await next())).toEqual(['s:3-0', 's:4-0']);
  });

  it('recreates its group after the server was flushed, and reads later entries', async () => {
    await redis.client.xadd('s', '1-0', 'a', 'b');
    const { next, lines } = read();
    await (await next()).acknowledge({ rejected: [] });
    const waiting = next();
    await redis.client.flushall();
    await redis.client.xadd('s', '2-0', 'a', 'b');
    expect(idsOf(await waiting)).toEqual(['s:2-0']);
    expect(lines.filter((line) => line.startsWith('warn'))).toHaveLength(1);
  });

  it('claims entries of a dead consumer, but not those in flight in its own', async () => {
    await redis.client.xgroup('CREATE', 's', 'argo-events-cg', '0', 'MKSTREAM');
    await redis.client.xadd('s', '1-0', 'a', 'b');
    await redis.client.xreadgroup('GROUP', 'argo-events-cg', 'argo-events-worker', 'COUNT', 10, 'STREAMS', 's', '>');
    // As if it had died a minute ago.
    await redis.client.call('XCLAIM', 's', 'argo-events-cg', 'argo-events-worker', 0, '1-0', 'IDLE', 60_000, 'JUSTID');
    await redis.client.xadd('s', '2-0', 'a', 'b');
    const { next } = read();
    const first = await next();
    const second = await next();
    expect([...idsOf(first), ...idsOf(second)].sort()).toEqual(['s:1-0', 's:2-0']);
    await first.acknowledge({ rejected: [] });
    await second.acknowledge({ rejected: [] });
    expect((await redis.client.xpending('s', 'argo-events-cg'))[0]).toBe(0);
  });

  it('reports an entry that was deleted while pending, and drops it', async () => {
    await redis.client.xadd('s', '1-0', 'a', 'b');
    const dying = read();
    await dying.next();
    await dying.stop();
    await redis.client.xdel('s', '1-0');
    const delivery = await read().next();
    expect(delivery.events).toEqual([]);
    expect(delivery.rejected).toMatchObject([{ transportId: 's:1-0', code: 'EVENT_UNDECODABLE' }]);
    await delivery.acknowledge({ rejected: [] });
    expect((await redis.client.xpending('s', 'argo-events-cg'))[0]).toBe(0);
  });

  it('reports an entry that was trimmed while it was pending with a consumer that died', async () => {
    await redis.client.xgroup('CREATE', 's', 'argo-events-cg', '0', 'MKSTREAM');
    await redis.client.xadd('s', '1-0', 'a', 'b');
    await redis.client.xreadgroup('GROUP', 'argo-events-cg', 'argo-events-worker', 'COUNT', 10, 'STREAMS', 's', '>');
    await redis.client.call('XCLAIM', 's', 'argo-events-cg', 'argo-events-worker', 0, '1-0', 'IDLE', 60_000, 'JUSTID');
    await redis.client.xadd('s', '2-0', 'a', 'b');
    await redis.client.xtrim('s', 'MAXLEN', 1);
    const { next } = read();
    const [first, second] = [await next(), await next()];
    expect([...first.rejected, ...second.rejected]).toMatchObject([
      { transportId: 's:1-0', code: 'EVENT_UNDECODABLE' },
    ]);
    expect([...idsOf(first), ...idsOf(second)]).toEqual(['s:2-0']);
  });

  it('reads unusual entries: fields of any name, binary bytes, deep nesting and megabytes', async () => {
    await redis.client.xadd('s', '1-0', '__proto__', 'x', 'constructor', 'y');
    await redis.client.xadd('s', '2-0', 'binary', Buffer.from([0xff, 0xfe, 0x00, 0xc3, 0x28]));
    await redis.client.xadd('s', '3-0', 'deep', '['.repeat(50_000) + ']'.repeat(50_000));
    await redis.client.xadd('s', '4-0', 'large', 'x'.repeat(5_000_000));
    await redis.client.xadd('s', '5-0', 'a', 'b');
    const { next } = read();
    const values: unknown[] = [];
    while (values.length < 5) for (const { data } of (await next()).events) values.push(fieldOf(data, 'values'));
    expect(Object.entries(values[0] as object)).toEqual([
      ['__proto__', 'x'],
      ['constructor', 'y'],
    ]);
    expect(values[1]).toHaveProperty('binary');
    expect((values[3] as { large: string }).large).toHaveLength(5_000_000);
    expect(values[4]).toEqual({ a: 'b' });
  });

  it('reads fewer entries at once if they are large', async () => {
    for (let index = 1; index <= 20; index += 1) await redis.client.xadd('s', `${index}-0`, 'a', 'x'.repeat(2_000_000));
    const { next } = read();
    await next();
    expect((await next()).events.length).toBeLessThanOrEqual(4);
  });

  it('backs off for entries that are returned repeatedly, and reads new entries meanwhile', async () => {
    await redis.client.xadd('s', '1-0', 'a', 'b');
    const { next } = read();
    let received = 0;
    for (let round = 0; round < 4; round += 1) {
      const delivery = await next();
      received += delivery.events.length;
      if (round === 2) await redis.client.xadd('s', '2-0', 'a', 'b');
      await delivery.release(new Error('not now'));
    }
    expect(received).toBeLessThanOrEqual(5);
  });

  it('acknowledges while a read is blocking', async () => {
    await redis.client.xadd('s', '1-0', 'a', 'b');
    const { next } = read();
    const delivery = await next();
    const blocked = next();
    await delivery.acknowledge({ rejected: [] });
    expect((await redis.client.xpending('s', 'argo-events-cg'))[0]).toBe(0);
    await redis.client.xadd('s', '2-0', 'a', 'b');
    expect(idsOf(await blocked)).toEqual(['s:2-0']);
  });

  it('ends with an error for the operator if the key is not a stream, instead of retrying forever', async () => {
    await redis.client.set('s', 'text');
    const { next, source } = read();
    for (const attempt of [() => next(), () => source.check()]) {
      expect(await failureOf(attempt())).toMatchObject({
        code: 'EVENT_SOURCE_MISCONFIGURED',
        fix: expect.stringContaining('streams') as string,
      });
    }
  });

  it.each([
    ['NOGROUP No such key', true],
    ['-NOGROUP No such key or consumer group', true],
    ['UNBLOCKED the stream key no longer exists', true],
    ['ERR unknown command', false],
    ['Connection is closed.', false],
  ])('recognises from "%s" that its group is gone: %s', (message, expected) => {
    expect(isMissingGroup(new Error(message))).toBe(expected);
  });
});

describe('a Redis server that requires authentication', () => {
  const streams = ['s'];
  const password = { name: 'redis', key: 'password' };

  async function check(server: RunningRedis, spec: Partial<RedisStreamEventSource>, secrets: Record<string, string>) {
    const hostAddress = `${server.host}:${server.port}`;
    const fixture = { spec: { hostAddress, streams, ...spec }, secrets };
    const problem: unknown = await createSource(redisStreamSource, fixture)
      .check()
      .catch((error: unknown) => error);
    return isSluiceError(problem) ? problem : undefined;
  }

  it.each<[string, StartRedisOptions, Partial<RedisStreamEventSource>]>([
    ['a password', { password: 'secret-1' }, { password }],
    ['an ACL user', { aclUser: { name: 'reader', password: 'secret-1' } }, { username: 'reader', password }],
  ])('accepts %s, and rejects a wrong one without echoing it', async (_, options, spec) => {
    const server = await startRedis(options);
    try {
      expect(await check(server, spec, { 'redis/password': 'secret-1' })).toBeUndefined();
      const wrong = await check(server, spec, { 'redis/password': 'guessed' });
      expect(wrong?.code).toBe('EVENT_SOURCE_MISCONFIGURED');
      expect(inspect(wrong, { depth: Infinity, showHidden: true })).not.toContain('guessed');
      expect((await check(server, {}, {}))?.code).toBe('EVENT_SOURCE_MISCONFIGURED');
      expect((await check(server, spec, {}))?.code).toBe('SECRET_MISSING');
    } finally {
      await server.stop();
    }
  });

  it('ends reading with a clear error if the password is wrong', async () => {
    const server = await startRedis({ password: 'secret-1' });
    const fixture = {
      spec: { hostAddress: `${server.host}:${server.port}`, streams, password },
      secrets: { 'redis/password': 'guessed' },
    };
    const source = createSource(redisStreamSource, fixture);
    const deliveries = source.deliveries()[Symbol.asyncIterator]();
    expect((await failureOf(deliveries.next())).code).toBe('EVENT_SOURCE_MISCONFIGURED');
    await source.close();
    await server.stop();
  });

  it('is reached over TLS with the CA and the client certificate of the manifest', async () => {
    const server = await startRedis({ tls: true, requireClientCertificate: true });
    const read = (path: string | undefined) => readFile(path ?? '', 'utf8');
    const secrets = {
      'tls/ca': await read(server.tls?.caPath),
      'tls/cert': await read(server.tls?.clientCertificatePath),
      'tls/key': await read(server.tls?.clientKeyPath),
    };
    const tls = {
      caCertSecret: { name: 'tls', key: 'ca' },
      clientCertSecret: { name: 'tls', key: 'cert' },
      clientKeySecret: { name: 'tls', key: 'key' },
    };
    expect(await check(server, { tls }, secrets)).toBeUndefined();
    const { caCertSecret: _, ...unverified } = tls;
    expect((await check(server, { tls: unverified }, secrets))?.code).toBe('EVENT_SOURCE_MISCONFIGURED');
    expect(await check(server, { tls: { ...unverified, insecureSkipVerify: true } }, secrets)).toBeUndefined();
    await server.stop();
  });

  it.each(['redis', 'redis:port', ''])('is not contacted at the address "%s"', async (hostAddress) => {
    const source = createSource(redisStreamSource, { spec: { hostAddress, streams } });
    expect((await failureOf(source.check())).code).toBe('EVENT_SOURCE_MISCONFIGURED');
  });
});
