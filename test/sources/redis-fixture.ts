import type Redis from 'ioredis';
import { startRedis } from '../../dev/servers';
import type { SourceFixture } from '../contract-suites/source-contract';
import { hangRedis, rotatePassword } from '../setup/redis-faults';
import { startTcpGate } from '../setup/tcp-gate';
import { connectToRedis } from './read-source';

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
