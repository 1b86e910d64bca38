/**
 * Event source `redis`: messages of Pub/Sub channels, at most once.
 *
 * Redis keeps nothing for a subscriber that is away. While the bus is slow or unreachable, messages wait here up to a
 * limit, and then in Redis, up to the output buffer that Redis gives a subscriber.
 */
import { joinObject } from '../event/json-text';
import type { RedisEventSource } from '../manifest/sources/redis';
import { probeRedis } from '../clients/redis/redis-link';
import { hookMetadata } from './hook-events';
import { readBody, type MessageBody } from './message-body';
import { RedisSubscription, subscribeTo } from './redis-subscription';
import type { ReceivedEvent, SourceContext, SourceOf } from './source';
import { describeSource, ownerOf } from './source-failure';
import { SubscribedSource, type SubscribedMessage } from './subscribed-source';

/** A longer pause of the reader is shown as a problem. */
const LONG_PAUSE_MS = 5_000;

export const redisSource: SourceOf<'redis'> = {
  kind: 'redis',
  guarantee: 'at most once',
  create: (spec, context) => new RedisSource(spec, context),
};

interface ChannelMessage extends SubscribedMessage {
  readonly text: string;
  /** Empty for a channel that is subscribed to by its name. */
  readonly pattern: string;
}

class RedisSource extends SubscribedSource<ChannelMessage> {
  protected readonly subscription: RedisSubscription;
  protected readonly placeWord = 'channel';

  constructor(
    private readonly spec: RedisEventSource,
    context: SourceContext,
  ) {
    super(spec.jsonBody === true, context);
    this.subscription = new RedisSubscription(
      spec,
      { spec, owner: ownerOf(context) },
      { message: (channel, text, pattern) => this.receive(channel, text, pattern), overrun: () => this.noteOverrun() },
    );
  }

  async check(): Promise<void> {
    await probeRedis({ spec: this.spec, owner: ownerOf(this.context) }, (client) => subscribeTo(client, this.spec));
  }

  protected override slowness(): string | undefined {
    if (this.subscription.pausedForMs() <= LONG_PAUSE_MS) return undefined;
    return `${this.buffer.size} messages wait for the event bus; Redis keeps further ones only up to its client-output-buffer-limit for pubsub`;
  }

  protected describeLoss(at: string): string {
    return `messages were lost at ${at}: the event bus did not accept them in time, and Redis closed the connection (client-output-buffer-limit pubsub). Use redisStream for what must not be lost.`;
  }

  protected onRoom(): void {
    this.subscription.resume();
  }

  protected readBody({ text }: ChannelMessage): MessageBody {
    return readBody('Redis message', text);
  }

  protected toEvent({ place, text, pattern, time }: ChannelMessage, { document }: MessageBody): ReceivedEvent {
    return {
      data: joinObject({
        channel: place,
        pattern,
        body: this.spec.jsonBody && document !== undefined ? document : text,
        ...hookMetadata(this.spec.metadata),
      }),
      document: document ?? text,
      time,
    };
  }

  private receive(channel: string, text: string, pattern: string): void {
    this.add({ place: channel, text, pattern, time: new Date().toISOString(), bytes: Buffer.byteLength(text) });
    if (this.buffer.isFull()) this.subscription.pause();
  }

  private noteOverrun(): void {
    this.lossAt = new Date();
    this.context.log(
      'warn',
      `${describeSource(this.context)}: Redis closed the connection while messages waited for the event bus; those in its output buffer are lost`,
    );
  }
}
