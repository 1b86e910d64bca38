/** Opens the socket of an ioredis client: with the check of its address, and with limits for the replies. */
import { AbstractConnector } from 'ioredis';
import type { Socket } from 'node:net';
import { connectGuarded } from '../guarded-socket';
import type { RedisCredentials } from './redis-options';
import { ReplyLimits } from './reply-limits';

interface GuardedAddress extends Pick<RedisCredentials, 'tls'> {
  readonly host: string;
  readonly port: number;
  readonly disconnectTimeout: number;
}

/** Returns a class, as ioredis makes the connector itself. */
export function connectorTo({
  host,
  port,
  tls,
  disconnectTimeout,
}: GuardedAddress): new (options: unknown) => AbstractConnector {
  return class GuardedConnector extends AbstractConnector {
    constructor() {
      super(disconnectTimeout);
    }

    async connect(): Promise<Socket> {
      this.connecting = true;
      // As ioredis itself: a caller may disconnect in the same turn.
      await new Promise((resolve) => process.nextTick(resolve));
      if (!this.connecting) throw new Error('Connection is closed.');
      const socket = connectGuarded({ host, port, ...(tls && { tls }) });
      const limits = new ReplyLimits();
      socket.prependListener('data', (chunk: Buffer) => {
        const problem = limits.add(chunk);
        if (problem !== undefined) socket.destroy(new Error(`the server is no Redis server to rely on: ${problem}`));
      });
      socket.once('error', (error: Error) => (this.firstError = error));
      this.stream = socket;
      return socket;
    }
  };
}
