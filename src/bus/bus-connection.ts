/** A connection to NATS: waits for the server at start, and reconnects by itself for as long as the process lives. */
import type { ConnectionOptions, NatsConnection } from '@nats-io/transport-node';
import { setTimeout as delay } from 'node:timers/promises';
import { errorCode, errorProperty, errorText } from '../errors/foreign-errors';
import { SluiceError, describeError } from '../errors/sluice-error';
import { openWhileWanted } from '../concurrency/open-while-wanted';
import { Pace } from '../concurrency/pace';
import type { SecretReader } from '../kubernetes/secrets';
import { AddressBlocked, BLOCKED_ADDRESS_FIX, requireAllowedHost } from '../clients/blocked-addresses';
import { connectNats } from '../clients/nats/guarded-connect';
import type { BusLog } from './bus';
import type { BusNames } from './bus-names';
import type { BusSettings } from './bus-settings';
import { BusCredentials } from './credentials';
import type { TlsSettings } from '../clients/tls';
import { isRefusal, Refresher, Refusals } from './refused-credentials';

const RETRY_MS = 500;
const LOG_EVERY_MS = 5_000;

export interface BusConnection {
  readonly nats: NatsConnection;
  readonly settings: BusSettings;
  readonly names: BusNames;
  readonly log: BusLog;
  isConnected(): boolean;
  /** Why there is no connection, for operators; undefined while connected. */
  problem(): string | undefined;
  /** Registers a callback for each reconnection; the result unsubscribes. */
  onReconnect(listener: () => void): () => void;
}

/** Waits for the server until `signal` aborts. Throws immediately for what waiting cannot fix (credentials, TLS). */
export async function openConnection(
  settings: BusSettings,
  names: BusNames,
  secrets: SecretReader,
  log: BusLog,
  signal?: AbortSignal,
): Promise<BusConnection> {
  await requireAllowedServers(settings);
  const credentials = await BusCredentials.read(settings, secrets);
  const refusals = new Refusals();
  const nats = await connectPatiently(settings, names, credentials, refusals, log, signal);
  return watchConnection(nats, settings, names, credentials, refusals, log);
}

async function connectPatiently(
  settings: BusSettings,
  names: BusNames,
  credentials: BusCredentials,
  refusals: Refusals,
  log: BusLog,
  signal: AbortSignal | undefined,
): Promise<NatsConnection> {
  const attempts = credentials.tls;
  const logPace = new Pace(LOG_EVERY_MS);
  for (let attempt = 0; ; attempt += 1) {
    const tls = attempts[attempt % attempts.length];
    try {
      const opening = connectNats(natsOptions(settings, names, credentials, refusals, tls));
      return await (signal ? openWhileWanted(opening, signal, (nats) => nats.close()) : opening);
    } catch (error) {
      if (signal?.aborted) throw unreachable(settings, error);
      const isLastKindOfAttempt = attempt % attempts.length === attempts.length - 1;
      if (isRefusal(error)) throw refused(settings, error);
      if (!isLastKindOfAttempt) continue;
      if (isTlsProblem(error)) throw tlsRefused(settings, error);
      if (logPace.isDue()) {
        log(
          'warn',
          `waiting for the event bus ${settings.name} at ${settings.servers.join(', ')}: ${describeError(error)}`,
        );
      }
      await delay(RETRY_MS, undefined, { signal }).catch(() => {
        throw unreachable(settings, error);
      });
    }
  }
}

function natsOptions(
  settings: BusSettings,
  { inboxPrefix }: BusNames,
  credentials: BusCredentials,
  refusals: Refusals,
  tls: TlsSettings | undefined,
): ConnectionOptions {
  return {
    servers: [...settings.servers],
    name: 'sluice',
    inboxPrefix,
    timeout: 5_000,
    reconnect: true,
    // Otherwise each publish creates an error for its stack, used or not.
    noAsyncTraces: true,
    maxReconnectAttempts: -1,
    reconnectDelayHandler: () => refusals.delayMs(),
    pingInterval: 10_000,
    // A restarting server may reject valid credentials until its accounts are loaded, and invalid ones may be replaced
    // while it runs.
    ignoreAuthErrorAbort: true,
    authenticator: credentials.authenticator,
    ...(tls && { tls }),
  };
}

function watchConnection(
  nats: NatsConnection,
  settings: BusSettings,
  names: BusNames,
  credentials: BusCredentials,
  refusals: Refusals,
  log: BusLog,
): BusConnection {
  const listeners = new Set<() => void>();
  let connected = true;
  let problem: string | undefined;
  const refresher = new Refresher(credentials, (unreadable) => {
    if (unreadable !== undefined && unreadable !== problem) log('warn', unreadable);
    problem = unreadable ?? (connected ? undefined : problem);
  });
  void (async () => {
    let lostAt = 0;
    for await (const status of nats.status()) {
      if (status.type === 'disconnect' && connected) {
        connected = false;
        lostAt = performance.now();
        problem = `the connection to ${settings.servers.join(', ')} is lost`;
        log('warn', `lost the event bus ${settings.name} at ${settings.servers.join(', ')}; reconnecting`);
      } else if (status.type === 'error' && isRefusal(status.error)) {
        const { message } = refused(settings, status.error);
        if (refusals.add()) log('warn', `${message}; they are read again before each attempt to connect`);
        problem = message;
      } else if (status.type === 'reconnect') {
        connected = true;
        problem = undefined;
        refusals.clear();
        log('info', `event bus ${settings.name} is back after ${Math.round(performance.now() - lostAt)} ms`);
        for (const listener of listeners) listener();
      }
      if (!connected) refresher.refresh();
    }
    connected = false;
  })();
  return {
    nats,
    settings,
    names,
    log,
    isConnected: () => connected && !nats.isClosed(),
    problem: () => problem,
    onReconnect: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

/** Returns true for a TLS failure, which Node reports as a plain error with a code. No other code checks for these. */
export function isTlsProblem(error: unknown): boolean {
  // Not `instanceof Error`: in tests, errors of Node's core come from another realm.
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

/** `nats://host:4222` or `host:4222`. */
function hostOf(server: string): string {
  return new URL(server.includes('://') ? server : `nats://${server}`).hostname;
}

/** The address of a bus may come from a tenant's manifest. */
async function requireAllowedServers(settings: BusSettings): Promise<void> {
  try {
    for (const server of settings.servers) await requireAllowedHost(hostOf(server));
  } catch (error) {
    if (!(error instanceof AddressBlocked)) throw error;
    throw new SluiceError('BUS_MISCONFIGURED', {
      message: `Event bus ${settings.name} at ${settings.servers.join(', ')} is not contacted: ${error.message}`,
      fix: BLOCKED_ADDRESS_FIX,
      context: { bus: settings.name },
    });
  }
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
