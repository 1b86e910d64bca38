import Redis from 'ioredis';
import { startRedis } from '../../dev/servers';
import type { RedisStreamEventSource } from '../../src/manifest/sources/redis';
import { redisStreamSource } from '../../src/sources/redis-stream';
import { describeSourceContract } from '../contract/source-contract';

describeSourceContract<RedisStreamEventSource>({
  factory: redisStreamSource,
  capabilities: { keepsBacklog: true, deliversAgain: true, hasServer: true },
  async start() {
    const server = await startRedis({ own: true });
    const client = new Redis(server.url, { maxRetriesPerRequest: null });
    client.on('error', () => undefined);
    const hostAddress = `${server.host}:${server.port}`;
    return {
      spec: { hostAddress, streams: ['stac-events'], consumerGroup: 'acme' },
      unreachableSpec: { hostAddress: '127.0.0.1:1', streams: ['stac-events'] },
      async send(text) {
        await client.xadd('stac-events', '*', 'text', text);
      },
      textOf: (event) => (event.data as { values: { text: string } }).values.text,
      restartServer: () => server.restart(),
      async stop() {
        client.disconnect();
        await server.stop();
      },
    };
  },
});
