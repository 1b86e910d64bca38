import { existsSync, readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import Redis, { type RedisOptions } from 'ioredis';
import { startRedis, type RunningRedis, type StartRedisOptions } from '../../dev/servers';

async function withClient<T>(redis: RunningRedis, use: (client: Redis) => Promise<T>): Promise<T> {
  const options: RedisOptions = { retryStrategy: () => null, disconnectTimeout: 1 };
  if (redis.tls !== undefined) {
    options.tls = {
      ca: readFileSync(redis.tls.caPath),
      cert: readFileSync(redis.tls.clientCertificatePath),
      key: readFileSync(redis.tls.clientKeyPath),
    };
  }
  const client = new Redis(redis.url, options);
  // The command that fails for the same reason tells the test.
  client.on('error', () => undefined);
  try {
    return await use(client);
  } finally {
    client.disconnect();
  }
}

describe('a Redis of the launcher', () => {
  const variants: [string, StartRedisOptions][] = [
    ['open to everybody', { own: true }],
    ['with a password', { password: 'not so secret' }],
    ['with a user of its own', { aclUser: { name: 'reader', password: 'p' } }],
    ['with TLS', { tls: true, password: 'p' }],
    ['with client certificates', { tls: true, requireClientCertificate: true }],
  ];

  it.each(variants)('answers at its address: %s', async (_, options) => {
    const redis = await startRedis(options);
    try {
      const answer = await withClient(redis, (client) => client.ping());
      expect(answer).toBe('PONG');
    } finally {
      await redis.stop();
    }
  });

  it('rejects a client without the password', async () => {
    const redis = await startRedis({ password: 'p' });
    const answer = withClient({ ...redis, url: `redis://${redis.host}:${redis.port}` }, (client) => client.get('key'));
    await expect(answer).rejects.toThrow('NOAUTH');
    await redis.stop();
  });

  it('comes back on the same port with its data after an outage', async () => {
    const redis = await startRedis({ own: true });
    await withClient(redis, (client) => client.xadd('stream', '*', 'href', 'x'));
    await redis.stopKeepingData();
    await expect(withClient(redis, (client) => client.ping())).rejects.toThrow();
    await redis.restart();
    expect(await withClient(redis, (client) => client.xlen('stream'))).toBe(1);
    await redis.stop();
  });

  it('leaves no file behind, and may be stopped twice', async () => {
    const redis = await startRedis({ tls: true });
    const folder = dirname(redis.tls?.caPath ?? '');
    expect(existsSync(folder)).toBe(true);
    await redis.stop();
    await redis.stop();
    expect(existsSync(folder)).toBe(false);
  });

  it('shows the end of its log if it cannot start', async () => {
    const start = startRedis({ settings: ['--no-such-setting', 'x'] });
    await expect(start).rejects.toThrow('no-such-setting');
  });
});
