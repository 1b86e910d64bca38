/**
 * Connections to the Redis servers that outcomes are written to, one for each server and set of credentials.
 *
 * Temporal retries, so a failed or lost connection is not repaired: the next attempt opens another one with the current
 * secrets. That is how a rotated password takes effect.
 */
import Redis, { type RedisOptions } from 'ioredis';
import { describeError, isSluiceError, SluiceError } from '../../src/errors/sluice-error';
import { resolveHostAlias } from '../../src/clients/redis/host-aliases';
import type { KeySelector, SecretReader } from '../../src/kubernetes/secrets';
import {
  listOutcomeRedisSecrets,
  OUTCOME_REDIS_SECRETS,
  type OutcomeRedisAccess,
  type OutcomeRedisSecret,
} from '../../src/manifest/outcome-redis';
import { isPermanent, withoutCommand } from '../../src/clients/redis/redis-errors';
import { connectorTo } from '../../src/clients/redis/guarded-connector';
import { readRedisCredentials } from '../../src/clients/redis/redis-options';
import type { ObjectName } from '../../src/contract/definitions';

export interface OutcomeRedis {
  readonly sensor: ObjectName;
  /** host:port */
  readonly address: string;
  readonly access?: OutcomeRedisAccess;
}

interface Connection {
  readonly client: Redis;
  /** Credentials that it was opened with. */
  readonly credentials: string;
  readonly ready: Promise<void>;
}

/** A connection without a response to a command for this long is dead, even if TCP considers it open. */
const SILENCE_MS = 10_000;
const DISCONNECT_MS = 100;

export class OutcomeRedisConnections {
  private readonly open = new Map<string, Connection>();
  private isClosed = false;

  constructor(private readonly secrets: SecretReader) {}

  /** Throws SECRET_MISSING, OUTCOME_REFUSED and TRIGGER_UNREACHABLE; a retry succeeds once the cause is fixed. */
  async connect(server: OutcomeRedis): Promise<Redis> {
    const options = await this.readOptions(server);
    const credentials = JSON.stringify(options);
    const key = JSON.stringify([server.sensor.namespace, server.address, server.access]);
    const known = this.open.get(key);
    if (known?.credentials === credentials) {
      await known.ready;
      return known.client;
    }
    if (this.isClosed) throw outcomeRedisError(new Error('the worker is shutting down'), server);
    // Commands in flight on it complete.
    known?.client.quit().catch(() => undefined);
    const connection = openConnection(server, options, credentials);
    this.open.set(key, connection);
    connection.client.on('end', () => {
      if (this.open.get(key) === connection) this.open.delete(key);
    });
    await connection.ready;
    return connection.client;
  }

  /** No connection opens after this call, even if it was requested before. */
  close(): void {
    this.isClosed = true;
    for (const { client } of this.open.values()) client.disconnect();
    this.open.clear();
  }

  private async readOptions({ sensor, address, access = {} }: OutcomeRedis): Promise<RedisOptions> {
    const [, host = '', port = ''] = /^\[?(.*?)\]?:(\d+)$/.exec(resolveHostAlias(address)) ?? [];
    const credentials = await readRedisCredentials(access, (selector, field) =>
      this.readSecret(sensor, selector, field),
    );
    return {
      host,
      port: Number(port),
      ...credentials,
      protocol: 2,
      lazyConnect: true,
      disableClientInfo: true,
      // The ready check needs the right to INFO, which a restricted user lacks.
      enableReadyCheck: false,
      enableOfflineQueue: false,
      socketTimeout: SILENCE_MS,
      disconnectTimeout: DISCONNECT_MS,
      Connector: connectorTo({ host, port: Number(port), tls: credentials.tls, disconnectTimeout: DISCONNECT_MS }),
    };
  }

  private async readSecret(sensor: ObjectName, selector: KeySelector, field: OutcomeRedisSecret): Promise<string> {
    try {
      return await this.secrets.secret(sensor.namespace, selector);
    } catch (error) {
      if (!isSluiceError(error)) throw error;
      const { code, message, fix, retryable } = error;
      throw new SluiceError(code, {
        message: `sensor ${sensor.namespace}/${sensor.name}, annotation ${annotationOf(field)}: ${message}`,
        ...(fix !== undefined && { fix }),
        context: { sensor: sensor.name },
        retryable,
      });
    }
  }
}

function openConnection(server: OutcomeRedis, options: RedisOptions, credentials: string): Connection {
  const client = new Redis({ ...options, retryStrategy: () => null });
  let lastError: unknown;
  client.on('error', (error: unknown) => (lastError = error));
  const ready = (async () => {
    try {
      await client.connect();
      // A small command that fails if the server wants a password, and uses a right that is needed anyway.
      await client.eval('return 1', 0);
    } catch (error) {
      client.disconnect();
      // The call may only report that there is no connection; the event has the cause.
      throw outcomeRedisError(lastError ?? error, server);
    }
  })();
  return { client, credentials, ready };
}

/** Wraps an error of Redis or the network, with the annotations and secrets that apply. Never quotes their values. */
export function outcomeRedisError(error: unknown, { sensor, address, access }: OutcomeRedis): SluiceError {
  const isRefused = isPermanent(error);
  const cause = withoutCommand(error);
  return new SluiceError(isRefused ? 'OUTCOME_REFUSED' : 'TRIGGER_UNREACHABLE', {
    message:
      `outcomes of sensor ${sensor.namespace}/${sensor.name} cannot be written to Redis at ${address} ` +
      `(${describeAccess(access, sensor.namespace)}): ${describeError(cause)}`,
    fix: isRefused
      ? 'Correct the secret, its annotation or the rights of the user; the next attempt reads it again.'
      : 'Check annotation sluice.io/outcome-redis, that Redis answers there, and whether it wants TLS (sluice.io/outcome-redis-tls).',
    context: { sensor: sensor.name },
    cause,
  });
}

function describeAccess(access: OutcomeRedisAccess | undefined, namespace: string): string {
  const parts = listOutcomeRedisSecrets(access).map(
    ({ field, secret }) => `${annotationOf(field)}: Secret ${namespace}/${secret.name}, key ${secret.key}`,
  );
  if (access?.username !== undefined) parts.unshift(`user ${access.username}`);
  if (access?.password === undefined) parts.push(`without ${annotationOf('password')}`);
  if (access?.tls === undefined) parts.push('without TLS');
  return parts.join('; ');
}

function annotationOf(field: OutcomeRedisSecret): string {
  return `sluice.io/${OUTCOME_REDIS_SECRETS[field]}`;
}
