import type Redis from 'ioredis';
import { startRedis, type RunningRedis } from '../../dev/servers';
import type { SourceContext, SourceFactory } from '../../src/sources/source';
import type { SourceFixture } from '../contract-suites/source-contract';
import { eventually } from '../setup/eventually';
import { hangRedis, rotatePassword } from '../setup/redis-faults';
import { startTcpGate } from '../setup/tcp-gate';
import { connectToRedis, readSource, type SourceReading } from './read-source';

type Faults = 'secrets' | 'gate' | 'rotatePassword' | 'hangServer' | 'restartServer' | 'stop';

export interface RedisServerFixture extends Required<Pick<SourceFixture<unknown>, Faults>> {
  readonly client: Redis;
  /** For the spec: through the gate, with the password that holds. */
  readonly access: { readonly hostAddress: string; readonly password: { readonly name: string; readonly key: string } };
}

/** A Redis server with a password, behind a gate, with all faults that the contract asks for but the right to take away. */
export async function startRedisFixture(): Promise<RedisServerFixture> {
  const server = await startRedis({ own: true, password: 'secret-1' });
  const gate = await startTcpGate(server.port);
  const client = connectToRedis(server);
  const secrets = { 'redis/password': 'secret-1' };
  return {
    client,
    access: { hostAddress: `${gate.host}:${gate.port}`, password: { name: 'redis', key: 'password' } },
    secrets,
    gate,
    async rotatePassword() {
      await rotatePassword(client, 'secret-2');
      secrets['redis/password'] = 'secret-2';
    },
    hangServer: () => hangRedis(client),
    restartServer: () => server.restart(),
    async stop() {
      client.disconnect();
      await gate.stop();
      await server.stop();
    },
  };
}

export interface SharedRedis {
  readonly client: Redis;
  readonly hostAddress: string;
  /** Reads with a source of its own, until the test ends. */
  read<Spec extends { readonly hostAddress: string }>(
    factory: SourceFactory<Spec>,
    spec: Omit<Spec, 'hostAddress'>,
    overrides?: Partial<SourceContext>,
  ): SourceReading;
}

/** One Redis server for all tests of a suite; empty, and without subscribers, at the start of each. */
export function useRedis(): SharedRedis {
  let server: RunningRedis;
  let client: Redis;
  const open: SourceReading[] = [];
  beforeAll(async () => {
    server = await startRedis({ own: true });
    client = connectToRedis(server);
  });
  afterEach(async () => {
    await Promise.all(open.splice(0).map((reading) => reading.stop()));
    await client.flushall();
    await eventually(async () => (await client.pubsub('CHANNELS')).length === 0);
  });
  afterAll(async () => {
    client?.disconnect();
    await server?.stop();
  });
  return {
    get client() {
      return client;
    },
    get hostAddress() {
      return `${server.host}:${server.port}`;
    },
    read<Spec extends { readonly hostAddress: string }>(
      factory: SourceFactory<Spec>,
      spec: Omit<Spec, 'hostAddress'>,
      overrides?: Partial<SourceContext>,
    ) {
      const reading = readSource(factory, { hostAddress: this.hostAddress, ...spec } as unknown as Spec, overrides);
      open.push(reading);
      return reading;
    },
  };
}
