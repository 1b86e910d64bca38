/** The NATS servers that an event source names: connections with the current Secrets, and how they fail. */
import type { NatsConnection } from '@nats-io/transport-node';
import { openWhileWanted } from '../../concurrency/open-while-wanted';
import { errorText, hasErrorName } from '../../errors/foreign-errors';
import { isSluiceError, type SluiceError } from '../../errors/sluice-error';
import { requireAllowedTargets } from '../allowed-targets';
import type { ConnectionOwner } from '../connection-owner';
import { KnownSettings } from '../known-settings';
import type { FailureVerdict } from '../reconnection';
import { connectToNats, readNatsSettings, type NatsServerSpec, type NatsSettings } from './nats-connection';

const CONNECT_WITHIN_MS = 8_000;
/** A reader only listens, so only an unanswered ping reveals a connection that died silently. */
const PING_EVERY_MS = 3_000;
const UNANSWERED_PINGS = 2;

export class NatsServer {
  /** As in messages: `NATS at host:4222`. */
  readonly name: string;
  private readonly settings: KnownSettings<NatsSettings>;

  constructor(
    spec: NatsServerSpec,
    private readonly owner: ConnectionOwner,
  ) {
    this.name = describeServers(spec);
    this.settings = new KnownSettings(() => this.refusing(readNatsSettings(spec, owner.namespace, owner.secrets)));
  }

  /** The connection never reconnects. Throws errors of the library, and of the owner those that an operator must fix. */
  async open(signal: AbortSignal): Promise<NatsConnection> {
    const settings = await this.settings.read(signal);
    await this.refusing(requireAllowedTargets(this.name, settings.servers));
    const opening = connectToNats(settings, {
      name: 'sluice-source',
      timeout: CONNECT_WITHIN_MS,
      reconnect: false,
      pingInterval: PING_EVERY_MS,
      maxPingOut: UNANSWERED_PINGS,
    });
    return await openWhileWanted(opening, signal, endNats);
  }

  /** `rights` says what the user needs: `may subscribe to scenes.*`. */
  failure(error: unknown, kind: 'unreachable' | 'misconfigured', rights: string): SluiceError {
    if (isSluiceError(error)) return error;
    return this.owner.failure(kind, {
      message: `${this.name}: ${errorText(error)}`,
      fix:
        kind === 'unreachable'
          ? 'Check url and tls, and that the server can be reached from the worker'
          : `Check auth and its Secret, and that the user ${rights}`,
      cause: error,
    });
  }

  /** What triggers call refused is a mistake in the manifest here. */
  private async refusing<Value>(work: Promise<Value>): Promise<Value> {
    try {
      return await work;
    } catch (error) {
      if (!isSluiceError(error) || error.code !== 'TRIGGER_REFUSED') throw error;
      throw this.owner.failure('misconfigured', { message: error.message, cause: error });
    }
  }
}

export function endNats(nats: NatsConnection): void {
  nats.close().catch(() => undefined);
}

export function natsVerdict(error: unknown): FailureVerdict {
  if (hasErrorName(error, 'AuthorizationError', 'UserAuthenticationExpiredError')) return 'credentials';
  return hasErrorName(error, 'PermissionViolationError') ? 'permanent' : 'transient';
}

/** Without the credentials that a url may hold. */
function describeServers({ url }: NatsServerSpec): string {
  const hosts = url.split(',').map((part) => {
    const text = part.includes('://') ? part.trim() : `nats://${part.trim()}`;
    return URL.canParse(text) ? new URL(text).host : '(not an address)';
  });
  return `NATS at ${hosts.join(', ')}`;
}
