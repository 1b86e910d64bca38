/**
 * Event source `amqp`: messages of a RabbitMQ queue, at least once.
 *
 * Each message is acknowledged once the bus has it, whatever `consume.autoAck` says. The broker keeps the messages of a
 * named queue while no worker reads; the temporary queue that Argo Events declares by default ends with its connection.
 */
import type { ConsumeMessage, ConsumeMessageFields } from 'amqplib';
import { Wakers } from '../concurrency/wakers';
import { eventTimeOf, GO_ZERO_TIME, goTimeOf } from '../event/event-time';
import { joinObject } from '../event/json-text';
import { AmqpConsumer, type ConsumedChannel, type ConsumedMessage } from './amqp-consumer';
import { AmqpDeliveryIds } from './amqp-delivery-ids';
import { keepsMessages, type AmqpOptions } from './amqp-topology';
import { divideReceived } from './divide-received';
import { hookMetadata } from './hook-events';
import { bodyMember, readBody, rejectedBody, type MessageBody } from './message-body';
import { MessageBuffer } from './message-buffer';
import { SharedRedelivery } from './redelivery-pause';
import type {
  Delivery,
  ReceivedEvent,
  RejectedInput,
  Source,
  SourceBacklog,
  SourceContext,
  SourceOf,
  SourceStatus,
} from './source';
import { ownerOf } from './source-failure';

/** No event bus accepts more. */
const LONGEST_CONTENT = 16 * 1024 * 1024;
const NO_CONTENT = Buffer.alloc(0);

export const amqpSource: SourceOf<'amqp'> = {
  kind: 'amqp',
  guarantee: 'at least once',
  create: (spec, context) => new AmqpSource(spec, context),
};

interface WaitingMessage extends ConsumedMessage {
  /** Bytes of a content that is too long, and was not kept. */
  readonly tooLong?: number;
  readonly deliveryId?: string;
  readonly time: string;
  readonly bytes: number;
}

/** A message that goes back to the broker; its content is not kept. */
interface ReturnedMessage {
  readonly fields: ConsumeMessageFields;
  readonly channel: ConsumedChannel;
}

class AmqpSource implements Source {
  /** Left out for a queue that ends with its connection. */
  readonly backlog?: (signal: AbortSignal) => Promise<SourceBacklog>;
  private readonly buffer = new MessageBuffer<WaitingMessage>();
  private readonly consumer: AmqpConsumer;
  private readonly ids = new AmqpDeliveryIds();
  private readonly wakers = new Wakers();
  private readonly redelivery = new SharedRedelivery();
  /** The event bus did not accept them; returned after a pause. */
  private released: ReturnedMessage[] = [];
  /** Not read for lack of memory; returned when there is some. */
  private surplus: ReturnedMessage[] = [];
  private unsettled = 0;
  private isStopping = false;
  private failure: Error | undefined;

  constructor(
    private readonly spec: AmqpOptions,
    private readonly context: SourceContext,
  ) {
    this.consumer = new AmqpConsumer(spec, ownerOf(context), {
      onMessage: (consumed) => this.receive(consumed),
      onChannelClosed: () => this.channelClosed(),
    });
    if (keepsMessages(spec)) this.backlog = (signal) => this.count(signal);
  }

  async check(): Promise<void> {
    await this.consumer.probe();
  }

  status(): SourceStatus {
    const problem = this.consumer.problem();
    const connected = this.consumer.isConsuming() || this.consumer.isCounting();
    return { connected, dropped: 0, ...(problem !== undefined && { problem }) };
  }

  async *deliveries(): AsyncIterable<Delivery> {
    const { signal } = this.context;
    const stop = (): void => {
      this.isStopping = true;
      this.wakers.wake();
    };
    signal.addEventListener('abort', stop, { once: true });
    try {
      if (signal.aborted) return;
      this.consumer
        .run(signal)
        .catch((error: unknown) => (this.failure = error instanceof Error ? error : new Error(String(error))))
        .finally(() => this.wakers.wake());
      while (!signal.aborted) {
        const batch = this.buffer.takeBatch();
        if (batch.length > 0) yield this.toDelivery(batch);
        else if (this.failure !== undefined) throw this.failure;
        else await this.wakers.wait();
      }
    } finally {
      signal.removeEventListener('abort', stop);
      stop();
      // The broker delivers them again when the connection ends.
      this.buffer.discard();
    }
  }

  close(): Promise<void> {
    this.isStopping = true;
    this.consumer.close();
    this.wakers.wake();
    return Promise.resolve();
  }

  private async count(signal: AbortSignal): Promise<SourceBacklog> {
    const ready = await this.consumer.countReady(this.spec.queueDeclare?.name ?? '', signal);
    return { entries: ready + this.unsettled, pending: this.unsettled };
  }

  private receive({ message, channel }: ConsumedMessage): void {
    // The broker delivers it to the next reader.
    if (this.isStopping) return;
    this.unsettled += 1;
    if (this.buffer.isFull()) {
      this.surplus.push({ fields: message.fields, channel });
      return;
    }
    const hasName = textOf(message.properties.messageId).trim() !== '';
    const size = message.content.length;
    const isTooLong = size > LONGEST_CONTENT;
    this.buffer.add({
      message: isTooLong ? { ...message, content: NO_CONTENT } : message,
      channel,
      bytes: isTooLong ? 0 : size,
      ...(isTooLong && { tooLong: size }),
      time: eventTime(message) ?? new Date().toISOString(),
      ...(!hasName && { deliveryId: this.ids.idOf(message) }),
    });
    this.wakers.wake();
  }

