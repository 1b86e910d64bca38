/** Connections to one Redis server: options from a manifest, patience, and what its errors mean. */
import Redis, { type RedisOptions } from 'ioredis';
import { errorCode, errorText } from '../error-detail';
import { SluiceError, describeError } from '../errors';
import { resolveHostAlias } from '../host-aliases';
import type { KeySelector } from '../kubernetes/secrets';
import type { TlsConfig } from '../manifest/common';
import { describeSource } from './describe-source';
import type { SourceContext } from './source';

const LOG_EVERY_MS = 5_000;
/** No answer to a pending command for this long: the connection is dead, whatever TCP believes. */
const SILENCE_MS = 10_000;

export interface RedisServerSpec {
  /** host:port */
  readonly hostAddress: string;
  readonly username?: string;
  readonly password?: KeySelector;
  readonly db?: number;
  readonly tls?: TlsConfig;
}

/** A secret that a Redis server may need, by the field that names it. */
export type RedisSecret = 'password' | 'caCertSecret' | 'clientCertSecret' | 'clientKeySecret';

/** Who to be and whom to trust, as ioredis takes it. Throws what `read` throws. */
export async function readRedisCredentials(
  { username, password, tls }: Pick<RedisServerSpec, 'username' | 'password' | 'tls'>,
  read: (selector: KeySelector, field: RedisSecret) => Promise<string>,
): Promise<Pick<RedisOptions, 'username' | 'password' | 'tls'>> {
  const secret = (selector: KeySelector | undefined, field: RedisSecret): Promise<string> | undefined =>
    selector && read(selector, field);
  const [secretPassword, ca, cert, key] = await Promise.all([
    secret(password, 'password'),
    secret(tls?.caCertSecret, 'caCertSecret'),
    secret(tls?.clientCertSecret, 'clientCertSecret'),
    secret(tls?.clientKeySecret, 'clientKeySecret'),
  ]);
  return {
    ...(username !== undefined && username !== '' && { username }),
    ...(secretPassword !== undefined && { password: secretPassword }),
    ...(tls && { tls: { ca, cert, key, rejectUnauthorized: tls.insecureSkipVerify !== true } }),
  };
}

/** Throws SECRET_MISSING and EVENT_SOURCE_MISCONFIGURED. */
export async function redisOptions(spec: RedisServerSpec, context: SourceContext): Promise<RedisOptions> {
  const credentials = await readRedisCredentials(spec, (selector) =>
    context.secrets.secret(context.namespace, selector),
  );
  const { host, port } = parseHostAddress(resolveHostAlias(spec.hostAddress), context);
  return {
    host,
    port,
    db: spec.db ?? 0,
    ...credentials,
    // Every server version speaks it, and stream replies have one shape.
    protocol: 2,
    lazyConnect: true,
    disableClientInfo: true,
    // Needs the right to INFO, which a restricted user lacks. A server that is loading says so to our own commands.
    enableReadyCheck: false,
    // A read whose answer was lost must not be sent again silently: its entries are pending and are read from there.
    autoResendUnfulfilledCommands: false,
    enableOfflineQueue: false,
    // Commands under way when the connection is lost fail then, instead of never being answered.
    maxRetriesPerRequest: 0,
    socketTimeout: SILENCE_MS,
    // The client waits this long even for a connection that is closed already.
    disconnectTimeout: 100,
    retryStrategy: (times) => Math.min(100 * times, 1_000),
  };
}

function parseHostAddress(address: string, context: SourceContext): { host: string; port: number } {
  const match = /^(?:\[(?<ipv6>[^\]]+)\]|(?<name>[^:]*)):(?<port>\d+)$/.exec(address.trim());
  const host = match?.groups?.ipv6 ?? match?.groups?.name;
  if (!host) {
    throw new SluiceError('EVENT_SOURCE_MISCONFIGURED', {
      message: `${describeSource(context)}: hostAddress is "${address}"`,
      fix: 'Write host:port, for example redis-service:6379.',
      context: { eventSource: context.eventSourceName, event: context.eventName },
    });
  }
  return { host, port: Number(match?.groups?.port) };
}

/**
 * A client that reconnects for ever. `ready` resolves when it is connected, and rejects once waiting cannot help
 * (wrong password, no TLS) or the signal aborts.
 */
export class PatientRedis {
  readonly client: Redis;
  private lastError: unknown;
  private loggedAt = -Infinity;
  private wasConnected = false;
  private started = false;

  constructor(
    options: RedisOptions,
    private readonly address: string,
    private readonly context: SourceContext,
    /** Several connections to one server say it once. */
    private readonly isQuiet = false,
  ) {
    this.client = new Redis(options);
    this.client.on('error', (error: unknown) => {
      this.lastError = error;
      this.logWaiting(error);
    });
    this.client.on('ready', () => this.logReady());
    this.client.on('close', () => {
      if (this.wasConnected && this.client.status !== 'end') this.logWaiting(this.lastError);
    });
  }

