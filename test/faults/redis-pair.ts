/** A Redis with a replica and a Sentinel, as the workers see it: one address, behind which the leader may change. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import Redis from 'ioredis';
import { tools } from '../../dev/binaries/catalogue';
import { findBinary } from '../../dev/binaries/find-binary';
import { startOnFreePorts } from '../../dev/processes/free-ports';
import { startServerProcess } from '../../dev/processes/server-process';
import { createTemporaryFolder, removeFolder } from '../../dev/processes/temporary-folder';
import { startRedis, type RunningRedis } from '../../dev/servers';
import type { TcpProxy } from './tcp-proxy';

const NAME = 'faults';
/** The Sentinel must not act by itself while a test stops the leader. */
const DOWN_AFTER_MS = 3_600_000;
const FAILOVER_WITHIN_MS = 120_000;

export interface RedisPair {
  leader(): RunningRedis;
  /** Has the Sentinel change the leader; the former one goes on as a replica that refuses writes. */
  changeLeader(proxy: TcpProxy): Promise<void>;
  stop(): Promise<void>;
}

export async function startRedisPair(): Promise<RedisPair> {
  const servers = await Promise.all([startRedis({ own: true }), startRedis({ own: true })]);
  const [first, second] = servers;
  let leader = first;
  const replica = new Redis(second.url);
  await replica.replicaof(first.host, first.port);
  replica.disconnect();
  const sentinel = await startSentinel(first.port);
  return {
    leader: () => leader,
    changeLeader: async (proxy) => {
      const client = new Redis(sentinel.port);
      client.on('error', () => undefined);
      try {
        const next = leader === first ? second : first;
        const deadline = Date.now() + FAILOVER_WITHIN_MS;
        for (let asked = false; ; await pause(200)) {
          const [, port] = (await client.call('SENTINEL', 'GET-MASTER-ADDR-BY-NAME', NAME)) as [string, string];
          if (Number(port) === next.port && (await isMaster(next))) break;
          // Refused while it does not know the replica yet, or an earlier change is not over.
          if (!asked)
            asked = await client.call('SENTINEL', 'FAILOVER', NAME).then(
              () => true,
              () => false,
            );
          if (Date.now() > deadline) throw new Error('the Sentinel did not change the leader');
        }
        leader = next;
        proxy.retarget(next.port);
      } finally {
        client.disconnect();
      }
    },
    stop: async () => {
      await sentinel.stop();
      await Promise.all(servers.map((server) => server.stop()));
    },
  };
}

async function isMaster({ url }: RunningRedis): Promise<boolean> {
  const client = new Redis(url);
  client.on('error', () => undefined);
  try {
    return (await client.info('replication')).includes('role:master');
  } finally {
    client.disconnect();
  }
}

async function startSentinel(leaderPort: number): Promise<{ port: number; stop: () => Promise<void> }> {
  const command = await findBinary(tools.redisServer);
  const folder = await createTemporaryFolder('sentinel');
  return startOnFreePorts([undefined], async (port) => {
    const path = join(folder, 'sentinel.conf');
    const lines = [
      `port ${port}`,
      'bind 127.0.0.1',
      `dir ${folder}`,
      `sentinel monitor ${NAME} 127.0.0.1 ${leaderPort} 1`,
      `sentinel down-after-milliseconds ${NAME} ${DOWN_AFTER_MS}`,
      `sentinel failover-timeout ${NAME} 5000`,
    ];
    await writeFile(path, lines.join('\n'));
    const server = await startServerProcess({
      name: 'sentinel',
      command,
      args: [path, '--sentinel'],
      folder,
      isReady: async () => {
        const client = new Redis({ port, lazyConnect: true, retryStrategy: () => null });
        client.on('error', () => undefined);
        try {
          await client.connect();
          return (await client.ping()) === 'PONG';
        } finally {
          client.disconnect();
        }
      },
    });
    return {
      port,
      stop: async () => {
        await server.stop();
        await removeFolder(folder);
      },
    };
  });
}
