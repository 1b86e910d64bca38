/**
 * Event source `redis`: messages of Pub/Sub channels, at most once.
 *
 * Redis keeps nothing for a subscriber that is away. While the bus is away, messages wait here in memory; what does
 * not fit is dropped, and counted.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { describeError, isSluiceError } from '../errors';
import { parseJson, type JsonValue } from '../event/json';
import type { RedisEventSource } from '../manifest/sources/redis';
import { describeSource } from './describe-source';
import { PatientRedis, isBeyondWaiting, probeRedis, redisOptions, sourceError } from './redis-connection';
import type {
  Delivery,
  ReceivedEvent,
  RejectedInput,
  Source,
  SourceContext,
  SourceFactory,
  SourceStatus,
} from './source';

const MAX_BUFFERED = 10_000;
const MAX_PER_DELIVERY = 100;
const RETRY_MS = 500;
/** A subscriber only listens, so a connection that died in silence shows in an unanswered ping alone. */
const PING_EVERY_MS = 5_000;

export const redisSource: SourceFactory<RedisEventSource> = {
  kind: 'redis',
  cloudEventType: 'redis',
  guarantee: 'at most once',
  create: (spec, context) => new RedisSource(spec, context),
};

interface ChannelMessage {
  readonly channel: string;
  readonly text: string;
  readonly time: string;
}

class RedisSource implements Source {
  private subscriber: PatientRedis | undefined;
  private buffer: ChannelMessage[] = [];
  private dropped = 0;
  private isDropping = false;
  private wake: (() => void) | undefined;
  private failure: Error | undefined;

  constructor(
    private readonly spec: RedisEventSource,
    private readonly context: SourceContext,
  ) {}

  async check(): Promise<void> {
    await probeRedis(await redisOptions(this.spec, this.context), this.spec.hostAddress, this.context, () =>
      Promise.resolve(),
    );
  }

  status(): SourceStatus {
    return { connected: this.subscriber?.isConnected() ?? false, dropped: this.dropped };
  }

  async *deliveries(): AsyncIterable<Delivery> {
    const { signal } = this.context;
    const subscriber = new PatientRedis(
      await redisOptions(this.spec, this.context),
      this.spec.hostAddress,
      this.context,
    );
    this.subscriber = subscriber;
    const stop = (): void => {
      subscriber.close();
      this.wakeUp();
    };
    signal.addEventListener('abort', stop, { once: true });
    subscriber.client.on('message', (channel: string, text: string) => this.receive(channel, text));
    // The client subscribes again by itself after each reconnection.
    this.subscribe(subscriber).catch((error: unknown) => {
      this.failure = error instanceof Error ? error : new Error(String(error));
      this.wakeUp();
    });
    const pinging = setInterval(() => {
      // The client itself drops the connection when the answer does not come.
      if (subscriber.isConnected()) subscriber.client.ping().catch(() => undefined);
    }, PING_EVERY_MS).unref();
    try {
      for (;;) {
        while (this.buffer.length > 0) {
          yield this.toDelivery(this.buffer.splice(0, MAX_PER_DELIVERY));
        }
        if (signal.aborted) return;
        if (this.failure !== undefined) throw this.failure;
        await new Promise<void>((resolve) => (this.wake = resolve));
      }
    } finally {
      clearInterval(pinging);
      signal.removeEventListener('abort', stop);
      subscriber.close();
    }
  }

  close(): Promise<void> {
    this.subscriber?.close();
    this.wakeUp();
    return Promise.resolve();
  }

  private async subscribe(subscriber: PatientRedis): Promise<void> {
    const { signal } = this.context;
    while (!signal.aborted) {
      try {
        await subscriber.ready(signal);
        await subscriber.client.subscribe(...this.spec.channels);
        return;
      } catch (error) {
        if (signal.aborted) return;
        if (isSluiceError(error)) throw error;
        if (isBeyondWaiting(error)) throw sourceError(error, this.spec.hostAddress, this.context);
        await delay(RETRY_MS, undefined, { signal }).catch(() => undefined);
      }
    }
  }

  private receive(channel: string, text: string): void {
    if (this.buffer.length >= MAX_BUFFERED) {
      this.dropped += 1;
      if (!this.isDropping) {
        this.isDropping = true;
        this.context.log(
          'warn',
          `${describeSource(this.context)}: ${MAX_BUFFERED} messages wait for the event bus; further ones are lost, as Redis Pub/Sub keeps nothing`,
        );
      }
      return;
    }
    this.isDropping = false;
    this.buffer.push({ channel, text, time: new Date().toISOString() });
    this.wakeUp();
  }

  private wakeUp(): void {
    this.wake?.();
    this.wake = undefined;
  }

  private toDelivery(messages: readonly ChannelMessage[]): Delivery {
    const events: ReceivedEvent[] = [];
    const rejected: RejectedInput[] = [];
    for (const message of messages) {
      const parsed = readJson(message.text);
      if (this.spec.jsonBody && 'problem' in parsed) {
        rejected.push({
          code: 'EVENT_UNDECODABLE',
          reason: `a message on channel "${message.channel}" is refused, as jsonBody is set: ${parsed.problem}`,
        });
      } else {
        events.push(this.toEvent(message, 'value' in parsed ? parsed.value : undefined));
      }
    }
    const last = messages.at(-1);
    return {
      events,
      rejected,
      ...(last && { position: `${last.channel}@${last.time}` }),
      // Redis has forgotten the message already: there is nothing to acknowledge or to give back.
      acknowledge: () => Promise.resolve(),
      release: () => {
        this.dropped += messages.length;
        return Promise.resolve();
      },
    };
  }

  private toEvent({ channel, text, time }: ChannelMessage, parsed: JsonValue | undefined): ReceivedEvent {
    const { metadata } = this.spec;
    return {
      data: {
        channel,
        // Always empty in Argo Events too: it subscribes to channels, not to patterns.
        pattern: '',
        body: this.spec.jsonBody && parsed !== undefined ? parsed : text,
        ...(metadata && Object.keys(metadata).length > 0 && { metadata }),
      },
      document: parsed ?? text,
      time,
    };
  }
}

function readJson(text: string): { readonly value: JsonValue } | { readonly problem: string } {
  try {
    return { value: parseJson(text) };
  } catch (error) {
    return { problem: describeError(error) };
  }
}
