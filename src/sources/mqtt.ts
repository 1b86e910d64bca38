/**
 * Event source `mqtt`: messages of a topic, at least once.
 *
 * The broker keeps the session of `clientId`, with quality of service 1: messages wait there while no worker reads, and
 * each is acknowledged once the bus has it. MQTT has no way to return a message; a new connection delivers again what
 * was not acknowledged.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { MqttConnection, MqttMessage } from '../clients/mqtt/mqtt-connection';
import { Wakers } from '../concurrency/wakers';
import { describeError } from '../errors/sluice-error';
import type { JsonObject } from '../event/json';
import { joinObject } from '../event/json-text';
import type { EventOptions } from '../manifest/event-source';
import { divideReceived } from './divide-received';
import { hookMetadata } from './hook-events';
import { KeptPosition } from './kept-position';
import { bodyMember, readBody, rejectedBody, type MessageBody } from './message-body';
import { MessageBuffer } from './message-buffer';
import { MqttDeliveryIds } from './mqtt-delivery-ids';
import { MqttSession } from './mqtt-session';
import { SharedRedelivery } from './redelivery-pause';
import type { Delivery, ReceivedEvent, RejectedInput, Source, SourceContext, SourceOf, SourceStatus } from './source';
import { describeSource, ownerOf } from './source-failure';

/** No event bus accepts more. */
const LONGEST_PAYLOAD = 16 * 1024 * 1024;
const NO_PAYLOAD = Buffer.alloc(0);
/** The loss itself is over immediately, and operators look later. */
const SHOW_LOSS_FOR_MS = 10 * 60_000;
/** By then the broker has sent the retained messages of a new subscription. */
const SETTLED_AFTER_MS = 10_000;

export const mqttSource: SourceOf<'mqtt'> = {
  kind: 'mqtt',
  guarantee: 'at least once',
  create: (spec, context) => new MqttSource(spec, context),
};

interface WaitingMessage extends MqttMessage {
  /** Bytes of a payload that is too long, and was not kept. */
  readonly tooLong?: number;
  readonly connection: MqttConnection;
  readonly time: string;
  readonly bytes: number;
}

class MqttSource implements Source {
  private readonly buffer = new MessageBuffer<WaitingMessage>();
  private readonly session: MqttSession;
  private readonly position: KeptPosition;
  private readonly wakers = new Wakers();
  private readonly redelivery = new SharedRedelivery();
  private ids = new MqttDeliveryIds(undefined);
  /** The topic whose retained messages were received; another one while a change is not complete. */
  private settledTopic: string | undefined;
  private subscribedTopic: string | undefined;
  private ignoresRetained = false;
  private isStopping = false;
  private dropped = 0;
  private lossAt = -Infinity;
  private failure: Error | undefined;
  private positionProblem: string | undefined;

  constructor(
    private readonly spec: EventOptions<'mqtt'>,
    private readonly context: SourceContext,
  ) {
    this.session = new MqttSession(spec, ownerOf(context), {
      formerTopic: () => (this.subscribedTopic === spec.topic ? undefined : this.subscribedTopic),
      onSubscribed: (hadSession) => this.subscribed(hadSession),
      onMessage: (message, connection) => this.receive(message, connection),
    });
    this.position = new KeptPosition(context, () => this.marksOf());
  }

  async check(): Promise<void> {
    await this.session.probe();
  }

  status(): SourceStatus {
    const problem = this.session.problem() ?? this.positionProblem ?? this.recentLoss();
    return {
      connected: this.session.isSubscribed(),
      dropped: this.dropped,
      ...(problem !== undefined && { problem }),
    };
  }

  async *deliveries(): AsyncIterable<Delivery> {
    const { signal } = this.context;
    const stop = (): void => {
      this.isStopping = true;
      this.wakers.wake();
    };
    signal.addEventListener('abort', stop, { once: true });
    try {
      if (signal.aborted || !(await this.loadPosition())) return;
      this.session
        .run(signal)
        .catch((error: unknown) => (this.failure = error instanceof Error ? error : new Error(String(error))))
        .finally(() => this.wakers.wake());
      while (!signal.aborted) {
        const batch = this.buffer.takeBatch();
        if (batch.length > 0) {
          const identified = await this.identify(batch);
          if (identified === undefined) return;
          yield this.toDelivery(batch, identified);
        } else if (this.failure !== undefined) throw this.failure;
        else await this.wakers.wait();
      }
    } finally {
      signal.removeEventListener('abort', stop);
      stop();
      this.dropped += this.buffer.discard(({ packetId }) => packetId === 0);
    }
  }

  async close(): Promise<void> {
    this.isStopping = true;
    this.session.close();
    this.wakers.wake();
    await this.position.close();
  }

  private async loadPosition(): Promise<boolean> {
    return await this.position.load(
      async () => {
        const former = await this.context.position.read();
        this.ids = new MqttDeliveryIds(textOf(former, 'epoch'));
        this.subscribedTopic = textOf(former, 'topic');
        this.settledTopic = former?.isSettled === true ? this.subscribedTopic : undefined;
        await this.context.position.write(this.marksOf());
        this.positionProblem = undefined;
      },
      (error) => (this.positionProblem = `its position cannot be read from the event bus: ${describeError(error)}`),
    );
  }

  private marksOf(): JsonObject {
    const { subscribedTopic, settledTopic } = this;
    return {
      epoch: this.ids.current,
      ...(subscribedTopic !== undefined && { topic: subscribedTopic, isSettled: settledTopic === subscribedTopic }),
    };
  }

