/**
 * A connection to one Redis server that is reopened whenever it fails: with back-off, with the current Secrets, and
 * only as long as waiting can help.
 */
import type Redis from 'ioredis';
import { setTimeout as delay } from 'node:timers/promises';
import { isSluiceError } from '../../errors/sluice-error';
import { unlessAborted } from '../../concurrency/open-while-wanted';
import { openRedis, type OpenRedis } from './open-redis';
import { describeRedisProblem, redisErrorCode, redisFailure, redisVerdict } from './redis-errors';
import { readCredentials, redisOptions, type RedisCredentials, type RedisServerSpec } from './redis-options';
import type { ConnectionOwner } from '../connection-owner';

const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 5_000;
const SETTLED_AFTER_MS = 5_000;
const LOG_EVERY_MS = 5_000;
/** After a rotation, server and Secret change one after the other, and a Secret is cached for ten seconds. */
const REFUSED_FOR_MS = 12_000;
/** A reconnection must not depend on the Kubernetes API: the last known credentials will usually work. */
const SECRETS_WITHIN_MS = 3_000;

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
  private credentials: RedisCredentials | undefined;
  private failure: unknown;
  private failures = 0;
  private readyAt = 0;
  private refusedSince: number | undefined;
  private hasWorked = false;
  private workedSince: number | undefined;
  private loggedAt = -Infinity;
  private readonly judged = new WeakSet<Redis>();
  private readonly closing = new AbortController();

  constructor(private readonly options: RedisLinkOptions) {}

  /** Returns undefined while the connection works. */
  problem(): string | undefined {
    return this.failure === undefined ? undefined : describeRedisProblem(this.failure, this.address());
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
    const isNews = !this.hasWorked || this.failure !== undefined;
    if (isNews && this.options.isQuiet !== true) {
      this.options.owner.log('info', `${this.hasWorked ? 'Redis is back' : 'connected to Redis'} at ${this.address()}`);
    }
    this.hasWorked = true;
    this.workedSince ??= performance.now();
    this.failure = undefined;
    this.refusedSince = undefined;
    this.loggedAt = -Infinity;
  }

  /**
   * Called when an operation on `client` failed: drops that connection, so that the next call of `client` opens another
   * after a pause. Throws the owner's error if waiting cannot help.
   */
  failed(error: unknown, client: Redis | undefined): void {
    if (isSluiceError(error)) throw error;
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
      await delay(Math.max(0, this.readyAt - performance.now()), undefined, { signal, ref: false });
      const options = redisOptions(this.options.spec, await this.readCredentials(), this.options.owner);
      try {
        if (this.options.isSubscriber === true) delete options.socketTimeout;
        const opened = await openRedis(options, signal);
        this.take(opened);
        return opened;
      } catch (error) {
        signal.throwIfAborted();
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
      this.notePatiently(opened.lastError() ?? new Error('the connection was closed'));
    });
  }

  private note(error: unknown): void {
    this.notePatiently(error);
    if (this.isPermanent(error)) throw redisFailure(error, this.address(), this.options.owner);
  }

  private notePatiently(error: unknown): void {
    this.failure = error;
    // A connection that works only for a moment each time is a recurring fault.
    if (this.workedSince !== undefined && performance.now() - this.workedSince > SETTLED_AFTER_MS) this.failures = 0;
    this.workedSince = undefined;
    const pauseMs = Math.min(FIRST_PAUSE_MS * 2 ** this.failures, LONGEST_PAUSE_MS);
    this.failures += 1;
    // Many sources may lose one server at the same moment.
    this.readyAt = performance.now() + pauseMs * (0.75 + Math.random() / 4);
    this.log();
  }

  private isPermanent(error: unknown): boolean {
    switch (redisVerdict(error)) {
      case 'transient':
        this.refusedSince = undefined;
        return false;
      case 'permanent':
        return true;
      case 'credentials':
        if (!this.hasWorked) return true;
        this.refusedSince ??= performance.now();
        return performance.now() - this.refusedSince > REFUSED_FOR_MS;
    }
  }

  private async readCredentials(): Promise<RedisCredentials> {
    const { spec, owner } = this.options;
    const reading = readCredentials(spec, owner);
    const known = this.credentials;
    if (known === undefined) return (this.credentials = await unlessAborted(reading, this.closing.signal));
    const late = delay(SECRETS_WITHIN_MS, known, { signal: this.closing.signal, ref: false });
    this.credentials = await Promise.race([reading.catch(() => known), late]);
    return this.credentials;
  }

  private log(): void {
    if (this.options.isQuiet === true || performance.now() - this.loggedAt < LOG_EVERY_MS) return;
    this.loggedAt = performance.now();
    const what = this.hasWorked ? 'lost' : 'waiting for';
    this.options.owner.log('warn', `${what} ${this.problem() ?? this.address()}`);
  }

  private address(): string {
    return this.options.spec.hostAddress;
  }
}

/** Connects once, runs one query, disconnects: for `check`. */
export async function probeRedis(
  { spec, owner }: Pick<RedisLinkOptions, 'spec' | 'owner'>,
  ask: (client: Redis) => Promise<void>,
): Promise<void> {
  const options = redisOptions(spec, await readCredentials(spec, owner), owner);
  try {
    const { client } = await openRedis(options, owner.signal);
    try {
      await ask(client);
    } finally {
      client.disconnect();
    }
  } catch (error) {
    if (isSluiceError(error)) throw error;
    throw redisFailure(error, spec.hostAddress, owner);
  }
}
