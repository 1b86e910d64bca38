/** One connection to NATS that is waited for at start and comes back by itself for as long as the process lives. */
import {
  connect,
  errors,
  type Authenticator,
  type ConnectionOptions,
  type NatsConnection,
} from '@nats-io/transport-node';
import { setTimeout as delay } from 'node:timers/promises';
import { errorCode, errorProperty, errorText } from '../error-detail';
import { SluiceError, describeError } from '../errors';
import type { SecretReader } from '../kubernetes/secrets';
import type { BusLog } from './bus';
import type { BusSettings } from './bus-settings';
import { readCredentials, readTlsMaterial, type TlsMaterial } from './credentials';

const RETRY_MS = 500;
const LOG_EVERY_MS = 5_000;

export interface BusConnection {
  readonly nats: NatsConnection;
  readonly settings: BusSettings;
  readonly log: BusLog;
  isConnected(): boolean;
  /** Called after each reconnection; the result unsubscribes. */
  onReconnect(listener: () => void): () => void;
}

/** Waits for the server until `signal` aborts. Throws at once for what waiting cannot mend (credentials, TLS). */
export async function openConnection(
  settings: BusSettings,
  secrets: SecretReader,
  log: BusLog,
  signal?: AbortSignal,
): Promise<BusConnection> {
  const authenticator = await readCredentials(settings, secrets);
  const nats = await connectPatiently(settings, await tlsAttempts(settings, secrets), authenticator, log, signal);
  return watchConnection(nats, settings, log);
}

/** TLS options to try in turn; more than one only where the manifest leaves it open. */
async function tlsAttempts(settings: BusSettings, secrets: SecretReader): Promise<Array<TlsMaterial | undefined>> {
  switch (settings.tls) {
    case 'none':
      return [undefined];
    case 'automatic':
      return [undefined, { rejectUnauthorized: false }];
    default:
      return [await readTlsMaterial(settings, settings.tls, secrets)];
  }
}

async function connectPatiently(
  settings: BusSettings,
  attempts: ReadonlyArray<TlsMaterial | undefined>,
  authenticator: Authenticator | undefined,
  log: BusLog,
  signal: AbortSignal | undefined,
): Promise<NatsConnection> {
  let loggedAt = -Infinity;
  for (let attempt = 0; ; attempt += 1) {
    const tls = attempts[attempt % attempts.length];
    try {
      return await connect(natsOptions(settings, authenticator, tls));
    } catch (error) {
      if (signal?.aborted) throw unreachable(settings, error);
      const isLastKindOfAttempt = attempt % attempts.length === attempts.length - 1;
      if (error instanceof errors.AuthorizationError || error instanceof errors.UserAuthenticationExpiredError) {
        throw refused(settings, error);
      }
      if (!isLastKindOfAttempt) continue;
      if (isTlsProblem(error)) throw tlsRefused(settings, error);
      if (performance.now() - loggedAt >= LOG_EVERY_MS) {
        log(
          'warn',
          `waiting for the event bus ${settings.name} at ${settings.servers.join(', ')}: ${describeError(error)}`,
        );
        loggedAt = performance.now();
      }
      await delay(RETRY_MS, undefined, { signal }).catch(() => {
        throw unreachable(settings, error);
      });
    }
  }
}

function natsOptions(
  settings: BusSettings,
  authenticator: Authenticator | undefined,
  tls: TlsMaterial | undefined,
): ConnectionOptions {
  return {
    servers: [...settings.servers],
    name: 'sluice',
    timeout: 5_000,
    reconnect: true,
    maxReconnectAttempts: -1,
    reconnectTimeWait: 250,
    reconnectJitter: 100,
    reconnectJitterTLS: 250,
    pingInterval: 10_000,
    // A server that comes back before its accounts are loaded refuses good credentials for a moment.
    ignoreAuthErrorAbort: true,
    ...(authenticator && { authenticator }),
    ...(tls && { tls }),
  };
}

function watchConnection(nats: NatsConnection, settings: BusSettings, log: BusLog): BusConnection {
  const listeners = new Set<() => void>();
  let connected = true;
  void (async () => {
    let lostAt = 0;
    for await (const status of nats.status()) {
      if (status.type === 'disconnect' && connected) {
        connected = false;
        lostAt = performance.now();
        log('warn', `lost the event bus ${settings.name} at ${settings.servers.join(', ')}; reconnecting`);
      } else if (status.type === 'reconnect') {
        connected = true;
        log('info', `event bus ${settings.name} is back after ${Math.round(performance.now() - lostAt)} ms`);
        for (const listener of listeners) listener();
      }
    }
    connected = false;
  })();
  return {
    nats,
    settings,
    log,
    isConnected: () => connected && !nats.isClosed(),
    onReconnect: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

/** The one place that recognises a TLS failure: Node reports them as plain errors with a code. */
export function isTlsProblem(error: unknown): boolean {
  // Not `instanceof Error`: errors of Node's core are of another realm in tests.
  if (TLS_ERROR_CODE.test(errorCode(error)) || errorText(error).includes("does not support 'tls'")) return true;
  const cause = errorProperty(error, 'cause');
  return cause !== undefined && isTlsProblem(cause);
}

const TLS_ERROR_CODE = /^(ERR_TLS|ERR_SSL|CERT_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO|HOSTNAME_MISMATCH)/;

function unreachable(settings: BusSettings, cause: unknown): SluiceError {
  return new SluiceError('BUS_UNREACHABLE', {
    message: `Event bus ${settings.name} cannot be reached at ${settings.servers.join(', ')}`,
    fix: 'Start NATS with JetStream there, or point SLUICE_BUS_URL to one.',
    context: { bus: settings.name },
    cause,
  });
}

function refused(settings: BusSettings, cause: unknown): SluiceError {
  return new SluiceError('BUS_REFUSED', {
    message: `Event bus ${settings.name} at ${settings.servers.join(', ')} refused the credentials`,
    fix: settings.accessSecret
      ? `Check Secret "${settings.accessSecret.name}", key "${settings.accessSecret.key}", in namespace "${settings.namespace}".`
      : 'Give the EventBus an accessSecret, or the address a user and password.',
    context: { bus: settings.name },
    cause,
  });
}

function tlsRefused(settings: BusSettings, cause: unknown): SluiceError {
  return new SluiceError('BUS_MISCONFIGURED', {
    message: `Event bus ${settings.name} at ${settings.servers.join(', ')}: no TLS connection: ${describeError(cause)}`,
    fix: "Check the EventBus's tls block: the CA must have signed the server's certificate, and the server must speak TLS.",
    context: { bus: settings.name },
    cause,
  });
}