  private subscribed(hadSession: boolean): void {
    const { topic } = this.spec;
    if (!hadSession && this.subscribedTopic !== undefined) {
      this.context.log(
        'warn',
        `${describeSource(this.context)}: the broker had no session of client "${this.spec.clientId}" any more; messages sent in the meantime may be lost`,
      );
    }
    // Each subscription brings the retained messages again; what changed meanwhile waited in the session.
    this.ignoresRetained = hadSession && this.settledTopic === topic;
    if (this.subscribedTopic !== topic) {
      this.subscribedTopic = topic;
      this.position.changed();
      void this.position.write(true);
    }
    if (this.settledTopic === topic) return;
    const { signal } = this.context;
    delay(SETTLED_AFTER_MS, undefined, { signal, ref: false }).then(
      () => {
        if (!this.session.isSubscribed()) return;
        this.settledTopic = topic;
        this.position.changed();
        void this.position.write(true);
      },
      () => undefined,
    );
  }

  private receive(message: MqttMessage, connection: MqttConnection): void {
    // The broker delivers it again in the next connection.
    if (this.isStopping) return;
    const { packetId, topic, payload, isRetained, isRedelivered } = message;
    if (isRetained && !isRedelivered && this.ignoresRetained) {
      if (packetId > 0) connection.acknowledge(packetId);
      return;
    }
    if (this.buffer.isFull()) {
      if (packetId > 0) this.renewSoon();
      else this.lose(1);
      return;
    }
    const time = new Date().toISOString();
    const size = payload.length;
    const kept = size > LONGEST_PAYLOAD ? { payload: NO_PAYLOAD, tooLong: size } : { payload };
    this.buffer.add({ ...message, ...kept, connection, time, bytes: kept.payload.length + topic.length });
    this.wakers.wake();
  }

  /** Returns an id for each message, undefined for those without; undefined if the source is stopped before. */
  private async identify(batch: readonly WaitingMessage[]): Promise<Map<WaitingMessage, string> | undefined> {
    const { signal } = this.context;
    const identified = new Map<WaitingMessage, string>();
    for (const message of batch) {
      if (this.ids.needsEpoch(message)) {
        this.ids.begin();
        const write = (): Promise<void> => this.context.position.write(this.marksOf());
        const isKept = await this.position.load(write, () => undefined);
        if (!isKept || signal.aborted) return undefined;
      }
      const id = this.ids.idOf(message);
      if (id !== undefined) identified.set(message, id);
    }
    return identified;
  }

  private read(message: WaitingMessage, deliveryId: string | undefined): ReceivedEvent | RejectedInput {
    const body = readBody('MQTT message', message.payload);
    const what = `a message on topic "${message.topic}"`;
    const unreadable = rejectedBody(this.spec.jsonBody, body, what);
    const name = deliveryId !== undefined && { transportId: deliveryId };
    if (message.tooLong !== undefined) {
      const reason = `${what} is rejected: it has ${message.tooLong} bytes`;
      return { ...name, code: 'BUS_EVENT_TOO_LARGE', reason };
    }
    if (unreadable !== undefined) return { ...name, ...unreadable };
    return this.toEvent(message, deliveryId, body);
  }

  private toDelivery(messages: readonly WaitingMessage[], ids: ReadonlyMap<WaitingMessage, string>): Delivery {
    const last = messages.at(-1);
    return {
      ...divideReceived(messages, (message) => this.read(message, ids.get(message))),
      ...(last && { position: `${last.topic}@${last.time}` }),
      acknowledge: () => {
        for (const message of messages) {
          const { packetId, connection } = message;
          // The name of one that comes again outlives its epoch.
          if (packetId > 0 && connection.acknowledge(packetId)) this.ids.acknowledged(message);
        }
        return this.letGo(messages);
      },
      release: () => {
        this.lose(messages.filter(({ packetId }) => packetId === 0).length);
        if (!this.isStopping && messages.some(({ packetId }) => packetId > 0)) this.renewSoon();
        return this.letGo(messages);
      },
    };
  }

  private toEvent(
    { topic, packetId, payload, time }: WaitingMessage,
    deliveryId: string | undefined,
    parsed: MessageBody,
  ): ReceivedEvent {
    return {
      data: joinObject({
        topic,
        messageId: packetId,
        body: bodyMember(this.spec.jsonBody, parsed, payload),
        ...hookMetadata(this.spec.metadata),
      }),
      ...(deliveryId !== undefined && { deliveryId }),
      ...(parsed.document !== undefined && { document: parsed.document }),
      time,
    };
  }

  private letGo(messages: readonly WaitingMessage[]): Promise<void> {
    this.buffer.done(messages);
    this.wakers.wake();
    return Promise.resolve();
  }

  /** Messages that were not taken or were released come again in a new connection, when there is capacity for them. */
  private renewSoon(): void {
    this.redelivery.schedule(this.context.signal, () => {
      if (this.buffer.hasRoom()) this.session.renew();
      else this.renewSoon();
    });
  }

  private lose(count: number): void {
    if (count === 0) return;
    if (this.recentLoss() === undefined) {
      const reason = `drops messages sent with quality of service 0, because ${this.buffer.size} wait for the event bus`;
      this.context.log('warn', `${describeSource(this.context)}: ${reason}`);
    }
    this.dropped += count;
    this.lossAt = Date.now();
  }

  private recentLoss(): string | undefined {
    if (Date.now() - this.lossAt >= SHOW_LOSS_FOR_MS) return undefined;
    return `messages sent with quality of service 0 were dropped at ${new Date(this.lossAt).toISOString()}: the event bus did not accept them in time. Send with quality of service 1 what must not be lost.`;
  }
}

function textOf(position: JsonObject | undefined, name: string): string | undefined {
  const value = position?.[name];
  return typeof value === 'string' ? value : undefined;
}
