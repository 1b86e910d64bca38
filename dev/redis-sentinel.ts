/** A Redis Sentinel, which watches a master and makes a replica the master when that one is gone. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { tools } from './binaries/catalogue';
import { findBinary } from './binaries/find-binary';
import { startOnFreePorts } from './processes/free-ports';
import { startServerProcess } from './processes/server-process';
import { createTemporaryFolder, removeFolder } from './processes/temporary-folder';
import { answersPing, type RunningRedis } from './redis';

export interface StartSentinelOptions {
  /** Name of the master. */
  readonly name: string;
  readonly master: Pick<RunningRedis, 'host' | 'port'>;
  /** Of the master and its replicas. */
  readonly masterPassword?: string;
  /** Of the Sentinel itself. */
  readonly password?: string;
}

export interface RunningSentinel {
  /** host:port */
  readonly address: string;
  stop(): Promise<void>;
}

const HOST = '127.0.0.1';
const DOWN_AFTER_MS = 1_000;

/** A quorum of its own: one Sentinel decides alone. */
export async function startSentinel(options: StartSentinelOptions): Promise<RunningSentinel> {
  const { name, master, masterPassword, password } = options;
  const binary = await findBinary(tools.redisServer);
  const folder = await createTemporaryFolder('sentinel');
  try {
    return await startOnFreePorts([undefined], async (port) => {
      const file = join(folder, 'sentinel.conf');
      const lines = [
        `bind ${HOST}`,
        `port ${port}`,
        ...(password === undefined ? [] : [`requirepass ${password}`]),
        `sentinel monitor ${name} ${master.host} ${master.port} 1`,
        `sentinel down-after-milliseconds ${name} ${DOWN_AFTER_MS}`,
        `sentinel failover-timeout ${name} 5000`,
        ...(masterPassword === undefined ? [] : [`sentinel auth-pass ${name} ${masterPassword}`]),
      ];
      // The Sentinel keeps what it learns in this file.
      await writeFile(file, `${lines.join('\n')}\n`);
      const server = await startServerProcess({
        name: 'redis-sentinel',
        command: binary,
        args: [file, '--sentinel'],
        folder,
        isReady: () => answersPing({ host: HOST, port, password, lazyConnect: true, retryStrategy: () => null }),
      });
      const stop = async (): Promise<void> => {
        await server.stop();
        await removeFolder(folder);
      };
      return { address: `${HOST}:${port}`, stop };
    });
  } catch (error) {
    await removeFolder(folder);
    throw error;
  }
}
