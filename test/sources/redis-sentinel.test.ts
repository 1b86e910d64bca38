import type Redis from 'ioredis';
import { startSentinel, type RunningSentinel } from '../../dev/redis-sentinel';
import { startRedis, type RunningRedis } from '../../dev/servers';
import type { RedisStreamEventSource } from '../../src/manifest/sources/redis';
import { redisSource } from '../../src/sources/redis';
import { redisStreamSource } from '../../src/sources/redis-stream';
import { createSource } from '../contract-suites/source-contract';
import { eventually } from '../setup/eventually';
import { failureOf } from '../setup/failure';
import { connectToRedis, readSource, type SourceReading } from './read-source';

const SECRETS = { 'redis/password': 'secret-1', 'redis/sentinel': 'secret-2' };
const PASSWORDS = {
  password: { name: 'redis', key: 'password' },
  sentinel: { master: 'scenes-db', password: { name: 'redis', key: 'sentinel' } },
};

describe('Redis event sources with a Sentinel', () => {
  let master: RunningRedis;
  let replica: RunningRedis;
  let sentinel: RunningSentinel;
  let clients: { readonly master: Redis; readonly replica: Redis };
  const open: SourceReading[] = [];

  beforeEach(async () => {
    const settings = ['--masterauth', 'secret-1'];
    const options = { own: true, password: 'secret-1', settings };
    [master, replica] = await Promise.all([startRedis(options), startRedis(options)]);
    clients = { master: connectToRedis(master), replica: connectToRedis(replica) };
    await clients.replica.replicaof(master.host, master.port);
    await eventually(async () => (await clients.replica.info('replication')).includes('master_link_status:up'));
    sentinel = await startSentinel({
      name: 'scenes-db',
      master,
      masterPassword: 'secret-1',
      password: 'secret-2',
    });
  });

  afterEach(async () => {
    await Promise.all(open.splice(0).map((reading) => reading.stop()));
    for (const client of Object.values(clients)) client.disconnect();
    await sentinel?.stop();
    await Promise.all([master, replica].map((server) => server.stop()));
  });

  const specOf = (more: Partial<RedisStreamEventSource> = {}): RedisStreamEventSource => ({
    hostAddress: `127.0.0.1:1,${sentinel.address}`,
    streams: ['scenes'],
    ...PASSWORDS,
    ...more,
  });

  it('reads from the master, and from the replica that becomes the master', async () => {
    const reading = readSource(redisStreamSource, specOf(), {}, SECRETS);
    open.push(reading);
    const channel = readSource(redisSource, { ...specOf(), channels: ['news'] }, {}, SECRETS);
    open.push(channel);
    const texts: string[] = [];
    const take = async ({ next }: SourceReading): Promise<void> => {
      for (;;) {
        const delivery = await next();
        texts.push(...delivery.events.map(({ data }) => JSON.stringify(data)));
        await delivery.acknowledge({ rejected: [] });
      }
    };
    for (const each of [reading, channel]) take(each).catch(() => undefined);
    await eventually(() => open.every(({ source }) => source.status().connected));
    await clients.master.xadd('scenes', '*', 'text', 'entry before');
    await clients.master.publish('news', 'message before');
    await eventually(() => texts.length === 2);
    await eventually(async () => (await clients.replica.xlen('scenes')) === 1);
    // What the group has read is copied to the replica, too.
    await clients.master.call('WAIT', 1, 5_000);
    await master.stopKeepingData();
    await eventually(async () => (await clients.replica.info('replication')).includes('role:master'));
    await clients.replica.xadd('scenes', '*', 'text', 'entry after');
    await eventually(() => open.every(({ source }) => source.status().connected));
    await clients.replica.publish('news', 'message after');
    await eventually(() => texts.length === 4);
    expect(texts.map((text) => /(entry|message) (before|after)/.exec(text)?.[0]).sort()).toEqual([
      'entry after',
      'entry before',
      'message after',
      'message before',
    ]);
  });

  it('ends with an error for the operator if the Sentinel does not know the master, or the password is wrong', async () => {
    const unknown = specOf({ hostAddress: sentinel.address, sentinel: { ...PASSWORDS.sentinel, master: 'other' } });
    const first = await failureOf(createSource(redisStreamSource, { spec: unknown, secrets: SECRETS }).check());
    expect(first).toMatchObject({
      code: 'EVENT_SOURCE_MISCONFIGURED',
      message: expect.stringContaining('knows no master of this name') as string,
    });
    const wrong = { ...SECRETS, 'redis/sentinel': 'guessed' };
    const spec = specOf({ hostAddress: sentinel.address });
    const second = await failureOf(createSource(redisStreamSource, { spec, secrets: wrong }).check());
    expect(second.code).toBe('EVENT_SOURCE_MISCONFIGURED');
    expect(second.message).toContain(`Sentinel ${sentinel.address}`);
    expect(second.message).not.toContain('guessed');
  });
});