  private channelClosed(): void {
    this.ids.channelClosed();
    // What waits here is delivered again; what was handed on is settled by nobody.
    this.buffer.discard();
    this.unsettled = 0;
    this.released = [];
    this.surplus = [];
  }

  private read(waiting: WaitingMessage): ReceivedEvent | RejectedInput {
    const { message, deliveryId } = waiting;
    const transportId = transportIdOf(message);
    const body = readBody('AMQP message', message.content);
    const unfit = whyUnfit(waiting, body, this.spec.jsonBody === true);
    const name = transportId ?? deliveryId;
    if (unfit !== undefined) return { ...(name !== undefined && { transportId: name }), ...unfit };
    return this.toEvent(waiting, transportId, body);
  }

  private toDelivery(messages: readonly WaitingMessage[]): Delivery {
    const last = messages.at(-1);
    return {
      ...divideReceived(messages, (waiting) => this.read(waiting)),
      ...(last && { position: `${last.message.fields.routingKey}@${last.time}` }),
      acknowledge: () => {
        for (const { channel, message } of messages) this.acknowledge(channel, message.fields);
        return this.letGo(messages);
      },
      release: () => {
        this.released.push(...messages.map(({ channel, message }) => ({ channel, fields: message.fields })));
        const giveBack = (): void => this.released.splice(0).forEach((message) => this.giveBack(message));
        if (this.isStopping) giveBack();
        else this.redelivery.schedule(this.context.signal, giveBack);
        return this.letGo(messages);
      },
    };
  }

  private toEvent(
    { message, deliveryId, time }: WaitingMessage,
    transportId: string | undefined,
    parsed: MessageBody,
  ): ReceivedEvent {
    const { fields, properties, content } = message;
    const traceparent = textOf(properties.headers?.traceparent);
    return {
      ...(transportId !== undefined && { transportId }),
      ...(deliveryId !== undefined && { deliveryId }),
      data: joinObject({
        contentType: textOf(properties.contentType),
        contentEncoding: textOf(properties.contentEncoding),
        deliveryMode: numberOf(properties.deliveryMode),
        priority: numberOf(properties.priority),
        correlationId: textOf(properties.correlationId),
        replyTo: textOf(properties.replyTo),
        expiration: textOf(properties.expiration),
        messageId: textOf(properties.messageId),
        timestamp: goTimestamp(properties.timestamp),
        type: textOf(properties.type),
        appId: textOf(properties.appId),
        exchange: fields.exchange,
        routingKey: fields.routingKey,
        body: bodyMember(this.spec.jsonBody, parsed, content),
        ...hookMetadata(this.spec.metadata),
      }),
      ...(parsed.document !== undefined && { document: parsed.document }),
      time,
      ...(traceparent !== '' && { traceparent }),
    };
  }

  private acknowledge(channel: ConsumedChannel, fields: ConsumeMessageFields): void {
    if (!channel.isOpen) return;
    this.unsettled -= 1;
    this.ids.acknowledged(fields.deliveryTag);
    channel.acknowledge(fields);
  }

  private giveBack({ channel, fields }: ReturnedMessage): void {
    if (!channel.isOpen) return;
    this.unsettled -= 1;
    this.ids.returned(fields.deliveryTag);
    channel.giveBack(fields);
  }

  private letGo(messages: readonly WaitingMessage[]): Promise<void> {
    this.buffer.done(messages);
    if (this.buffer.hasRoom()) this.surplus.splice(0).forEach((message) => this.giveBack(message));
    this.wakers.wake();
    return Promise.resolve();
  }
}

function whyUnfit(
  { message: { fields }, tooLong }: WaitingMessage,
  body: MessageBody,
  needsJson: boolean,
): Omit<RejectedInput, 'transportId'> | undefined {
  const what = `a message of exchange "${fields.exchange}", routing key "${fields.routingKey}",`;
  if (tooLong === undefined) return rejectedBody(needsJson, body, what);
  return { code: 'BUS_EVENT_TOO_LARGE', reason: `${what} is rejected: it has ${tooLong} bytes` };
}

/** Senders choose it; another exchange or routing key is another message. */
function transportIdOf({ fields, properties }: ConsumeMessage): string | undefined {
  const messageId = textOf(properties.messageId);
  return messageId.trim() === '' ? undefined : `${fields.exchange}:${fields.routingKey}:${messageId}`;
}

function eventTime({ properties }: ConsumeMessage): string | undefined {
  return eventTimeOf(numberOf(properties.timestamp) * 1_000);
}

/** As Argo Events' client prints it: seconds since 1970, or Go's zero time without one. */
function goTimestamp(timestamp: unknown): string {
  if (typeof timestamp !== 'number') return GO_ZERO_TIME;
  return goTimeOf(timestamp * 1_000) ?? String(timestamp);
}

/** What is absent is the zero value of Go. */
function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function numberOf(value: unknown): number {
  return typeof value === 'number' ? value : 0;
}
