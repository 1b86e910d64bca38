import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type Redis from 'ioredis';
import { findBinary } from '../../dev/binaries/find-binary';
import { tools } from '../../dev/binaries/catalogue';
import { startServerProcess } from '../../dev/processes/server-process';
import { createTemporaryFolder, removeFolder } from '../../dev/processes/temporary-folder';
import { startRedis, type RunningRedis, type StartRedisOptions } from '../../dev/servers';
import type { RedisEventSource, RedisStreamEventSource } from '../../src/manifest/sources/redis';
import { redisSource } from '../../src/sources/redis';
import { redisStreamSource } from '../../src/sources/redis-stream';
import { eventually } from '../setup/eventually';
import { failureOf } from '../setup/failure';
import { endConnections } from '../setup/redis-faults';
import { startTcpGate, type TcpGate } from '../setup/tcp-gate';
import { freePort } from './free-port';
import { connectToRedis, readSource, type SourceReading } from './read-source';

const cleanUps: Array<() => Promise<unknown> | void> = [];

afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

async function startServer(options: StartRedisOptions = {}): Promise<{ server: RunningRedis; address: string }> {
  const server = await startRedis({ own: true, ...options });
  cleanUps.push(() => server.stop());
  return { server, address: `${server.host}:${server.port}` };
}

async function startClient(server: RunningRedis): Promise<Redis> {
  const client = connectToRedis(server);
  cleanUps.push(() => client.disconnect());
  await client.ping();
  return client;
}

async function startGate(port: number): Promise<TcpGate & { readonly address: string }> {
  const gate = await startTcpGate(port);
  cleanUps.push(() => gate.stop());
  return { ...gate, address: `${gate.host}:${gate.port}` };
}

function stop(reading: SourceReading): SourceReading {
  cleanUps.push(() => reading.stop());
  return reading;
}

function subscribe(spec: Partial<RedisEventSource> & { hostAddress: string }): SourceReading {
  return stop(readSource(redisSource, { channels: ['c'], ...spec }));
}

function readStream(spec: Partial<RedisStreamEventSource> & { hostAddress: string }): SourceReading {
  return stop(readSource(redisStreamSource, { streams: ['s'], ...spec }));
}

/** Acknowledges everything; stops with the source. */
function acknowledgeAll({ next }: SourceReading): { readonly ids: string[]; readonly ended: Promise<unknown> } {
  const ids: string[] = [];
  const ended = (async () => {
    for (;;) {
      const delivery = await next();
      ids.push(...delivery.events.map(({ transportId = '' }) => transportId));
      // As the relay does: reading goes on meanwhile.
      delivery.acknowledge({ rejected: [] }).catch(() => undefined);
    }
  })();
  ended.catch(() => undefined);
  return { ids, ended };
}

describe('Redis event sources and an unexpected server', () => {
  it.each<[string, StartRedisOptions, { tls?: { insecureSkipVerify: boolean } }, RegExp]>([
    ['accepts only TLS', { tls: true }, {}, /speaks TLS/],
    ['does not support TLS', {}, { tls: { insecureSkipVerify: true } }, /does not speak TLS/],
  ])('end with an error for the operator if it %s', async (_, options, spec, message) => {
    const { address } = await startServer(options);
    for (const { next, source } of [
      subscribe({ hostAddress: address, ...spec }),
      readStream({ hostAddress: address, ...spec }),
    ]) {
      const problem = await failureOf(next());
      expect(problem).toMatchObject({
        code: 'EVENT_SOURCE_MISCONFIGURED',
        message: expect.stringMatching(message) as string,
      });
      expect(problem.fix).toContain('tls');
      expect(source.status().connected).toBe(false);
      expect(await failureOf(source.check())).toMatchObject({ code: 'EVENT_SOURCE_MISCONFIGURED' });
    }
  });

  it('end with an error for the operator if its address is blocked', async () => {
    for (const { next } of [subscribe, readStream].map((read) => read({ hostAddress: '169.254.169.254:6379' }))) {
      expect(await failureOf(next())).toMatchObject({
        code: 'EVENT_SOURCE_MISCONFIGURED',
        message: expect.stringContaining('is blocked') as string,
      });
    }
  });

  it('end with an error for the operator if it is a Sentinel', async () => {
    const folder = await createTemporaryFolder('sentinel');
    cleanUps.push(() => removeFolder(folder));
    const port = await freePort();
    const config = join(folder, 'sentinel.conf');
    await writeFile(config, `port ${port}\nbind 127.0.0.1\n`);
    const sentinel = await startServerProcess({
      name: 'redis-sentinel',
      command: await findBinary(tools.redisServer),
      args: [config, '--sentinel'],
      folder,
      isReady: async () => {
        const client = connectToRedis({ url: `redis://127.0.0.1:${port}` });
        try {
          return (await client.ping()) === 'PONG';
        } finally {
          client.disconnect();
        }
      },
    });
    cleanUps.push(() => sentinel.stop());
    for (const read of [subscribe, readStream]) {
      const problem = await failureOf(read({ hostAddress: `127.0.0.1:${port}` }).next());
      expect(problem).toMatchObject({
        code: 'EVENT_SOURCE_MISCONFIGURED',
        message: expect.stringContaining('Sentinel') as string,
      });
    }
  });

  it('wait for a Redis Cluster that serves no slot yet, and report it', async () => {
    const busPort = await freePort();
    const { server, address } = await startServer({
      settings: ['--cluster-enabled', 'yes', '--cluster-port', String(busPort)],
    });
    const client = await startClient(server);
    const reading = readStream({ hostAddress: address });
    const first = reading.next();
    await eventually(() => reading.source.status().problem?.includes('CLUSTER INFO'));
    expect(reading.source.status().connected).toBe(false);
    await client.call('CLUSTER', 'ADDSLOTSRANGE', 0, 16_383);
    await eventually(async () => (await client.xadd('s', '*', 'n', '1')) !== null);
    expect((await first).events).toHaveLength(1);
  });

  it('report why they do not read if the server is unreachable', async () => {
    const address = `127.0.0.1:${await freePort()}`;
    for (const read of [subscribe, readStream]) {
      const { source, next } = read({ hostAddress: address });
      next().catch(() => undefined);
      await eventually(() => source.status().problem?.includes('ECONNREFUSED'));
      expect(source.status().connected).toBe(false);
    }
  });
});

