/**
 * A connection to one Redis server that is reopened whenever it fails: with back-off, with the current Secrets, and
 * only as long as waiting can help.
 */
import type Redis from 'ioredis';
import { isSluiceError } from '../../errors/sluice-error';
import { unlessAborted } from '../../concurrency/open-while-wanted';
import { openRedis, type OpenRedis } from './open-redis';
import { describeRedisProblem, redisErrorCode, redisFailure, redisVerdict } from './redis-errors';
import { readLogin, redisOptions, type RedisLogin, type RedisServerSpec } from './redis-options';
import { RedisPlace } from './redis-place';
import type { ConnectionOwner } from '../connection-owner';
import { KnownSettings } from '../known-settings';
import { Reconnection } from '../reconnection';

export interface RedisLinkOptions {
  readonly spec: RedisServerSpec;
  readonly owner: ConnectionOwner;
  /** Several connections to one server log once. */
  readonly isQuiet?: boolean;
  /** Its reader may stop taking data for a time: silence then does not indicate a dead connection. */
  readonly isSubscriber?: boolean;
}

export class RedisLink {
  private current: OpenRedis | undefined;
  private opening: Promise<OpenRedis> | undefined;
  private readonly login: KnownSettings<RedisLogin>;
  private readonly place: RedisPlace;
  private readonly reconnection: Reconnection;
  private readonly judged = new WeakSet<Redis>();
  private readonly referred = new WeakSet<Redis>();
  private readonly closing = new AbortController();

  constructor(private readonly options: RedisLinkOptions) {
    const log = options.isQuiet === true ? () => undefined : options.owner.log;
    this.reconnection = new Reconnection(`Redis at ${options.spec.hostAddress}`, log);
    this.login = new KnownSettings(() => readLogin(options.spec, options.owner));
    this.place = new RedisPlace(options.spec, options.owner);
  }

  /** Returns undefined while the connection works. */
  problem(): string | undefined {
    return this.reconnection.problem();
  }

  isOpen(): boolean {
    return this.current !== undefined;
  }

  /**
   * Returns the open connection, or a new one as soon as there is one. Throws the owner's error once waiting
   * cannot help, the secret reader's error if the secrets were never read, and the signal's reason.
   */
  async client(signal: AbortSignal): Promise<Redis> {
    signal.throwIfAborted();
    if (this.current !== undefined) return this.current.client;
    if (this.opening === undefined) {
      this.opening = this.open().finally(() => (this.opening = undefined));
      // Each waiting caller handles the error; there may be none left.
      this.opening.catch(() => undefined);
    }
    const { client } = await unlessAborted(this.opening, signal);
    return client;
  }

  /** Called when a command or subscription has succeeded. */
  worked(): void {
    this.place.worked();
    this.reconnection.worked();
  }

  /**
   * Called when an operation on `client` failed: drops that connection, so that the next call of `client` opens another
   * after a pause. Throws the owner's error if waiting cannot help.
   */
  failed(error: unknown, client: Redis | undefined): void {
    if (isSluiceError(error)) throw error;
    if (this.follow(error, client)) return;
    const isCurrent = client !== undefined && this.current?.client === client;
    const reason = isCurrent && redisErrorCode(error) === '' ? (this.current?.lastError() ?? error) : error;
    if (client !== undefined && this.judged.has(client)) {
      if (redisVerdict(reason) === 'permanent') throw redisFailure(reason, this.address(), this.options.owner);
      return;
    }
    if (client !== undefined) this.judged.add(client);
    if (isCurrent) this.drop();
    this.note(reason);
  }

  /** Returns true if the server refers to another node of its cluster: the next call of `client` connects to that one. */
  follow(error: unknown, client: Redis | undefined): boolean {
    if (client === undefined || redisErrorCode(error) !== 'MOVED') return false;
    // Several commands of one connection are referred at the same time.
    if (this.referred.has(client)) return true;
    if (!this.place.follow(error)) return false;
    this.referred.add(client);
    this.judged.add(client);
    if (this.current?.client === client) this.drop();
    return true;
  }

  /** Disconnects; the next call of `client` connects again. */
  drop(): void {
    if (this.current === undefined) return;
    const { client } = this.current;
    this.current = undefined;
    // Later failures on this connection are caused by the disconnect.
    this.judged.add(client);
    client.disconnect();
  }

  close(): void {
    this.closing.abort();
    this.drop();
  }

  private async open(): Promise<OpenRedis> {
    const { signal } = this.closing;
    for (;;) {
      await this.reconnection.pause(signal);
      const { spec, owner } = this.options;
      const login = await this.login.read(signal);
      try {
        const options = redisOptions(spec, await this.place.locate(login, signal), login.server, owner);
        if (this.options.isSubscriber === true) delete options.socketTimeout;
        const opened = await openRedis(options, signal);
        this.take(opened);
        return opened;
      } catch (error) {
        signal.throwIfAborted();
        if (isSluiceError(error)) throw error;
        this.note(error);
      }
    }
  }

  private take(opened: OpenRedis): void {
    this.current = opened;
    opened.client.once('end', () => {
      if (this.current !== opened) return;
      this.current = undefined;
      this.judged.add(opened.client);
      // There may be no command in flight, so the reason for the end is reported here.
      this.noteFailure(opened.lastError() ?? new Error('the connection was closed'));
    });
  }

  /** Throws the owner's error if waiting cannot help. */
  private note(error: unknown): void {
    if (!this.noteFailure(error)) throw redisFailure(error, this.address(), this.options.owner);
  }

  private noteFailure(error: unknown): boolean {
    this.place.failed();
    return this.reconnection.failed(describeRedisProblem(error), redisVerdict(error));
  }

  private address(): string {
    return this.options.spec.hostAddress;
  }
}

/** Connects, runs one query, disconnects: for `check`. Each listed server is tried once. */
export async function probeRedis(
  { spec, owner }: Pick<RedisLinkOptions, 'spec' | 'owner'>,
  ask: (client: Redis) => Promise<void>,
): Promise<void> {
  const login = await readLogin(spec, owner);
  const place = new RedisPlace(spec, owner);
  for (let others = place.size - 1; ;) {
    try {
      const options = redisOptions(spec, await place.locate(login, owner.signal), login.server, owner);
      const { client } = await openRedis(options, owner.signal);
      try {
        return await ask(client);
      } finally {
        client.disconnect();
      }
    } catch (error) {
      if (isSluiceError(error)) throw error;
      if (place.follow(error)) continue;
      if (redisVerdict(error) !== 'transient' || others === 0) throw redisFailure(error, spec.hostAddress, owner);
      others -= 1;
      place.failed();
    }
  }
}
