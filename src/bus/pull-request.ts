/**
 * Keeps one pull request outstanding at the server, so that an event is sent the moment it is published.
 *
 * The client library's own `consume` is not used: it cannot be drained, so that closing it leaves events on the wire
 * unanswered for a whole acknowledgement wait, and after a server restart it may look for its consumer only 30 s later.
 */
import { createInbox, type Msg, type Subscription } from '@nats-io/transport-node';
import type { BusConnection } from './connection';
import { EVENT_STREAM } from './subjects';

/** Shorter than the acknowledgement wait: a worker that stands still is not given an event a second time. */
const EXPIRES_MS = 8_000;
const HEARTBEAT_MS = 2_000;
const SILENCE_MS = 3 * HEARTBEAT_MS;
const NANOSECONDS = 1e6;

const STATUS_HEARTBEAT = 100;
const STATUS_CONFLICT = 409;
const STATUS_NO_RESPONDERS = 503;

export interface PullEvents {
  onMessage(message: Msg): void;
  /** The request came to its end: the place to ask for more. */
  onFinished(): void;
  /** The consumer is gone or the server silent: look whether the consumer still exists, then ask again. */
  onTrouble(): void;
}

export class PullRequest {
  private readonly inbox = createInbox();
  private readonly subscription: Subscription;
  private readonly watchdog: NodeJS.Timeout;
  private serial = 0;
  private expected = 0;
  private heardAt = 0;

  constructor(
    private readonly connection: BusConnection,
    private readonly consumer: string,
    private readonly events: PullEvents,
  ) {
    this.subscription = connection.nats.subscribe(`${this.inbox}.*`, {
      callback: (error, message) => {
        if (!error) this.receive(message);
        else events.onTrouble();
      },
    });
    this.watchdog = setInterval(() => {
      if (this.expected > 0 && connection.isConnected() && performance.now() - this.heardAt > SILENCE_MS) {
        this.expected = 0;
        events.onTrouble();
      }
    }, 1_000).unref();
  }

  /** How many messages the server may still send. */
  get outstanding(): number {
    return this.expected;
  }

  /** Asks for up to `batch` messages, fewer where they are large. */
  ask(batch: number, maxBytes: number): void {
    this.serial += 1;
    this.expected = batch;
    this.heardAt = performance.now();
    this.connection.nats.publish(
      `$JS.API.CONSUMER.MSG.NEXT.${EVENT_STREAM}.${this.consumer}`,
      JSON.stringify({
        batch,
        max_bytes: maxBytes,
        expires: EXPIRES_MS * NANOSECONDS,
        idle_heartbeat: HEARTBEAT_MS * NANOSECONDS,
      }),
      { reply: `${this.inbox}.${this.serial}` },
    );
  }

  /** Forgets the outstanding request: a new connection does not know it. */
  forget(): void {
    this.serial += 1;
    this.expected = 0;
  }

  /** Receives what is still on the wire, then nothing more. */
  async close(): Promise<void> {
    clearInterval(this.watchdog);
    if (!this.connection.nats.isClosed()) await this.subscription.drain();
  }

  private receive(message: Msg): void {
    this.heardAt = performance.now();
    const status = message.data.length === 0 ? message.headers?.code : 0;
    if (!status) {
      this.expected = Math.max(0, this.expected - 1);
      this.events.onMessage(message);
      if (this.expected === 0) this.events.onFinished();
      return;
    }
    const isCurrent = message.subject === `${this.inbox}.${this.serial}`;
    if (status === STATUS_HEARTBEAT || !isCurrent) return;
    this.expected = 0;
    // Everything else (expired, batch done, leadership moved) only means that it is time to ask again.
    const isConsumerGone = status === STATUS_CONFLICT && /deleted/i.test(message.headers?.description ?? '');
    if (status === STATUS_NO_RESPONDERS || isConsumerGone) this.events.onTrouble();
    else this.events.onFinished();
  }
}
