/**
 * Event source `redis`: messages of Pub/Sub channels, at most once.
 *
 * Redis keeps nothing for a subscriber that is away. While the bus is slow or unreachable, messages wait here up to a
 * limit, and then in Redis, up to the output buffer that Redis gives a subscriber.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { describeError } from '../errors/sluice-error';
import { joinObject, sortedObject, readJson, type JsonDocument } from '../event/json-text';
import { inStage } from '../metrics/stages';
import type { RedisEventSource } from '../manifest/sources/redis';
import { MessageBuffer } from './message-buffer';
import { probeRedis } from '../clients/redis/redis-link';
import { RedisSubscription } from './redis-subscription';
import type { Delivery, ReceivedEvent, RejectedInput, Source, SourceContext, SourceOf, SourceStatus } from './source';
import { describeSource, ownerOf } from './source-failure';

/** After a stop, time for the bus to accept the messages that wait here. */
const DRAIN_WITHIN_MS = 3_000;
/** A longer pause of the reader is shown as a problem. */
const LONG_PAUSE_MS = 5_000;
/** The loss itself is over immediately, and operators look later. */
const SHOW_LOSS_FOR_MS = 10 * 60_000;

export const redisSource: SourceOf<'redis'> = {
  kind: 'redis',
  cloudEventType: 'redis',
  guarantee: 'at most once',
  create: (spec, context) => new RedisSource(spec, context),
};

interface ChannelMessage {
  readonly channel: string;
  readonly text: string;
  readonly time: string;
  readonly bytes: number;
}

class RedisSource implements Source {
  private readonly subscription: RedisSubscription;
  private readonly buffer = new MessageBuffer<ChannelMessage>();
  private dropped = 0;
  private lossAt: Date | undefined;
  private wake: (() => void) | undefined;
  private failure: Error | undefined;

  constructor(
    private readonly spec: RedisEventSource,
    private readonly context: SourceContext,
  ) {
    this.subscription = new RedisSubscription(
      spec.channels,
      { spec, owner: ownerOf(context) },
      { message: (channel, text) => this.receive(channel, text), overrun: () => this.noteOverrun() },
    );
  }

  async check(): Promise<void> {
    await probeRedis({ spec: this.spec, owner: ownerOf(this.context) }, async (client) => {
      await client.subscribe(...this.spec.channels);
    });
  }

  status(): SourceStatus {
    const problem = this.problem();
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
      this.wakeUp();
    };
    signal.addEventListener('abort', stop, { once: true });
    this.subscription
      .run(signal)
      .catch((error: unknown) => (this.failure = error instanceof Error ? error : new Error(String(error))))
      .finally(() => this.wakeUp());
    try {
      for (;;) {
        for (let batch = this.takeBatch(); batch.length > 0; batch = this.takeBatch()) yield this.toDelivery(batch);
        if (this.buffer.size === 0) {
          if (signal.aborted) return;
          if (this.failure !== undefined) throw this.failure;
        }
        await this.nextWake(signal);
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
    this.wakeUp();
    return Promise.resolve();
  }

  private problem(): string | undefined {
    const problem = this.subscription.problem();
    if (problem !== undefined) return problem;
    if (this.subscription.pausedForMs() > LONG_PAUSE_MS) {
      return `${this.buffer.size} messages wait for the event bus; Redis keeps further ones only up to its client-output-buffer-limit for pubsub`;
    }
    if (this.lossAt !== undefined && Date.now() - this.lossAt.getTime() < SHOW_LOSS_FOR_MS) {
      return `messages were lost at ${this.lossAt.toISOString()}: the event bus did not accept them in time, and Redis closed the connection (client-output-buffer-limit pubsub). Use redisStream for what must not be lost.`;
    }
    return undefined;
  }

  private takeBatch(): readonly ChannelMessage[] {
    const batch = this.buffer.takeBatch();
    if (this.buffer.hasRoom()) this.subscription.resume();
    return batch;
  }

  private nextWake(signal: AbortSignal): Promise<void> {
    // After a stop, waits that end only by a call of `wake` might never end.
    return signal.aborted ? Promise.resolve() : new Promise<void>((resolve) => (this.wake = resolve));
  }

  /** Returns true when the next batch can be handed on, false if the bus did not accept the former ones in time. */
  private async drains(): Promise<boolean> {
    const woken = new Promise<true>((resolve) => (this.wake = () => resolve(true)));
    return await Promise.race([woken, delay(DRAIN_WITHIN_MS, false, { ref: false })]);
  }

  private receive(channel: string, text: string): void {
    this.buffer.add({ channel, text, time: new Date().toISOString(), bytes: Buffer.byteLength(text) });
    if (this.buffer.isFull()) this.subscription.pause();
    this.wakeUp();
  }

  private noteOverrun(): void {
    this.lossAt = new Date();
    this.context.log(
      'warn',
      `${describeSource(this.context)}: Redis closed the connection while messages waited for the event bus; those in its output buffer are lost`,
    );
  }

  private wakeUp(): void {
    this.wake?.();
    this.wake = undefined;
  }

  private toDelivery(messages: readonly ChannelMessage[]): Delivery {
    const events: ReceivedEvent[] = [];
    const rejected: RejectedInput[] = [];
    for (const message of messages) {
      const parsed = parse(message.text);
      if (this.spec.jsonBody && 'problem' in parsed) {
        rejected.push({
          code: 'EVENT_UNDECODABLE',
          reason: `a message on channel "${message.channel}" is rejected, because jsonBody is set: ${parsed.problem}`,
        });
      } else {
        events.push(this.toEvent(message, 'value' in parsed ? parsed.value : undefined));
      }
    }
    const last = messages.at(-1);
    const done = (): Promise<void> => {
      this.buffer.done(messages);
      if (this.buffer.hasRoom()) this.subscription.resume();
      this.wakeUp();
      return Promise.resolve();
    };
    return {
      events,
      rejected,
      ...(last && { position: `${last.channel}@${last.time}` }),
      // Redis has already forgotten the message: there is nothing to acknowledge or release.
      acknowledge: done,
      release: () => {
        this.dropped += messages.length;
        return done();
      },
    };
  }

  private toEvent({ channel, text, time }: ChannelMessage, parsed: JsonDocument | undefined): ReceivedEvent {
    const { metadata } = this.spec;
    return {
      data: joinObject({
        channel,
        // Always empty in Argo Events too: it subscribes to channels, not to patterns.
        pattern: '',
        body: this.spec.jsonBody && parsed !== undefined ? parsed : text,
        ...(metadata && Object.keys(metadata).length > 0 && { metadata: sortedObject(metadata) }),
      }),
      document: parsed ?? text,
      time,
    };
  }
}

function parse(text: string): { readonly value: JsonDocument } | { readonly problem: string } {
  try {
    return { value: inStage('Redis message', () => readJson(text)) };
  } catch (error) {
    return { problem: describeError(error) };
  }
}
