/** A subscription to a NATS subject that is renewed after each lost connection. */
import type { Msg, NatsConnection } from '@nats-io/transport-node';
import type { ConnectionOwner } from '../clients/connection-owner';
import type { NatsServerSpec } from '../clients/nats/nats-connection';
import { endNats, NatsServer, natsVerdict } from '../clients/nats/nats-server';
import { Reconnection } from '../clients/reconnection';
import { unlessAborted } from '../concurrency/open-while-wanted';
import { errorText } from '../errors/foreign-errors';
import { isSluiceError } from '../errors/sluice-error';
import type { Subscription } from './subscribed-source';

export interface NatsSubject extends NatsServerSpec {
  readonly subject: string;
  readonly queue?: string;
}

export class NatsSubscription implements Subscription {
  private readonly closing = new AbortController();
  private readonly reconnection: Reconnection;
  private readonly server: NatsServer;
  private isReading = false;

  constructor(
    private readonly spec: NatsSubject,
    private readonly owner: ConnectionOwner,
    private readonly receive: (message: Msg) => void,
  ) {
    this.server = new NatsServer(spec, owner);
    this.reconnection = new Reconnection(this.server.name, owner.log);
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
      const nats = await this.server.open(signal);
      try {
        if (this.spec.queue) await unlessAborted(nats.flush(), signal);
        else await subscribed(nats, this.spec, () => undefined, signal);
      } finally {
        endNats(nats);
      }
    } catch (error) {
      if (isSluiceError(error)) throw error;
      throw this.failure(error, natsVerdict(error) === 'transient' ? 'unreachable' : 'misconfigured');
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
        const nats = await this.server.open(signal);
        try {
          await this.follow(nats, signal);
        } finally {
          this.isReading = false;
          endNats(nats);
        }
      } catch (error) {
        if (signal.aborted) return;
        if (isSluiceError(error)) throw error;
        if (!this.reconnection.failed(errorText(error), natsVerdict(error))) throw this.failure(error, 'misconfigured');
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

  private failure(error: unknown, kind: 'unreachable' | 'misconfigured'): Error {
    return this.server.failure(error, kind, `may subscribe to ${this.spec.subject}`);
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
      endNats(nats);
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
