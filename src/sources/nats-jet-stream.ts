/**
 * Event source `natsJetStream`: messages of a JetStream stream, at least once. Argo Events has no such kind.
 *
 * A durable consumer keeps the position. A message is acknowledged once the bus has it; until then the server is told
 * that it is being worked on, and delivers it again if the worker dies.
 */
import { millis, nanos, type Msg, type NatsConnection } from '@nats-io/transport-node';
import { setTimeout as delay } from 'node:timers/promises';
import { parseDeliveryPosition } from '../clients/nats/delivery-position';
import { unlessAborted } from '../concurrency/open-while-wanted';
import { describeError } from '../errors/sluice-error';
import { eventTimeOf } from '../event/event-time';
import type { EventOptions } from '../manifest/event-source';
import { divideReceived } from './divide-received';
import { KeptPosition } from './kept-position';
import { readBody, rejectedBody } from './message-body';
import { messageBytes, natsEvent, textHeaders } from './nats-event';
import {
  countBacklog,
  ensureStreamConsumer,
  markOf,
  placeOf,
  readMark,
  type ConsumerMark,
  type StreamConsumer,
} from './nats-jet-stream-consumer';
import { JetStreamLink, type OpenJetStream } from './nats-jet-stream-link';
import { ConsumerGone, JetStreamPull } from './nats-jet-stream-pull';
import { ReadAhead } from './read-ahead';
import { RedeliveryPause } from './redelivery-pause';
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
import { describeSource, ownerOf } from './source-failure';

const MOST_PER_READ = 100;
const ACK_WITHIN_MS = 5_000;
/** How often the server is told that messages are being worked on, and where the consumer stands is written down. */
const UPKEEP_EVERY_MS = 5_000;
/** After a stop, time to acknowledge what is on the bus and to give back the rest. */
const SETTLE_WITHIN_MS = 1_500;
const [ACK, WORKING] = ['+ACK', '+WPI'];

export const natsJetStreamSource: SourceOf<'natsJetStream'> = {
  kind: 'natsJetStream',
  guarantee: 'at least once',
  create: (spec, context) => new NatsJetStreamSource(spec, context),
};

interface StreamMessage {
  readonly sequence: number;
  readonly publishedAt: number;
  readonly subject: string;
  readonly content: Buffer;
  readonly headers: Readonly<Record<string, string[]>>;
  readonly bytes: number;
  /** Where it is acknowledged, on any connection; undefined once its consumer is gone. */
  reply: string | undefined;
}

interface Reader {
  readonly open: OpenJetStream;
  readonly pull: JetStreamPull;
}

class NatsJetStreamSource implements Source {
  private readonly place: StreamConsumer;
  private readonly link: JetStreamLink;
  private readonly position: KeptPosition;
  private readonly readAhead = new ReadAhead<StreamMessage>(MOST_PER_READ, ({ bytes }) => bytes);
  private readonly redelivery = new RedeliveryPause();
  private readonly closing = new AbortController();
  /** Handed on, and neither on the bus nor given back, by sequence. */
  private readonly held = new Map<number, StreamMessage>();
  private reader: Reader | undefined;
  private state: 'idle' | 'connecting' | 'reading' = 'idle';
  private isAnswered = false;
  private mark: ConsumerMark | undefined;
  private hasMoved = false;
  private positionProblem: string | undefined;
  private failure: Error | undefined;
  private upkeep: NodeJS.Timeout | undefined;

  constructor(
    private readonly spec: EventOptions<'natsJetStream'>,
    private readonly context: SourceContext,
  ) {
    this.place = placeOf(spec, context);
    this.link = new JetStreamLink(spec, this.place, ownerOf(context));
    this.position = new KeptPosition(context, () => this.mark && { ...this.mark });
  }

  async check(): Promise<void> {
    const { signal, startFrom } = this.context;
    await this.link.probe((manager) => countBacklog(manager, this.place, startFrom), signal);
  }

  status(): SourceStatus {
    const problem = this.link.problem() ?? this.positionProblem;
    const connected = this.state === 'reading' || (this.state === 'idle' && this.isAnswered);
    return { connected: connected && problem === undefined, dropped: 0, ...(problem !== undefined && { problem }) };
  }

