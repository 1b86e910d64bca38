/** A subscription to a NATS subject that is renewed after each lost connection. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Msg, NatsConnection } from '@nats-io/transport-node';
import { requireAllowedTargets } from '../clients/allowed-targets';
import type { ConnectionOwner } from '../clients/connection-owner';
import {
  connectToNats,
  readNatsSettings,
  type NatsServerSpec,
  type NatsSettings,
} from '../clients/nats/nats-connection';
import { Reconnection, type FailureVerdict } from '../clients/reconnection';
import { openWhileWanted, unlessAborted } from '../concurrency/open-while-wanted';
import { errorText, hasErrorName } from '../errors/foreign-errors';
import { isSluiceError } from '../errors/sluice-error';
import type { Subscription } from './subscribed-source';

const CONNECT_WITHIN_MS = 8_000;
/** A subscriber only listens, so only an unanswered ping reveals a connection that died silently. */
const PING_EVERY_MS = 3_000;
const UNANSWERED_PINGS = 2;
/** A reconnection must not depend on the Kubernetes API: the last known credentials will usually work. */
const SECRETS_WITHIN_MS = 3_000;

export interface NatsSubject extends NatsServerSpec {
  readonly subject: string;
  readonly queue?: string;
}

export class NatsSubscription implements Subscription {
  private readonly closing = new AbortController();
  private readonly reconnection: Reconnection;
  private settings: NatsSettings | undefined;
  private isReading = false;

  constructor(
    private readonly spec: NatsSubject,
    private readonly owner: ConnectionOwner,
    private readonly receive: (message: Msg) => void,
  ) {
    this.reconnection = new Reconnection(describeServers(spec), owner.log);
  }

  /** The server has confirmed the subscription, and answers. */
  isSubscribed(): boolean {
    return this.isReading;
  }

  problem(): string | undefined {
    return this.isReading ? undefined : this.reconnection.problem();
  }

  /** Connects and subscribes once. Members of a queue group take messages, so a queue is not joined. */
  async probe(): Promise<void> {
    const { signal } = this.owner;
    try {
      const nats = await this.open(signal);
      try {
        if (this.spec.queue) await unlessAborted(nats.flush(), signal);
        else await subscribed(nats, this.spec, () => undefined, signal);
      } finally {
        end(nats);
      }
    } catch (error) {
      if (isSluiceError(error)) throw error;
      throw this.failure(error, verdictOf(error) === 'transient' ? 'unreachable' : 'misconfigured');
    }
  }

  close(): void {
    this.closing.abort();
  }

  /** Runs until the signal aborts, or after `close`. Throws errors that an operator must fix. */
  async run(stopping: AbortSignal): Promise<void> {
    const signal = AbortSignal.any([stopping, this.closing.signal]);
    while (!signal.aborted) {
      try {
        await this.reconnection.pause(signal);
        const nats = await this.open(signal);
        try {
          await this.follow(nats, signal);
        } finally {
          this.isReading = false;
          end(nats);
        }
      } catch (error) {
        if (signal.aborted) return;
        if (isSluiceError(error)) throw error;
        if (!this.reconnection.failed(errorText(error), verdictOf(error))) throw this.failure(error, 'misconfigured');
      }
    }
  }

  /** Throws when the connection ends. */
  private async follow(nats: NatsConnection, signal: AbortSignal): Promise<never> {
    const { ended } = await subscribed(nats, this.spec, this.receive, signal);
    this.isReading = true;
    this.reconnection.worked();
    throw await unlessAborted(ended, signal);
  }

  private async open(signal: AbortSignal): Promise<NatsConnection> {
    const settings = await this.readSettings(signal);
    await this.refusing(requireAllowedTargets(describeServers(this.spec), settings.servers));
    const opening = connectToNats(settings, {
      name: 'sluice-source',
      timeout: CONNECT_WITHIN_MS,
      reconnect: false,
      pingInterval: PING_EVERY_MS,
      maxPingOut: UNANSWERED_PINGS,
    });
    return await openWhileWanted(opening, signal, end);
  }

  private async readSettings(signal: AbortSignal): Promise<NatsSettings> {
    const { namespace, secrets } = this.owner;
    const reading = this.refusing(readNatsSettings(this.spec, namespace, secrets));
    const known = this.settings;
    if (known === undefined) return (this.settings = await unlessAborted(reading, signal));
    const late = delay(SECRETS_WITHIN_MS, known, { signal, ref: false });
    this.settings = await Promise.race([reading.catch(() => known), late]);
    return this.settings;
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

  private failure(error: unknown, kind: 'unreachable' | 'misconfigured'): Error {
    return this.owner.failure(kind, {
      message: `${describeServers(this.spec)}: ${errorText(error)}`,
      fix:
        kind === 'unreachable'
          ? 'Check url and tls, and that the server can be reached from the worker'
          : `Check auth and its Secret, and that the user may subscribe to ${this.spec.subject}`,
      cause: error,
    });
  }
}

/** Returns once the server has confirmed the subscription. `ended` resolves to the reason why it ended. */
async function subscribed(
  nats: NatsConnection,
  { subject, queue }: NatsSubject,
  receive: (message: Msg) => void,
  signal: AbortSignal,
): Promise<{ readonly ended: Promise<unknown> }> {
  let denied: Error | undefined;
  nats.subscribe(subject, {
    ...(queue && { queue }),
    callback: (error, message) => {
      if (error === null) return receive(message);
      denied = error;
      end(nats);
    },
  });
  const ended = nats.closed().then((reason) => denied ?? (reason || new Error('the connection was closed')));
  const confirmed = Promise.race([
    nats.flush().then(
      () => 'confirmed' as const,
      () => ended,
    ),
    ended,
  ]);
  const outcome = await unlessAborted(confirmed, signal);
  if (denied !== undefined || outcome !== 'confirmed') throw await ended;
  return { ended };
}

function end(nats: NatsConnection): void {
  nats.close().catch(() => undefined);
}

function verdictOf(error: unknown): FailureVerdict {
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
