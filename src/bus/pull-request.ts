/**
 * Keeps one pull request outstanding at the server, so that an event is sent the moment it is published.
 *
 * The client library's own `consume` is not used: it cannot be drained, so closing it leaves events on the wire unacked
 * for a whole acknowledgement wait, and after a server restart it may check its consumer only 30 s later.
 */
import { createInbox, type Msg, type Subscription } from '@nats-io/transport-node';
import { parseDeliveryPosition } from '../clients/nats/delivery-position';
import type { BusConnection } from './bus-connection';
import type { ConsumerPlace } from './consumer-place';

/** Requests expire before the acknowledgement wait: a stalled worker is not sent an event a second time. */
const BUSY = { expiresMs: 8_000, heartbeatMs: 2_000 };
/** After many requests without an event: a thousand idle sensors send few requests and receive few heartbeats. */
const QUIET = { expiresMs: 24_000, heartbeatMs: 6_000 };
const QUIET_AFTER_REQUESTS = 8;
const SILENT_HEARTBEATS = 3;
const NANOSECONDS = 1e6;

/** After a refusal; shorter than the silence that counts as trouble. */
const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 4_000;

const STATUS_HEARTBEAT = 100;
const STATUS_BAD_REQUEST = 400;
const STATUS_CONFLICT = 409;
const STATUS_NO_RESPONDERS = 503;

export interface PullEvents {
  onMessage(message: Msg): void;
  /** Called when the request has ended: the place to ask for more. */
  onFinished(): void;
  /** The consumer is gone or the server silent: check whether the consumer still exists, then ask again. */
  onTrouble(): void;
  /** The server rejects such a request; `onTrouble` follows after a pause. Called once until one is served again. */
  onRefused(reason: string): void;
}

export class PullRequest {
  private readonly inbox: string;
  private readonly subscription: Subscription;
  private readonly watchdog: NodeJS.Timeout;
  private serial = 0;
  private expected = 0;
  private heardAt = 0;
  private received = 0;
  private refusals = 0;
  private isNextTooLarge = false;
  /** Requests in a row that ended without a message. */
  private inVain = 0;
  private pace = BUSY;

  constructor(
    private readonly connection: BusConnection,
    private readonly consumer: ConsumerPlace,
    private readonly events: PullEvents,
  ) {
    this.inbox = createInbox(connection.names.inboxPrefix);
    this.subscription = connection.nats.subscribe(`${this.inbox}.*`, {
      callback: (error, message) => {
        if (!error) this.receive(message);
        else events.onTrouble();
      },
    });
    this.watchdog = setInterval(() => {
      const silenceMs = performance.now() - this.heardAt;
      if (this.expected > 0 && connection.isConnected() && silenceMs > SILENT_HEARTBEATS * this.pace.heartbeatMs) {
        this.expected = 0;
        events.onTrouble();
      }
    }, 1_000).unref();
  }

  /** Number of messages that the server may still send. */
  get outstanding(): number {
    return this.expected;
  }

  /** Requests up to `batch` messages, fewer if they are large. */
  ask(batch: number, maxBytes: number): void {
    this.serial += 1;
    this.expected = batch;
    this.received = 0;
    this.pace = this.inVain < QUIET_AFTER_REQUESTS ? BUSY : QUIET;
    this.heardAt = performance.now();
    // A single message may exceed the limit, if the server accepted larger ones when it was published.
    const size = this.isNextTooLarge ? { batch: 1 } : { batch, max_bytes: maxBytes };
    this.connection.nats.publish(
      `$JS.API.CONSUMER.MSG.NEXT.${this.consumer.stream}.${this.consumer.name}`,
      JSON.stringify({
        ...size,
        expires: this.pace.expiresMs * NANOSECONDS,
        idle_heartbeat: this.pace.heartbeatMs * NANOSECONDS,
      }),
      { reply: `${this.inbox}.${this.serial}` },
    );
  }

  /** Forgets the outstanding request, which does not carry over to a new connection. */
  forget(): void {
    this.serial += 1;
    this.expected = 0;
    this.inVain = 0;
  }

  /** Receives the messages still on the wire, and then no more. */
  async close(): Promise<void> {
    clearInterval(this.watchdog);
    if (!this.connection.nats.isClosed()) await this.subscription.drain();
  }

  private receive(message: Msg): void {
    this.heardAt = performance.now();
    // A status has no reply subject. Its number alone proves nothing: a publisher may set such headers, too.
    const isDelivery = parseDeliveryPosition(message.reply ?? '') !== undefined;
    const status = isDelivery ? undefined : message.headers?.code;
    if (!status) {
      this.expected = Math.max(0, this.expected - 1);
      this.received += 1;
      this.inVain = 0;
      this.refusals = 0;
      this.isNextTooLarge = false;
      this.events.onMessage(message);
      if (this.expected === 0) this.events.onFinished();
      return;
    }
    const isCurrent = message.subject === `${this.inbox}.${this.serial}`;
    if (status === STATUS_HEARTBEAT || !isCurrent) return;
    const reason = message.headers?.description ?? '';
    if (status === STATUS_NO_RESPONDERS || (status === STATUS_CONFLICT && /deleted/i.test(reason))) {
      this.expected = 0;
      this.events.onTrouble();
    } else if ((status === STATUS_CONFLICT || status === STATUS_BAD_REQUEST) && this.received === 0) {
      this.pauseAfterRefusal(reason);
    } else {
      // All other statuses (expired, batch done, size reached) only mean that it is time to ask again.
      this.expected = 0;
      if (this.received === 0) this.inVain += 1;
      if (status !== STATUS_CONFLICT) this.refusals = 0;
      this.events.onFinished();
    }
  }

  /** The request counts as outstanding during the pause, so that no other one is sent. */
  private pauseAfterRefusal(reason: string): void {
    this.isNextTooLarge = /maxbytes/i.test(reason);
    if (this.refusals === 0 && !this.isNextTooLarge) this.events.onRefused(reason);
    const pauseMs = Math.min(FIRST_PAUSE_MS * 2 ** this.refusals, LONGEST_PAUSE_MS);
    this.refusals += 1;
    const { serial } = this;
    setTimeout(() => {
      if (serial !== this.serial) return;
      this.expected = 0;
      this.events.onTrouble();
    }, pauseMs).unref();
  }
}