  isConnected(): boolean {
    return this.client.status === 'ready';
  }

  async ready(signal: AbortSignal): Promise<void> {
    for (;;) {
      signal.throwIfAborted();
      if (isBeyondWaiting(this.lastError)) throw sourceError(this.lastError, this.address, this.context);
      if (this.isConnected()) return;
      if (!this.started) {
        this.started = true;
        // Its failure is an 'error' event too, and the client goes on trying.
        await this.client.connect().catch((error: unknown) => (this.lastError ??= error));
        continue;
      }
      await this.nextEvent(signal);
    }
  }

  close(): void {
    this.client.disconnect();
  }

  private nextEvent(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const events = ['ready', 'error', 'close', 'end'] as const;
      const done = (): void => {
        for (const event of events) this.client.off(event, done);
        signal.removeEventListener('abort', done);
        resolve();
      };
      for (const event of events) this.client.on(event, done);
      signal.addEventListener('abort', done);
    });
  }

  private logReady(): void {
    // Without a ready check, the client counts as ready before the server has looked at the password.
    if (!isBeyondWaiting(this.lastError)) this.lastError = undefined;
    this.loggedAt = -Infinity;
    if (!this.isQuiet)
      this.context.log('info', `${this.wasConnected ? 'Redis is back' : 'connected to Redis'} at ${this.address}`);
    this.wasConnected = true;
  }

  private logWaiting(error: unknown): void {
    if (this.isQuiet || performance.now() - this.loggedAt < LOG_EVERY_MS) return;
    this.loggedAt = performance.now();
    const what = this.wasConnected ? 'lost Redis' : 'waiting for Redis';
    this.context.log('warn', `${what} at ${this.address}${error === undefined ? '' : `: ${describeError(error)}`}`);
  }
}

/** Connects once, asks something, disconnects: for `check`. */
export async function probeRedis(
  options: RedisOptions,
  address: string,
  context: SourceContext,
  ask: (client: Redis) => Promise<void>,
): Promise<void> {
  const client = new Redis({ ...options, retryStrategy: () => null });
  let lastError: unknown;
  client.on('error', (error: unknown) => (lastError = error));
  try {
    await client.connect();
    await client.ping();
    await ask(client);
  } catch (error) {
    throw sourceError(lastError ?? error, address, context);
  } finally {
    client.disconnect();
  }
}

/** What Redis or the network said, as one of our errors. */
export function sourceError(error: unknown, address: string, context: SourceContext): SluiceError {
  const isFinal = isBeyondWaiting(error);
  return new SluiceError(isFinal ? 'EVENT_SOURCE_MISCONFIGURED' : 'EVENT_SOURCE_UNREACHABLE', {
    message: `${describeSource(context)}: Redis at ${address}: ${describeError(error)}`,
    fix: isFinal ? repairOf(error) : 'Check that Redis runs there.',
    context: { eventSource: context.eventSourceName, event: context.eventName },
    cause: withoutCommand(error),
  });
}

function repairOf(error: unknown): string {
  return redisErrorCode(error) === 'WRONGTYPE'
    ? 'Under a name in `streams` lies something else than a stream: name another one, or remove what is there.'
    : 'Check user, password, rights, TLS and database of the event source.';
}

/** The client's errors carry the command that failed, and the arguments of AUTH are a password. */
export function withoutCommand(error: unknown): Error {
  const code = errorCode(error);
  const bare = new Error(errorText(error));
  return code === '' ? bare : Object.assign(bare, { code });
}

/** The first word of a Redis error reply is its code; the rest is prose that changes between versions. */
export function redisErrorCode(error: unknown): string {
  return /^-?([A-Z]{3,})\b/.exec(errorText(error))?.[1] ?? '';
}

/** Groups are lost with their stream: FLUSHALL, DEL, eviction, a fail-over to an empty replica. */
export function isMissingGroup(error: unknown): boolean {
  // UNBLOCKED is what a blocked reader of Redis 7.0 is told when its stream is deleted.
  return ['NOGROUP', 'UNBLOCKED'].includes(redisErrorCode(error));
}

/** True for what a person must repair: access denied, a key of another type, TLS that does not fit. */
export function isBeyondWaiting(error: unknown): boolean {
  if (['WRONGPASS', 'NOAUTH', 'NOPERM', 'WRONGTYPE'].includes(redisErrorCode(error))) return true;
  // Some have no code of their own.
  const prose =
    /DB index is out of range|invalid DB index|AUTH.*called without any password|user executing the script/i;
  if (prose.test(errorText(error))) return true;
  return /^(ERR_TLS|ERR_SSL|CERT_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO_)/.test(errorCode(error));
}
