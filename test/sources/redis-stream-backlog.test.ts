/** Counting what a consumer group has before it, on a real Redis. */
import type { StreamStart } from '../../src/manifest/annotations';
import { measureBacklog } from '../../src/sources/redis-stream-backlog';
import { redisStreamSource } from '../../src/sources/redis-stream';
import { createSource } from '../contract-suites/source-contract';
import { useRedis } from './redis-fixture';

const ALL: StreamStart = { kind: 'all' };

describe('the backlog of Redis streams', () => {
  const redis = useRedis();

  /** Entries 1-0, 2-0 … */
  async function add(stream: string, from: number, to: number): Promise<void> {
    const adding = redis.client.pipeline();
    for (let id = from; id <= to; id += 1) adding.xadd(stream, `${id}-0`, 'scene', String(id));
    await adding.exec();
  }
  const createGroup = (stream: string, start: string) => redis.client.xgroup('CREATE', stream, 'g', start, 'MKSTREAM');
  const read = (stream: string, count: number) =>
    redis.client.call('XREADGROUP', 'GROUP', 'g', 'c', 'COUNT', count, 'STREAMS', stream, '>');
  const measure = (start: StreamStart = ALL, ...streams: readonly string[]) =>
    measureBacklog(redis.client, streams.length > 0 ? streams : ['s'], 'g', start);
  async function lagOf(stream: string): Promise<unknown> {
    const [fields] = (await redis.client.xinfo('GROUPS', stream)) as unknown[][];
    return fields?.[fields.indexOf('lag') + 1];
  }

  it('includes entries that the group has not read or not acknowledged', async () => {
    await createGroup('s', '0');
    await add('s', 1, 30);
    await read('s', 5);
    await redis.client.xack('s', 'g', '1-0', '2-0');
    expect(await measure()).toEqual({ entries: 28, pending: 3 });
  });

  it('is the sum over all streams', async () => {
    for (const stream of ['s', 't']) {
      await createGroup(stream, '0');
      await add(stream, 1, 10);
    }
    await read('t', 4);
    expect(await measure(ALL, 's', 't', 'not-there')).toEqual({ entries: 20, pending: 4 });
  });

  it.each<[StreamStart, number]>([
    [{ kind: 'all' }, 10],
    [{ kind: 'new' }, 0],
    [{ kind: 'id', id: '7-0' }, 3],
  ])('counts, without a group, the entries that one starting with %j would read', async (start, expected) => {
    await add('s', 1, 10);
    expect(await measure(start)).toEqual({ entries: expected, pending: 0 });
  });

  it('is counted one by one if Redis has lost count after deletions', async () => {
    await createGroup('s', '0');
    await add('s', 1, 20);
    await read('s', 4);
    await redis.client.xdel('s', '10-0');
    expect(await lagOf('s')).toBeNull();
    expect(await measure()).toEqual({ entries: 4 + 15, pending: 4 });
  });

  it('reports "at least" if counting one by one would take too long', async () => {
    await add('s', 1, 1_300);
    await createGroup('s', '5-0');
    await redis.client.xdel('s', '700-0');
    expect(await lagOf('s')).toBeNull();
    const { entries, isAtLeast } = await measure();
    expect({ isEnough: entries >= 1_000, isAtLeast }).toEqual({ isEnough: true, isAtLeast: true });
  });

  it('is 0 for a group that has read everything, even if Redis has lost count', async () => {
    await createGroup('s', '0');
    await add('s', 1, 20);
    await redis.client.xdel('s', '10-0');
    await read('s', 100);
    await redis.client.xack('s', 'g', ...Array.from({ length: 20 }, (_, index) => `${index + 1}-0`));
    expect(await measure()).toEqual({ entries: 0, pending: 0 });
  });

  it("fails with the key's name if a key is not a stream, or the user lacks permission", async () => {
    await redis.client.set('s', 'text');
    await redis.client.call('ACL', 'SETUSER', 'reader', 'on', '>secret', '~*', '+xreadgroup');
    const { hostAddress } = redis;
    const { signal } = new AbortController();
    const password = { name: 'redis', key: 'password' };
    const secrets = { 'redis/password': 'secret' };
    for (const [said, user] of [
      ['WRONGTYPE', {}],
      ['NOPERM', { username: 'reader', password }],
    ] as const) {
      const source = createSource(redisStreamSource, { spec: { hostAddress, streams: ['s'], ...user }, secrets });
      await expect(source.backlog?.(signal)).rejects.toMatchObject({
        code: 'EVENT_SOURCE_MISCONFIGURED',
        message: expect.stringContaining(said) as string,
      });
      await source.close();
    }
  });
});