  async backlog(signal: AbortSignal): Promise<SourceBacklog> {
    const any = AbortSignal.any([signal, this.closing.signal]);
    for (;;) {
      let open: OpenJetStream | undefined;
      try {
        open = await this.link.open(any);
        const backlog = await unlessAborted(countBacklog(open.manager, this.place, this.context.startFrom), any);
        this.isAnswered = true;
        if (this.state === 'idle') this.link.worked();
        return backlog;
      } catch (error) {
        any.throwIfAborted();
        this.isAnswered = false;
        this.link.failed(error, open);
      }
    }
  }

  async *deliveries(): AsyncIterable<Delivery> {
    const { signal } = this.context;
    this.state = 'connecting';
    try {
      if (!(await this.loadPosition())) return;
      while (!signal.aborted) {
        let messages: readonly StreamMessage[];
        let reader: Reader | undefined;
        try {
          if (this.failure !== undefined) throw this.failure;
          await this.readAhead.room(signal);
          reader = await this.openReader(signal);
          messages = this.take(await reader.pull.takeAvailable(this.readAhead.count(), signal));
          this.state = 'reading';
          this.link.worked();
          if (messages.length === 0) messages = this.take(await reader.pull.takeNext(signal));
        } catch (error) {
          if (signal.aborted) return;
          await this.lost(error, reader);
          continue;
        }
        if (messages.length > 0) yield this.toDelivery(messages);
      }
    } finally {
      this.state = 'connecting';
      await this.stopReading();
    }
  }

  async close(): Promise<void> {
    clearInterval(this.upkeep);
    await this.stopReading();
    await Promise.race([this.settle(), delay(SETTLE_WITHIN_MS, undefined, { ref: false })]);
    this.closing.abort();
    this.link.close();
    await this.position.close();
  }

  private async loadPosition(): Promise<boolean> {
    const read = async (): Promise<void> => {
      this.mark = readMark(await this.context.position.read());
      this.positionProblem = undefined;
    };
    return await this.position.load(read, (error) => {
      this.positionProblem = `its position cannot be read from the event bus: ${describeError(error)}`;
    });
  }

  private async openReader(signal: AbortSignal): Promise<Reader> {
    const open = await this.link.open(signal);
    if (this.reader?.open === open) return this.reader;
    const { stream, consumer } = this.place;
    const ensuring = ensureStreamConsumer(open.manager, this.place, this.context.startFrom, this.mark);
    const { info, isNew } = await unlessAborted(ensuring, signal);
    if (isNew) this.consumerCreated();
    this.keepUpEvery(Math.min(UPKEEP_EVERY_MS, millis(info.config.ack_wait ?? Infinity) / 3));
    this.reader = { open, pull: new JetStreamPull(open.nats, `$JS.API.CONSUMER.MSG.NEXT.${stream}.${consumer}`) };
    return this.reader;
  }

  private consumerCreated(): void {
    // From now on there is a position to go on from.
    this.hasMoved = true;
    // Another consumer's receipts are of no use: what is held comes again, under its name.
    for (const message of this.held.values()) message.reply = undefined;
    if (this.mark === undefined) return;
    const { stream, consumer } = this.place;
    const reason = `the consumer "${consumer}" of the stream "${stream}" was gone; it was created again`;
    this.context.log('warn', `${describeSource(this.context)}: ${reason}`);
  }

  private keepUpEvery(milliseconds: number): void {
    clearInterval(this.upkeep);
    this.upkeep = setInterval(() => void this.keepUp(), milliseconds).unref();
  }

  /** Leaves out what is held already: it was delivered again because a sign of life came late. */
  private take(messages: readonly Msg[]): readonly StreamMessage[] {
    const taken: StreamMessage[] = [];
    for (const { reply = '', subject, data, headers } of messages) {
      const position = parseDeliveryPosition(reply);
      if (position === undefined) continue;
      const { sequence, publishedAt } = position;
      const known = this.held.get(sequence);
      if (known !== undefined) {
        known.reply = reply;
        continue;
      }
      // The library's view would keep the whole chunk that was read from the socket.
      const content = Buffer.from(data);
      const bytes = messageBytes(content, headers);
      const message = { sequence, publishedAt, subject, content, headers: textHeaders(headers), bytes, reply };
      this.held.set(sequence, message);
      taken.push(message);
    }
    this.readAhead.took(taken);
    return taken;
  }

  private async lost(error: unknown, reader: Reader | undefined): Promise<void> {
    this.state = 'connecting';
    this.reader = undefined;
    if (error instanceof ConsumerGone) await reader?.pull.close();
    this.link.failed(error, error instanceof ConsumerGone ? undefined : reader?.open);
  }

