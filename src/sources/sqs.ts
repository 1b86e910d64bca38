/**
 * Event source `sqs`: messages of a queue of Amazon SQS, at least once.
 *
 * A message is hidden from other readers while it is on its way, and deleted once the bus has it.
 */
import type { Message } from '@aws-sdk/client-sqs';
import { setMaxListeners } from 'node:events';
import type { ConnectionOwner } from '../clients/connection-owner';
import { Reconnection } from '../clients/reconnection';
import { describeServer, describeSqsFailure, sqsFailure, SqsQueue, sqsVerdict } from '../clients/sqs/sqs-queue';
import { unlessAborted } from '../concurrency/open-while-wanted';
import { Wakers } from '../concurrency/wakers';
import type { EventOptions } from '../manifest/event-source';
import { divideReceived } from './divide-received';
import { RedeliveryPause } from './redelivery-pause';
import type { Delivery, DeliveryOutcome, Source, SourceBacklog, SourceContext, SourceOf, SourceStatus } from './source';
import { ownerOf } from './source-failure';
import { toSqsEvent } from './sqs-event';

const MOST_PER_REQUEST = 10;
const DEFAULT_WAIT_SECONDS = 3;
const LONGEST_WAIT_SECONDS = 20;
/** A message of a worker that died is delivered again after this time; that of a living one is hidden on and on. */
const HIDDEN_SECONDS = 30;
/** Renewals of this time before it is over. */
const RENEWALS = 3;
/** SQS takes whole seconds: the first release hides nothing. */
const RELEASED_FOR = { firstMs: 500, longestMs: 30_000 };
/** Bytes of messages that were handed on and are not on the bus yet. */
const MOST_HELD_BYTES = 32 * 1024 * 1024;
/** After a stop, time to delete messages that are on the bus and to give back the others. */
const SETTLE_WITHIN_MS = 3_000;
/** A queue that was asked for long polling answers within it. */
const SLOW_MS = 4_000;

export const sqsSource: SourceOf<'sqs'> = {
  kind: 'sqs',
  guarantee: 'at least once',
  create: (spec, context) => new SqsSource(spec, context, HIDDEN_SECONDS),
};

/** For tests, which would wait for messages that a reader took with it. */
export function sqsSourceHiding(hiddenSeconds: number): SourceOf<'sqs'> {
  return { ...sqsSource, create: (spec, context) => new SqsSource(spec, context, hiddenSeconds) };
}

class SqsSource implements Source {
  private readonly owner: ConnectionOwner;
  private readonly reconnection: Reconnection;
  private readonly held = new Set<Message>();
  private heldBytes = 0;
  private readonly capacity = new Wakers();
  private readonly closing = new AbortController();
  /** Aborted with what an operator must fix: messages can be received, but not deleted. */
  private readonly broken = new AbortController();
  private queue: SqsQueue | undefined;
  private state: 'idle' | 'connecting' | 'reading' = 'idle';
  private isAnswered = false;
  private waitingSince = Infinity;
  private readonly redelivery = new RedeliveryPause(RELEASED_FOR);
  private hiding: NodeJS.Timeout | undefined;

  constructor(
    private readonly spec: EventOptions<'sqs'>,
    private readonly context: SourceContext,
    private readonly hiddenSeconds: number,
  ) {
    this.owner = ownerOf(context);
    this.reconnection = new Reconnection(describeServer(spec), context.log);
    // One listener for each delivery that is being deleted is expected, not a leak.
    setMaxListeners(0, this.closing.signal);
  }

  async check(): Promise<void> {
    const { signal } = this.context;
    try {
      const queue = await SqsQueue.open(this.spec, this.owner, signal);
      try {
        await queue.count(signal);
      } finally {
        queue.close();
      }
    } catch (error) {
      throw sqsFailure(
        error,
        this.spec,
        this.owner,
        sqsVerdict(error) === 'transient' ? 'unreachable' : 'misconfigured',
      );
    }
  }

  status(): SourceStatus {
    const problem = this.reconnection.problem() ?? this.delayed();
    const connected = problem === undefined && (this.state === 'reading' || (this.state === 'idle' && this.isAnswered));
    return { connected, dropped: 0, ...(problem !== undefined && { problem }) };
  }

  async backlog(signal: AbortSignal): Promise<SourceBacklog> {
    const any = AbortSignal.any([signal, this.closing.signal]);
    for (;;) {
      await this.reconnection.pause(any);
      let queue: SqsQueue | undefined;
      try {
        queue = await this.open(any);
        const { waiting, received } = await queue.count(any);
        this.isAnswered = true;
        if (this.state === 'idle') this.reconnection.worked();
        return { entries: waiting + received, pending: received };
      } catch (error) {
        any.throwIfAborted();
        this.lost(error, queue);
      }
    }
  }

  async *deliveries(): AsyncIterable<Delivery> {
    const { signal: stopping } = this.context;
    const signal = AbortSignal.any([stopping, this.broken.signal]);
    this.state = 'connecting';
    this.hiding = setInterval(() => void this.hideHeld(), (this.hiddenSeconds * 1_000) / RENEWALS).unref();
    try {
      while (!stopping.aborted) {
        this.broken.signal.throwIfAborted();
        let messages: readonly Message[];
        let queue: SqsQueue | undefined;
        try {
          await this.hasCapacity(signal);
          await this.reconnection.pause(signal);
          this.waitingSince = performance.now();
          queue = await this.open(signal);
          messages = await this.receive(queue, signal);
          this.state = 'reading';
          this.reconnection.worked();
        } catch (error) {
          if (signal.aborted) continue;
          this.state = 'connecting';
          this.lost(error, queue);
          continue;
        } finally {
          this.waitingSince = Infinity;
        }
        for (const portion of this.portionsOf(messages)) yield this.toDelivery(portion);
      }
    } finally {
      this.state = 'connecting';
    }
  }

