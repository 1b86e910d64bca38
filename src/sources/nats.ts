/**
 * Event source `nats`: messages of a subject, at most once.
 *
 * Core NATS keeps nothing for a subscriber that is away, and a subscriber cannot make it wait. While the bus is slow or
 * unreachable, messages wait here up to a limit; those beyond it are dropped and counted.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { Msg, MsgHdrs } from '@nats-io/transport-node';
import { describeError } from '../errors/sluice-error';
import { joinObject, readJson, sortedObject, type JsonDocument } from '../event/json-text';
import type { EventOptions } from '../manifest/event-source';
import { inStage } from '../metrics/stages';
import { hookMetadata } from './hook-events';
import { MessageBuffer } from './message-buffer';
import { NatsSubscription } from './nats-subscription';
import type { Delivery, ReceivedEvent, RejectedInput, Source, SourceContext, SourceOf, SourceStatus } from './source';
import { describeSource, ownerOf } from './source-failure';

/** After a stop, time for the bus to accept the messages that wait here. */
const DRAIN_WITHIN_MS = 3_000;
/** The loss itself is over immediately, and operators look later. */
const SHOW_LOSS_FOR_MS = 10 * 60_000;

export const natsSource: SourceOf<'nats'> = {
  kind: 'nats',
  cloudEventType: 'nats',
  guarantee: 'at most once',
  create: (spec, context) => new NatsSource(spec, context),
};

interface SubjectMessage {
  readonly subject: string;
  readonly content: Buffer;
  readonly headers: Readonly<Record<string, string[]>>;
  readonly time: string;
  readonly bytes: number;
}

class NatsSource implements Source {
  private readonly subscription: NatsSubscription;
  private readonly buffer = new MessageBuffer<SubjectMessage>();
  private dropped = 0;
  private lossAt: Date | undefined;
  private isLosing = false;
  private wake: (() => void) | undefined;
  private failure: Error | undefined;

  constructor(
    private readonly spec: EventOptions<'nats'>,
    private readonly context: SourceContext,
  ) {
    this.subscription = new NatsSubscription(spec, ownerOf(context), (message) => this.receive(message));
  }

  async check(): Promise<void> {
    await this.subscription.probe();
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
    const stop = (): void => this.wakeUp();
    signal.addEventListener('abort', stop, { once: true });
    const reading = new AbortController();
    this.subscription
      .run(AbortSignal.any([signal, reading.signal]))
      .catch((error: unknown) => (this.failure = error instanceof Error ? error : new Error(String(error))))
      .finally(() => this.wakeUp());
    try {
      for (;;) {
        for (let batch = this.buffer.takeBatch(); batch.length > 0; batch = this.buffer.takeBatch()) {
          yield this.toDelivery(batch);
        }
        if (this.buffer.size === 0) {
          if (signal.aborted) return;
          if (this.failure !== undefined) throw this.failure;
        }
        if (!signal.aborted) await new Promise<void>((resolve) => (this.wake = resolve));
        if (signal.aborted && this.buffer.size > 0 && !(await this.drains())) return;
      }
    } finally {
      signal.removeEventListener('abort', stop);
      reading.abort();
      this.dropped += this.buffer.discard();
    }
  }

  close(): Promise<void> {
    this.wakeUp();
    return Promise.resolve();
  }

  private problem(): string | undefined {
    const problem = this.subscription.problem();
    if (problem !== undefined) return problem;
    if (this.lossAt !== undefined && Date.now() - this.lossAt.getTime() < SHOW_LOSS_FOR_MS) {
      return `messages were dropped at ${this.lossAt.toISOString()}: the event bus did not accept them in time, and NATS keeps none. Use the NATS bus itself, or redisStream, for what must not be lost.`;
    }
    return undefined;
  }

  /** Returns true when the next batch can be handed on, false if the bus did not accept the former ones in time. */
  private async drains(): Promise<boolean> {
    const woken = new Promise<true>((resolve) => (this.wake = () => resolve(true)));
    return await Promise.race([woken, delay(DRAIN_WITHIN_MS, false, { ref: false })]);
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
    this.buffer.add({ subject, content, headers: headersOf(headers), time, bytes: messageBytes(content, headers) });
    this.wakeUp();
  }

  private logLoss(): void {
    this.context.log(
      'warn',
      `${describeSource(this.context)}: drops messages, because ${this.buffer.size} wait for the event bus`,
    );
  }

  private wakeUp(): void {
    this.wake?.();
    this.wake = undefined;
  }

  private toDelivery(messages: readonly SubjectMessage[]): Delivery {
    const events: ReceivedEvent[] = [];
    const rejected: RejectedInput[] = [];
    for (const message of messages) {
      const parsed = parse(message.content);
      if (this.spec.jsonBody && 'problem' in parsed) {
        rejected.push({
          code: 'EVENT_UNDECODABLE',
          reason: `a message of subject "${message.subject}" is rejected, because jsonBody is set: ${parsed.problem}`,
        });
      } else {
        events.push(this.toEvent(message, 'value' in parsed ? parsed.value : undefined));
      }
    }
    const last = messages.at(-1);
    const done = (): Promise<void> => {
      this.buffer.done(messages);
      if (this.buffer.hasRoom()) this.isLosing = false;
      this.wakeUp();
      return Promise.resolve();
    };
    return {
      events,
      rejected,
      ...(last && { position: `${last.subject}@${last.time}` }),
      // NATS has already forgotten the message: there is nothing to acknowledge or release.
      acknowledge: done,
      release: () => {
        this.dropped += messages.length;
        return done();
      },
    };
  }

  private toEvent(
    { subject, content, headers, time }: SubjectMessage,
    parsed: JsonDocument | undefined,
  ): ReceivedEvent {
    const traceparent = headers.traceparent?.[0];
    return {
      data: joinObject({
        subject,
        body: this.spec.jsonBody && parsed !== undefined ? parsed : content.toString('base64'),
        ...(Object.keys(headers).length > 0 && { header: sortedObject(headers) }),
        ...hookMetadata(this.spec.metadata),
      }),
      ...(parsed !== undefined && { document: parsed }),
      time,
      ...(traceparent !== undefined && { traceparent }),
    };
  }
}

function headersOf(headers: MsgHdrs | undefined): Record<string, string[]> {
  return Object.fromEntries(headers ?? []);
}

function messageBytes(content: Buffer, headers: MsgHdrs | undefined): number {
  let bytes = content.length;
  for (const [name, values] of headers ?? []) bytes += name.length + values.join('').length;
  return bytes;
}

function parse(content: Buffer): { readonly value: JsonDocument } | { readonly problem: string } {
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(content);
    return { value: inStage('NATS message', () => readJson(text)) };
  } catch (error) {
    return { problem: describeError(error) };
  }
}
