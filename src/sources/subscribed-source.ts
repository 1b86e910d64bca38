/**
 * What event sources share that subscribe to a sender which keeps nothing, so that they deliver at most once: Redis
 * Pub/Sub and core NATS. While the bus is slow or unreachable, messages wait here up to a limit.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { Wakers } from '../concurrency/wakers';
import { divideReceived } from './divide-received';
import { rejectedBody, type MessageBody } from './message-body';
import { MessageBuffer, type Sized } from './message-buffer';
import type { Delivery, ReceivedEvent, RejectedInput, Source, SourceContext, SourceStatus } from './source';

/** After a stop, time for the bus to accept the messages that wait here. */
const DRAIN_WITHIN_MS = 3_000;
/** The loss itself is over immediately, and operators look later. */
const SHOW_LOSS_FOR_MS = 10 * 60_000;

/** A connection that is opened again whenever it ends. */
export interface Subscription {
  /** Runs until the signal aborts, or after `close`. Throws errors that an operator must fix. */
  run(signal: AbortSignal): Promise<void>;
  isSubscribed(): boolean;
  problem(): string | undefined;
  close(): void;
}

export interface SubscribedMessage extends Sized {
  /** The channel or subject. */
  readonly place: string;
  readonly time: string;
}

export abstract class SubscribedSource<Message extends SubscribedMessage> implements Source {
  protected readonly buffer = new MessageBuffer<Message>();
  protected dropped = 0;
  /** When messages were lost last. */
  protected lossAt: Date | undefined;
  private readonly wakers = new Wakers();
  private failure: Error | undefined;

  constructor(
    private readonly jsonBody: boolean,
    protected readonly context: SourceContext,
  ) {}

  protected abstract readonly subscription: Subscription;
  /** As in `channel`, before the name of a place. */
  protected abstract readonly placeWord: string;

  abstract check(): Promise<void>;
  protected abstract toEvent(message: Message, body: MessageBody): ReceivedEvent;
  protected abstract readBody(message: Message): MessageBody;
  protected abstract describeLoss(at: string): string;
  /** Called when the buffer has capacity again. */
  protected abstract onRoom(): void;
  /** A problem while subscribed. */
  protected slowness(): string | undefined {
    return undefined;
  }

  status(): SourceStatus {
    const problem = this.subscription.problem() ?? this.slowness() ?? this.recentLoss();
    return {
      connected: this.subscription.isSubscribed(),
      dropped: this.dropped,
      ...(problem !== undefined && { problem }),
    };
  }

  async *deliveries(): AsyncIterable<Delivery> {
    const { signal } = this.context;
    const stop = (): void => {
      this.subscription.close();
      this.wakers.wake();
    };
    signal.addEventListener('abort', stop, { once: true });
    this.subscription
      .run(signal)
      .catch((error: unknown) => (this.failure = error instanceof Error ? error : new Error(String(error))))
      .finally(() => this.wakers.wake());
    try {
      for (;;) {
        for (let batch = this.takeBatch(); batch.length > 0; batch = this.takeBatch()) yield this.toDelivery(batch);
        if (this.buffer.size === 0) {
          if (signal.aborted) return;
          if (this.failure !== undefined) throw this.failure;
        }
        // After a stop there may be nothing left that wakes.
        if (!signal.aborted) await this.wakers.wait();
        if (signal.aborted && this.buffer.size > 0 && !(await this.drains())) return;
      }
    } finally {
      signal.removeEventListener('abort', stop);
      this.subscription.close();
      this.dropped += this.buffer.discard();
    }
  }

  close(): Promise<void> {
    this.subscription.close();
    this.wakers.wake();
    return Promise.resolve();
  }

  protected add(message: Message): void {
    this.buffer.add(message);
    this.wakers.wake();
  }

  private recentLoss(): string | undefined {
    if (this.lossAt === undefined || Date.now() - this.lossAt.getTime() >= SHOW_LOSS_FOR_MS) return undefined;
    return this.describeLoss(this.lossAt.toISOString());
  }

  private takeBatch(): readonly Message[] {
    const batch = this.buffer.takeBatch();
    if (this.buffer.hasRoom()) this.onRoom();
    return batch;
  }

  /** Returns true when the next batch can be handed on, false if the bus did not accept the former ones in time. */
  private async drains(): Promise<boolean> {
    const woken = this.wakers.wait().then(() => true);
    return await Promise.race([woken, delay(DRAIN_WITHIN_MS, false, { ref: false })]);
  }

  private read(message: Message): ReceivedEvent | RejectedInput {
    const body = this.readBody(message);
    const what = `a message on ${this.placeWord} "${message.place}"`;
    return rejectedBody(this.jsonBody, body, what) ?? this.toEvent(message, body);
  }

  private toDelivery(messages: readonly Message[]): Delivery {
    const last = messages.at(-1);
    const done = (): Promise<void> => {
      this.buffer.done(messages);
      if (this.buffer.hasRoom()) this.onRoom();
      this.wakers.wake();
      return Promise.resolve();
    };
    return {
      ...divideReceived(messages, (message) => this.read(message)),
      ...(last && { position: `${last.place}@${last.time}` }),
      // The sender has already forgotten the message: there is nothing to acknowledge or release.
      acknowledge: done,
      release: () => {
        this.dropped += messages.length;
        return done();
      },
    };
  }
}