  async close(): Promise<void> {
    clearInterval(this.hiding);
    // What was received and never handed on, or not decided about in time.
    const [queue, left] = [this.queue, [...this.held]];
    if (queue !== undefined && left.length > 0) {
      const giving = queue.hide(left, 0, AbortSignal.timeout(SETTLE_WITHIN_MS)).catch(() => undefined);
      await giving;
    }
    this.closing.abort();
    this.queue?.close();
    this.queue = undefined;
  }

  /** A reply that is overdue shows before it is given up. */
  private delayed(): string | undefined {
    const overdueMs = performance.now() - this.waitingSince - this.waitSeconds() * 1_000;
    return overdueMs > SLOW_MS ? `${describeServer(this.spec)}: no reply` : undefined;
  }

  private waitSeconds(): number {
    const { waitTimeSeconds } = this.spec;
    return waitTimeSeconds ? Math.min(LONGEST_WAIT_SECONDS, Math.max(0, waitTimeSeconds)) : DEFAULT_WAIT_SECONDS;
  }

  private async receive(queue: SqsQueue, signal: AbortSignal): Promise<readonly Message[]> {
    const messages = await queue.receive({
      most: MOST_PER_REQUEST,
      // The first answer shows that it reads, so it is not waited for.
      waitSeconds: this.state === 'reading' ? this.waitSeconds() : 0,
      hiddenSeconds: this.hiddenSeconds,
      signal,
    });
    for (const message of messages) {
      this.held.add(message);
      this.heldBytes += sizeOf(message);
    }
    return messages;
  }

  /** Without the dead-letter queue a message that is no event is deleted like the others. */
  private portionsOf(messages: readonly Message[]): ReadonlyArray<readonly Message[]> {
    if (messages.length === 0) return [];
    return this.spec.dlq ? messages.map((message) => [message]) : [messages];
  }

  private toDelivery(messages: readonly Message[]): Delivery {
    const last = messages.at(-1);
    return {
      ...divideReceived(messages, (message) => toSqsEvent(message, this.spec)),
      ...(last && { position: `${this.spec.queue}@${last.MessageId ?? ''}` }),
      acknowledge: (outcome) => this.acknowledge(messages, outcome),
      release: () => this.release(messages),
    };
  }

  /** Waits out a lost connection: until it is back, the messages stay hidden. */
  private async acknowledge(messages: readonly Message[], { rejected }: DeliveryOutcome): Promise<void> {
    if (this.spec.dlq && rejected.length > 0) {
      // Its visibility ends, and the queue counts the delivery: after some of them it moves the message.
      this.letGo(messages);
      return;
    }
    const { signal } = this.closing;
    for (;;) {
      let queue: SqsQueue | undefined;
      try {
        queue = await this.open(signal);
        await queue.delete(messages, signal);
        break;
      } catch (error) {
        signal.throwIfAborted();
        if (this.context.signal.aborted) throw error;
        try {
          this.lost(error, queue);
        } catch (failure) {
          this.broken.abort(failure);
          throw failure;
        }
        await this.reconnection.pause(signal);
      }
    }
    this.letGo(messages);
  }

  private async release(messages: readonly Message[]): Promise<void> {
    this.letGo(messages);
    const pauseMs = this.redelivery.nextMs();
    const seconds = this.context.signal.aborted ? 0 : Math.floor(pauseMs / 1_000);
    await this.queue?.hide(messages, seconds, AbortSignal.timeout(SETTLE_WITHIN_MS));
  }

  private letGo(messages: readonly Message[]): void {
    for (const message of messages) {
      if (this.held.delete(message)) this.heldBytes -= sizeOf(message);
    }
    this.capacity.wake();
  }

  private async hasCapacity(signal: AbortSignal): Promise<void> {
    while (this.heldBytes >= MOST_HELD_BYTES) await unlessAborted(this.capacity.wait(), signal);
  }

  private async hideHeld(): Promise<void> {
    const messages = [...this.held];
    if (messages.length === 0) return;
    // A failure shows where messages are received; what becomes visible is recognised by its id.
    await this.queue?.hide(messages, this.hiddenSeconds, this.closing.signal).catch(() => undefined);
  }

  private async open(signal: AbortSignal): Promise<SqsQueue> {
    if (this.queue !== undefined) return this.queue;
    const queue = await SqsQueue.open(this.spec, this.owner, signal);
    // The backlog is measured at the same time.
    if (this.queue !== undefined || this.closing.signal.aborted) queue.close();
    else this.queue = queue;
    return this.queue ?? queue;
  }

  /** Throws errors that an operator must fix; otherwise the queue is opened again. */
  private lost(error: unknown, queue: SqsQueue | undefined): void {
    if (this.queue === queue) this.queue = undefined;
    queue?.close();
    this.isAnswered = false;
    const mayPass = this.reconnection.failed(describeSqsFailure(error, this.spec), sqsVerdict(error));
    if (!mayPass) throw sqsFailure(error, this.spec, this.owner, 'misconfigured');
  }
}

function sizeOf({ Body = '', MessageAttributes = {} }: Message): number {
  let bytes = 500 + 2 * Body.length;
  for (const { StringValue, BinaryValue } of Object.values(MessageAttributes)) {
    bytes += 100 + 2 * (StringValue?.length ?? 0) + (BinaryValue?.length ?? 0);
  }
  return bytes;
}
