/** Opens one connection to a Redis server and verifies that a Redis server responds. */
import Redis, { type RedisOptions } from 'ioredis';
import { setTimeout as delay } from 'node:timers/promises';
import { errorCode, errorText } from '../../errors/foreign-errors';
import { requireAllowedHost } from '../blocked-addresses';
import { RedisMismatchError, redisErrorCode, redisVerdict } from './redis-errors';
import { speaksPlainRedis, speaksTls } from './redis-tls-mismatch';

/** From the first packet to the first reply. */
const ANSWER_WITHIN_MS = 6_000;
/** These already name the cause, so there is no need to check whether the server speaks TLS. */
const UNREACHABLE = ['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH'];

export interface OpenRedis {
  readonly client: Redis;
  /** Returns why the connection broke: commands report only that it did. */
  lastError(): unknown;
}

/** Throws errors of the network or the server, and AddressBlocked. The client never reconnects. */
export async function openRedis(
  options: RedisOptions & { readonly host: string; readonly port: number },
  signal: AbortSignal,
  expected: 'server' | 'sentinel' = 'server',
): Promise<OpenRedis> {
  await requireAllowedHost(options.host);
  signal.throwIfAborted();
  let lastError: unknown;
  const client = new Redis(options);
  client.on('error', (error: unknown) => (lastError = error));
  const disconnect = (): void => client.disconnect();
  signal.addEventListener('abort', disconnect, { once: true });
  const late = new AbortController();
  try {
    await Promise.race([greet(client, expected), failWhenLate(late.signal)]);
    signal.throwIfAborted();
    return { client, lastError: () => lastError };
  } catch (error) {
    client.disconnect();
    signal.throwIfAborted();
    const reason = redisErrorCode(error) === '' ? (lastError ?? error) : error;
    throw (await findMismatch(reason, options, signal)) ?? reason;
  } finally {
    late.abort();
    signal.removeEventListener('abort', disconnect);
  }
}

async function failWhenLate(signal: AbortSignal): Promise<never> {
  await delay(ANSWER_WITHIN_MS, undefined, { signal, ref: false }).catch(() => undefined);
  throw new Error(`no reply within ${ANSWER_WITHIN_MS / 1_000} s`);
}

/**
 * A first reply proves what a connection alone does not: behind a load balancer, or at its limit of clients, a server
 * accepts a connection and closes it immediately.
 */
async function greet(client: Redis, expected: 'server' | 'sentinel'): Promise<void> {
  await client.connect();
  if (expected === 'server' && (await isSentinel(client))) throw new RedisMismatchError('sentinel');
}

async function isSentinel(client: Redis): Promise<boolean> {
  for (const [command, isAnswer] of [
    ['HELLO', (reply: unknown): boolean => Array.isArray(reply) && reply[reply.indexOf('mode') + 1] === 'sentinel'],
    ['ROLE', (reply: unknown): boolean => Array.isArray(reply) && reply[0] === 'sentinel'],
  ] as const) {
    try {
      return isAnswer(await client.call(command));
    } catch (error) {
      // Redis before 6 has no HELLO, and a user may lack the rights to both.
      if (redisErrorCode(error) !== 'NOPERM' && !/unknown command/i.test(errorText(error))) throw error;
    }
  }
  return false;
}

async function findMismatch(
  error: unknown,
  { host, port, tls }: RedisOptions & { readonly host: string; readonly port: number },
  signal: AbortSignal,
): Promise<RedisMismatchError | undefined> {
  if (error instanceof RedisMismatchError || redisErrorCode(error) !== '') return undefined;
  if (UNREACHABLE.includes(errorCode(error))) return undefined;
  const isWrongVersion = /WRONG_VERSION_NUMBER|PACKET_LENGTH_TOO_LONG/.test(errorCode(error));
  if (tls !== undefined) {
    if (redisVerdict(error) !== 'transient' && !isWrongVersion) return undefined;
    return (await speaksPlainRedis({ host, port }, signal))
      ? new RedisMismatchError('server speaks no TLS')
      : undefined;
  }
  return (await speaksTls({ host, port }, signal)) ? new RedisMismatchError('server speaks TLS') : undefined;
}
