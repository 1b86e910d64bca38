/** Connection options for one Redis server, from the manifest and its Secrets. */
import type { RedisOptions } from 'ioredis';
import { connectorTo } from './guarded-connector';
import { resolveHostAlias } from './host-aliases';
import type { KeySelector } from '../../kubernetes/secrets';
import type { TlsConfig } from '../../manifest/common';
import { readTls, type TlsSecret } from '../tls';
import type { ConnectionOwner } from '../connection-owner';

/** If a pending command gets no reply for this long, the connection is dead, whatever TCP believes. */
const SILENCE_MS = 10_000;
/** Until the socket is open, TLS included. */
export const CONNECT_WITHIN_MS = 4_000;

export interface RedisServerSpec {
  /** host:port; several with commas between them are nodes of one Cluster, or Sentinels of one master. */
  readonly hostAddress: string;
  readonly sentinel?: {
    readonly master: string;
    readonly username?: string;
    readonly password?: KeySelector;
  };
  readonly username?: string;
  readonly password?: KeySelector;
  readonly db?: number;
  readonly tls?: TlsConfig;
}

/** A secret that a Redis server may need, by the field that names it. */
export type RedisSecret = 'password' | TlsSecret;

/** For the server itself, and for the Sentinels that know it. */
export interface RedisLogin {
  readonly server: RedisCredentials;
  readonly sentinel: RedisCredentials;
}

export type RedisCredentials = Pick<RedisOptions, 'username' | 'password' | 'tls'>;

/** Returns credentials and TLS trust as ioredis takes them. Throws what `read` throws. */
export async function readRedisCredentials(
  { username, password, tls: block }: Pick<RedisServerSpec, 'username' | 'password' | 'tls'>,
  read: (selector: KeySelector, field: RedisSecret) => Promise<string>,
): Promise<RedisCredentials> {
  const [secretPassword, tls] = await Promise.all([password && read(password, 'password'), readTls(block, read)]);
  return {
    ...(username !== undefined && username !== '' && { username }),
    ...(secretPassword !== undefined && { password: secretPassword }),
    ...(tls && { tls }),
  };
}

/** Throws SECRET_MISSING and other errors of the secret reader. */
export async function readLogin(spec: RedisServerSpec, owner: ConnectionOwner): Promise<RedisLogin> {
  const read = (selector: KeySelector): Promise<string> => owner.secrets.secret(owner.namespace, selector);
  const { username, password } = spec.sentinel ?? {};
  const [server, sentinel] = await Promise.all([
    readRedisCredentials(spec, read),
    readRedisCredentials({ username, password, tls: spec.tls }, read),
  ]);
  return { server, sentinel };
}

/**
 * Returns options for one connection, which never reconnects by itself: ioredis would retry old credentials and
 * resubscribe without handling a refusal. Throws the owner's error for an address that is not host:port.
 */
export function redisOptions(
  { db = 0 }: Pick<RedisServerSpec, 'db'>,
  address: string,
  credentials: RedisCredentials,
  owner: ConnectionOwner,
): RedisOptions & { readonly host: string; readonly port: number } {
  const { host, port } = parseHostAddress(resolveHostAlias(address), owner);
  // The client waits this long even for a connection that is already closed.
  const disconnectTimeout = 100;
  return {
    host,
    port,
    Connector: connectorTo({ host, port, disconnectTimeout, tls: credentials.tls }),
    db,
    ...credentials,
    // Every server version speaks it, and stream replies have one shape.
    protocol: 2,
    lazyConnect: true,
    disableClientInfo: true,
    // Requires the right to INFO, which a restricted user lacks. A loading server reports that to our own commands.
    enableReadyCheck: false,
    autoResubscribe: false,
    // A read whose reply was lost must not be resent silently: its entries are pending and are read from there.
    autoResendUnfulfilledCommands: false,
    enableOfflineQueue: false,
    // Commands in flight when the connection is lost fail immediately, instead of waiting forever.
    maxRetriesPerRequest: 0,
    socketTimeout: SILENCE_MS,
    connectTimeout: CONNECT_WITHIN_MS,
    disconnectTimeout,
    retryStrategy: () => null,
  };
}

function parseHostAddress(address: string, owner: ConnectionOwner): { host: string; port: number } {
  const match = /^(?:\[(?<ipv6>[^\]]+)\]|(?<name>[^:]*)):(?<port>\d+)$/.exec(address.trim());
  const host = match?.groups?.ipv6 ?? match?.groups?.name;
  if (!host) {
    throw owner.failure('misconfigured', {
      message: `hostAddress is "${address}"`,
      fix: 'Write host:port, for example redis-service:6379; several of one Cluster with commas between them.',
    });
  }
  return { host, port: Number(match?.groups?.port) };
}