describe('Redis event sources and a server that changes', () => {
  it('read from the new master after a failover, although acknowledgements still go to the old one', async () => {
    const [a, b] = [await startServer(), await startServer()];
    const [oldMaster, newMaster] = [await startClient(a.server), await startClient(b.server)];
    const gate = await startGate(a.server.port);
    await newMaster.replicaof('127.0.0.1', a.server.port);
    const reading = readStream({ hostAddress: gate.address });
    const { ids } = acknowledgeAll(reading);
    await oldMaster.xadd('s', '*', 'n', 'before');
    await eventually(() => ids.length === 1);
    await eventually(async () => (await newMaster.xlen('s')) === 1);
    await newMaster.replicaof('NO', 'ONE');
    gate.leadTo(b.server.port);
    await oldMaster.replicaof('127.0.0.1', b.server.port);
    for (let index = 0; index < 300; index += 1) await newMaster.xadd('s', '*', 'n', index);
    await eventually(async () => {
      const [group] = (await newMaster.xinfo('GROUPS', 's')) as unknown[][];
      return ids.length >= 301 && group?.[group.indexOf('pending') + 1] === 0;
    });
    await eventually(() => reading.source.status().connected);
  });

  it('wait until a server at its client limit accepts them again', async () => {
    const { server, address } = await startServer();
    const client = await startClient(server);
    const readings = [subscribe({ hostAddress: address }), readStream({ hostAddress: address })];
    readings.forEach(acknowledgeAll);
    await eventually(() => readings.every(({ source }) => source.status().connected));
    await client.config('SET', 'maxclients', 1);
    await endConnections(client);
    await eventually(() => readings.every(({ source }) => source.status().problem?.includes('maxclients')));
    expect(readings.some(({ source }) => source.status().connected)).toBe(false);
    await client.config('SET', 'maxclients', 100);
    await eventually(() => readings.every(({ source }) => source.status().connected));
  });

  it('end with an error for the operator if the server requires a missing password', async () => {
    const { server, address } = await startServer();
    const client = await startClient(server);
    const readings = [subscribe({ hostAddress: address }), readStream({ hostAddress: address })];
    const ends = readings.map((reading) => acknowledgeAll(reading).ended);
    await eventually(() => readings.every(({ source }) => source.status().connected));
    await client.config('SET', 'requirepass', 'secret-1');
    await endConnections(client);
    for (const end of ends) expect((await failureOf(end)).code).toBe('EVENT_SOURCE_MISCONFIGURED');
  });

  it('read nothing if they may not acknowledge', async () => {
    const { server, address } = await startServer();
    const client = await startClient(server);
    await client.call('ACL', 'SETUSER', 'reader', 'on', '>secret', '~*', '+@all', '-xack');
    for (let index = 0; index < 20; index += 1) await client.xadd('s', '*', 'n', index);
    const reading = stop(
      readSource(
        redisStreamSource,
        { hostAddress: address, streams: ['s'], username: 'reader', password: { name: 'redis', key: 'password' } },
        {},
        { 'redis/password': 'secret' },
      ),
    );
    const { ids, ended } = acknowledgeAll(reading);
    expect(await failureOf(ended)).toMatchObject({
      code: 'EVENT_SOURCE_MISCONFIGURED',
      message: expect.stringContaining('NOPERM') as string,
    });
    expect(ids).toEqual([]);
  });
});