  private read(message: StreamMessage): ReceivedEvent | RejectedInput {
    const { stream } = this.place;
    const { sequence, publishedAt, content } = message;
    // A stream that is made anew counts from 1 again.
    const transportId = `${stream}:${sequence}:${publishedAt}`;
    const body = readBody('NATS message', content);
    const unreadable = rejectedBody(this.spec.jsonBody, body, `the message ${sequence} of the stream "${stream}"`);
    if (unreadable !== undefined) return { transportId, ...unreadable };
    const time = eventTimeOf(publishedAt);
    const event = natsEvent(message, body, this.spec, { stream, sequence });
    return { transportId, ...event, ...(time !== undefined && { time }) };
  }

  private toDelivery(messages: readonly StreamMessage[]): Delivery {
    const { stream } = this.place;
    const last = messages.at(-1);
    return {
      ...divideReceived(messages, (message) => this.read(message)),
      ...(last && { position: `${stream}@${last.sequence}` }),
      acknowledge: () => this.acknowledge(messages),
      release: () => this.release(messages),
    };
  }

  /** Waits out a lost connection: until it is back, the messages count as held. */
  private async acknowledge(messages: readonly StreamMessage[]): Promise<void> {
    const { signal } = this.closing;
    for (;;) {
      let open: OpenJetStream | undefined;
      try {
        open = await this.link.open(signal);
        await unlessAborted(acknowledgeAll(open.nats, messages), signal);
        break;
      } catch (error) {
        signal.throwIfAborted();
        if (this.context.signal.aborted) throw error;
        this.acknowledgementFailed(error, open);
      }
    }
    this.hasMoved = true;
    this.letGo(messages);
  }

  private acknowledgementFailed(error: unknown, open: OpenJetStream | undefined): void {
    try {
      this.link.failed(error, open);
    } catch (refused) {
      // Reading on would return the same messages again and again.
      this.failure ??= refused instanceof Error ? refused : new Error(String(refused));
      throw refused;
    }
  }

  private release(messages: readonly StreamMessage[]): Promise<void> {
    const pauseMs = this.redelivery.nextMs();
    const open = this.link.connected;
    if (open !== undefined) giveBack(open.nats, messages, this.context.signal.aborted ? 0 : pauseMs);
    this.letGo(messages);
    return Promise.resolve();
  }

  private letGo(messages: readonly StreamMessage[]): void {
    for (const { sequence } of messages) this.held.delete(sequence);
    this.readAhead.letGo(messages);
  }

  private async keepUp(): Promise<void> {
    const open = this.reader?.open;
    if (open === undefined || open.nats.isClosed()) return;
    for (const { reply } of this.held.values()) if (reply !== undefined) open.nats.publish(reply, WORKING);
    if (!this.hasMoved) return;
    this.hasMoved = false;
    // A failure shows where messages are read; the next acknowledgement tries again.
    const mark = await markOf(open.manager, this.place).catch(() => undefined);
    if (mark === undefined) return;
    this.mark = mark;
    this.position.changed();
    await this.position.write();
  }

  private async stopReading(): Promise<void> {
    const { reader } = this;
    this.reader = undefined;
    if (reader === undefined) return;
    this.take(await reader.pull.close());
  }

  /** Gives back what was read and is not on the bus, so that the next worker gets it at once. */
  private async settle(): Promise<void> {
    const left = [...this.held.values()];
    if (left.length === 0) return;
    const { nats } = await this.link.open(this.closing.signal);
    giveBack(nats, left, 0);
    this.letGo(left);
    await nats.flush();
  }
}

/** Resolves once the server has confirmed all of them. */
async function acknowledgeAll(nats: NatsConnection, messages: readonly StreamMessage[]): Promise<void> {
  await Promise.all(
    messages.map(async ({ reply }) => reply && (await nats.request(reply, ACK, { timeout: ACK_WITHIN_MS }))),
  );
}

function giveBack(nats: NatsConnection, messages: readonly StreamMessage[], pauseMs: number): void {
  if (nats.isClosed()) return;
  const nak = `-NAK ${JSON.stringify({ delay: nanos(pauseMs) })}`;
  for (const { reply } of messages) if (reply !== undefined) nats.publish(reply, nak);
}
