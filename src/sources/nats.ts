/**
 * Event source `nats`: messages of a subject, at most once.
 *
 * Core NATS keeps nothing for a subscriber that is away, and a subscriber cannot make it wait. While the bus is slow or
 * unreachable, messages wait here up to a limit; those beyond it are dropped and counted.
 */
import type { Msg } from '@nats-io/transport-node';
import type { EventOptions } from '../manifest/event-source';
import { readBody, type MessageBody } from './message-body';
import { messageBytes, natsEvent, textHeaders } from './nats-event';
import { NatsSubscription } from './nats-subscription';
import type { ReceivedEvent, SourceContext, SourceOf } from './source';
import { describeSource, ownerOf } from './source-failure';
import { SubscribedSource, type SubscribedMessage } from './subscribed-source';

export const natsSource: SourceOf<'nats'> = {
  kind: 'nats',
  guarantee: 'at most once',
  create: (spec, context) => new NatsSource(spec, context),
};

interface SubjectMessage extends SubscribedMessage {
  readonly content: Buffer;
  readonly headers: Readonly<Record<string, string[]>>;
}

class NatsSource extends SubscribedSource<SubjectMessage> {
  protected readonly subscription: NatsSubscription;
  protected readonly placeWord = 'subject';
  private isLosing = false;

  constructor(
    private readonly spec: EventOptions<'nats'>,
    context: SourceContext,
  ) {
    super(spec.jsonBody === true, context);
    this.subscription = new NatsSubscription(spec, ownerOf(context), (message) => this.receive(message));
  }

  async check(): Promise<void> {
    await this.subscription.probe();
  }

  protected describeLoss(at: string): string {
    return `messages were dropped at ${at}: the event bus did not accept them in time, and NATS keeps none. Publish to a stream, and read it with natsJetStream, what must not be lost.`;
  }

  protected onRoom(): void {
    this.isLosing = false;
  }

  protected readBody({ content }: SubjectMessage): MessageBody {
    return readBody('NATS message', content);
  }

  protected toEvent({ place, content, headers, time }: SubjectMessage, body: MessageBody): ReceivedEvent {
    return { ...natsEvent({ subject: place, content, headers }, body, this.spec), time };
  }

  private receive({ subject, data, headers }: Msg): void {
    if (this.buffer.isFull()) {
      this.dropped += 1;
      this.lossAt = new Date();
      if (!this.isLosing) this.logLoss();
      this.isLosing = true;
      return;
    }
    // The library's view would keep the whole chunk that was read from the socket.
    const content = Buffer.from(data);
    const time = new Date().toISOString();
    this.add({ place: subject, content, headers: textHeaders(headers), time, bytes: messageBytes(content, headers) });
  }

  private logLoss(): void {
    this.context.log(
      'warn',
      `${describeSource(this.context)}: drops messages, because ${this.buffer.size} wait for the event bus`,
    );
  }
}
