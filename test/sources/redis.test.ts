import Redis from 'ioredis';
import { startRedis } from '../../dev/servers';
import type { RedisEventSource } from '../../src/manifest/sources/redis';
import { redisSource } from '../../src/sources/redis';
import { describeSourceContract } from '../contract/source-contract';
import { eventually } from '../setup/eventually';

describeSourceContract<RedisEventSource>({
  factory: redisSource,
  // Redis forgets a message once it is sent: nothing before the start, nothing twice.
  capabilities: { keepsBacklog: false, deliversAgain: false, hasServer: true },
  async start() {
    const server = await startRedis({ own: true });
    const client = new Redis(server.url, { maxRetriesPerRequest: null });
    client.on('error', () => undefined);
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
