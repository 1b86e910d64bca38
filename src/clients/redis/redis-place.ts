/**
 * Which server is connected to: the one that a manifest names, the master that a Sentinel knows, or the node of a Redis
 * Cluster that has the keys.
 */
import { describeError, isSluiceError } from '../../errors/sluice-error';
import type { ConnectionOwner } from '../connection-owner';
import { openRedis } from './open-redis';
import { RedisMismatchError, movedTo } from './redis-errors';
import { redisOptions, type RedisLogin, type RedisServerSpec } from './redis-options';

/** A cluster whose nodes refer to each other without end. */
const MOST_REFERRALS = 8;

export class RedisPlace {
  private readonly addresses: readonly string[];
  private next = 0;
  /** The node to which another one has referred. */
  private node: string | undefined;
  private referrals = 0;

  constructor(
    private readonly spec: RedisServerSpec,
    private readonly owner: ConnectionOwner,
  ) {
    this.addresses = spec.hostAddress.split(',').map((address) => address.trim());
  }

  /** How many servers the manifest lists. */
  get size(): number {
    return this.addresses.length;
  }

  /** Returns the address of the server, `host:port`. Throws what connecting to a Sentinel throws. */
  async locate(login: RedisLogin, signal: AbortSignal): Promise<string> {
    if (this.node !== undefined) return this.node;
    const address = this.addresses[this.next] ?? '';
    const { sentinel } = this.spec;
    return sentinel === undefined ? address : await this.askSentinel(address, sentinel.master, login, signal);
  }

  /** Returns true if a node of a cluster refers to another one with this error: the next connection leads there. */
  follow(error: unknown): boolean {
    const address = movedTo(error);
    if (address === undefined || this.referrals >= MOST_REFERRALS) return false;
    this.referrals += 1;
    const host = (this.node ?? this.addresses[this.next] ?? '').replace(/:\d+$/, '');
    // A node that does not know its own address leaves out the host.
    this.node = address.startsWith(':') ? `${host}${address}` : address;
    return true;
  }

  /** Called when the connection does what it is for. */
  worked(): void {
    this.referrals = 0;
  }

  /** Called when the connection failed: the next one leads to another of the listed servers. */
  failed(): void {
    this.node = undefined;
    this.referrals = 0;
    this.next = (this.next + 1) % this.addresses.length;
  }

  private async askSentinel(address: string, master: string, login: RedisLogin, signal: AbortSignal): Promise<string> {
    const options = redisOptions({ ...this.spec, db: 0 }, address, login.sentinel, this.owner);
    try {
      const { client } = await openRedis(options, signal, 'sentinel');
      try {
        const reply: unknown = await client.call('SENTINEL', 'GET-MASTER-ADDR-BY-NAME', master);
        const [host, port] = Array.isArray(reply) ? reply.map(String) : [];
        if (host === undefined || port === undefined) throw new RedisMismatchError('unknown master');
        return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
      } finally {
        client.disconnect();
      }
    } catch (error) {
      signal.throwIfAborted();
      if (isSluiceError(error) || error instanceof RedisMismatchError) throw error;
      throw new SentinelError(address, error);
    }
  }
}

/** Says which of the servers failed; its code and verdict are those of the cause. */
class SentinelError extends Error {
  constructor(address: string, cause: unknown) {
    super(`${describeError(cause)} (Sentinel ${address})`, { cause });
    if (cause instanceof Error && 'code' in cause) Object.assign(this, { code: cause.code });
  }
}
