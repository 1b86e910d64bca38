/**
 * Asks a pull consumer for messages, and only for as many as are wanted now: what the server has handed out waits for its
 * acknowledgement, whether or not somebody looks at it.
 */
import { createInbox, type Msg, type NatsConnection, type Subscription } from '@nats-io/transport-node';
import { setTimeout as delay } from 'node:timers/promises';
import { parseDeliveryPosition } from '../clients/nats/delivery-position';
import { unlessAborted } from '../concurrency/open-while-wanted';
import { Wakers } from '../concurrency/wakers';

/** A request for the next message; the server drops it sooner than a dead reader is noticed. */
const WAIT_MS = 10_000;
const REPLY_WITHIN_MS = 5_000;
const NANOSECONDS = 1e6;
/** After a request that the server cannot serve now. */
const REFUSED_PAUSE_MS = 200;
const DRAIN_WITHIN_MS = 1_000;

const STATUS_NO_MESSAGES = 404;
const STATUS_NO_RESPONDERS = 503;

/** The consumer was deleted while it was read. */
export class ConsumerGone extends Error {}

interface Request {
  readonly inbox: string;
  left: number;
  /** The status with which the server ended it. */
  ended?: { readonly code: number; readonly reason: string };
}

export class JetStreamPull {
  private readonly inbox = createInbox();
  private readonly subscription: Subscription;
  private readonly wakers = new Wakers();
  private arrived: Msg[] = [];
  private request: Request | undefined;
  private serial = 0;
  private failure: Error | undefined;

  constructor(
    private readonly nats: NatsConnection,
    /** Where requests for messages of the consumer are sent. */
    private readonly subject: string,
  ) {
    this.subscription = nats.subscribe(`${this.inbox}.*`, {
      callback: (error, message) => {
        if (error === null) this.receive(message);
        else this.failure = error;
        this.wakers.wake();
      },
    });
    void nats.closed().then((reason) => {
      this.failure ??= reason instanceof Error ? reason : new Error('the connection was closed');
      this.wakers.wake();
    });
  }

  /** Returns up to `most` messages; none if there are none at the moment. Throws if the server does not reply. */
  async takeAvailable(most: number, signal: AbortSignal): Promise<readonly Msg[]> {
    if (this.arrived.length > 0) return this.take();
    const request = this.ask({ batch: most, no_wait: true }, most);
    await this.finished(request, REPLY_WITHIN_MS, signal);
    if (request.ended === undefined && request.left > 0) throw new Error('JetStream does not reply');
    return this.take();
  }

  /** Waits for the next message, for a time; returns none if there is still none. */
  async takeNext(signal: AbortSignal): Promise<readonly Msg[]> {
    if (this.arrived.length > 0) return this.take();
    const request = this.ask({ batch: 1, expires: WAIT_MS * NANOSECONDS }, 1);
    await this.finished(request, WAIT_MS + REPLY_WITHIN_MS, signal);
    if (request.ended === undefined && request.left > 0) throw new Error('JetStream does not reply');
    if (request.ended?.code !== STATUS_NO_MESSAGES && request.left > 0) {
      await delay(REFUSED_PAUSE_MS, undefined, { signal, ref: false }).catch(() => undefined);
    }
    return this.take();
  }

  /** Ends reading. Returns the messages that were on their way, so that they can be given back. */
  async close(): Promise<readonly Msg[]> {
    if (!this.nats.isClosed()) {
      const drained = this.subscription.drain().catch(() => undefined);
      await Promise.race([drained, delay(DRAIN_WITHIN_MS, undefined, { ref: false })]);
    }
    return this.take();
  }

  private take(): readonly Msg[] {
    const taken = this.arrived;
    this.arrived = [];
    return taken;
  }

  private ask(what: object, batch: number): Request {
    this.serial += 1;
    const request = { inbox: `${this.inbox}.${this.serial}`, left: batch };
    this.request = request;
    this.nats.publish(this.subject, JSON.stringify(what), { reply: request.inbox });
    return request;
  }

  /** Resolves when the request is over, the first message of a waiting one is there, or the time is up. */
  private async finished(request: Request, withinMs: number, signal: AbortSignal): Promise<void> {
    const late = AbortSignal.timeout(withinMs);
    const until = AbortSignal.any([signal, late]);
    while (this.failure === undefined && request.left > 0 && request.ended === undefined && !late.aborted) {
      await unlessAborted(this.wakers.wait(), until).catch(() => signal.throwIfAborted());
    }
    if (this.failure !== undefined) throw this.failure;
    const { ended } = request;
    if (ended === undefined) return;
    if (/deleted/i.test(ended.reason)) throw new ConsumerGone(ended.reason);
    if (ended.code === STATUS_NO_RESPONDERS) throw new Error('JetStream does not serve the consumer');
  }

  private receive(message: Msg): void {
    const { request } = this;
    // A status has no reply subject. Its number alone proves nothing: a publisher may set such headers, too.
    if (parseDeliveryPosition(message.reply ?? '') !== undefined) {
      this.arrived.push(message);
      // It has the subject that it was published to, so it does not tell for which request it comes.
      if (request !== undefined) request.left -= 1;
    } else if (request !== undefined && message.subject === request.inbox) {
      request.ended = { code: message.headers?.code ?? 0, reason: message.headers?.description ?? '' };
    }
  }
}
