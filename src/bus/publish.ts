/** Publishes events: many at once, each with a message id by which JetStream recognises duplicates. */
import { JetStreamApiError, jetstream, type JetStreamClient, type PubAck } from '@nats-io/jetstream';
import { setTimeout as delay } from 'node:timers/promises';
import { SluiceError, describeError, isSluiceError } from '../errors/sluice-error';
import { eventKey, messageId, type CloudEvent } from '../event/cloud-event';
import { concurrently } from '../concurrency/concurrently';
import { encodeEvent } from '../event/encode-event';
import { inStage } from '../metrics/stages';
import type { PublishOptions, PublishOutcome } from './bus';
import type { BusConnection } from './bus-connection';
import { eventSubject } from './bus-names';
import { eventPath } from './event-path';

const DEFAULT_PATIENCE_MS = 10_000;
/** The first wait is short: a server that just restarted may have silently lost the event. */
const FIRST_ACK_TIMEOUT_MS = 2_000;
const ACK_TIMEOUT_MS = 5_000;
const STOPPING_ACK_TIMEOUT_MS = 1_000;
const MIN_ACK_TIMEOUT_MS = 100;
/** Enough to hide the round trip, few enough that a slow disk does not time out the last of them. */
const MAX_IN_FLIGHT = 500;
/** The server counts headers too; ours hold little more than the message id. */
const HEADER_ALLOWANCE_BYTES = 512;
const MAX_MESSAGE_SIZE_EXCEEDED = 10054;
/** Without further publishes, the stream may have space again unnoticed, so a refusal is shown only this long. */
const REFUSAL_SHOWN_FOR_MS = 60_000;

/** Events passed to `publishEvents` together. */
interface PublishBatch {
  readonly giveUpAt: number;
  readonly signal: AbortSignal | undefined;
  /** Ends the wait for an acknowledgement that will not arrive. */
  readonly interrupts: Set<() => void>;
}

export class EventPublisher {
  private readonly client: JetStreamClient;
  /** Why the stream has refused events since the last one that it accepted. */
  private refusal: { readonly reason: string; readonly at: number } | undefined;

  /** `onRefused`: called when the stream refuses an event, possibly because it is full. */
  constructor(
    private readonly connection: BusConnection,
    private readonly onRefused: () => void = () => undefined,
  ) {
    this.client = jetstream(connection.nats, { timeout: ACK_TIMEOUT_MS });
  }

  problem(): string | undefined {
    const { refusal } = this;
    if (refusal === undefined || performance.now() - refusal.at > REFUSAL_SHOWN_FOR_MS) return undefined;
    return `the stream accepts no events: ${refusal.reason}`;
  }

  async publishEvents(events: readonly CloudEvent[], options: PublishOptions = {}): Promise<PublishOutcome[]> {
    const { signal, patienceMs = DEFAULT_PATIENCE_MS } = options;
    const batch: PublishBatch = { giveUpAt: performance.now() + patienceMs, signal, interrupts: new Set() };
    const interrupt = (): void => {
      for (const interruptOne of batch.interrupts) interruptOne();
    };
    signal?.addEventListener('abort', interrupt);
    // Outstanding acknowledgements do not arrive on a new connection.
    const stopWatching = this.connection.onReconnect(interrupt);
    try {
      return await this.publishBatch(events, batch);
    } finally {
      signal?.removeEventListener('abort', interrupt);
      stopWatching();
    }
  }

  private async publishBatch(events: readonly CloudEvent[], batch: PublishBatch): Promise<PublishOutcome[]> {
    return await concurrently(events, MAX_IN_FLIGHT, (event) => this.publishEvent(event, batch));
  }

  private async publishEvent(event: CloudEvent, batch: PublishBatch): Promise<PublishOutcome> {
    let payload: Uint8Array;
    try {
      payload = inStage('event to publish', () => encodeEvent(event));
    } catch (error) {
      if (!isSluiceError(error)) throw error;
      return { kind: 'failed', error };
    }
    const tooLarge = this.checkSize(event, payload.length);
    if (tooLarge) return { kind: 'failed', error: tooLarge };

    const { signal, giveUpAt } = batch;
    for (let attempt = 1; ; attempt += 1) {
      try {
        const ack = await this.publishOnce(
          event,
          payload,
          batch,
          attempt === 1 ? FIRST_ACK_TIMEOUT_MS : ACK_TIMEOUT_MS,
        );
        this.refusal = undefined;
        // After a lost acknowledgement the duplicate is our own first attempt.
        return { kind: 'published', sequence: ack.seq, duplicate: ack.duplicate && attempt === 1 };
      } catch (error) {
        const problem = this.publishError(event, error);
        if (problem.code === 'BUS_REFUSED') {
          this.refusal = { reason: describeError(error), at: performance.now() };
          this.onRefused();
        }
        const pauseMs = Math.min(100 * 2 ** (attempt - 1), 2_000);
        const isOver = signal?.aborted || performance.now() + pauseMs > giveUpAt;
        if (!problem.retryable || isOver || this.connection.nats.isClosed()) return { kind: 'failed', error: problem };
        // An aborted wait ends the loop by the check above, after one last attempt.
        await delay(pauseMs, undefined, { signal }).catch(() => undefined);
      }
    }
  }

  private publishOnce(
    event: CloudEvent,
    payload: Uint8Array,
    { interrupts, giveUpAt, signal }: PublishBatch,
    ackTimeoutMs: number,
  ): Promise<PubAck> {
    const timeout = Math.max(
      MIN_ACK_TIMEOUT_MS,
      Math.min(signal?.aborted ? STOPPING_ACK_TIMEOUT_MS : ackTimeoutMs, giveUpAt - performance.now()),
    );
    // After an abort, each remaining event gets one attempt, and none if the bus is known to be unreachable.
    if (signal?.aborted && !this.connection.isConnected()) {
      return Promise.reject(new Error('the connection is lost and the publisher is stopping'));
    }
    const subject = eventSubject(this.connection.names.events, eventPath(event.source, event.subject));
    return new Promise((resolve, reject) => {
      const interrupt = (): void => reject(new Error('it was interrupted before it was confirmed'));
      interrupts.add(interrupt);
      this.client
        .publish(subject, payload, { msgID: messageId(event), timeout })
        .finally(() => interrupts.delete(interrupt))
        .then(resolve, reject);
    });
  }

  private checkSize(event: CloudEvent, payloadBytes: number): SluiceError | undefined {
    const limit = this.connection.nats.info?.max_payload ?? Number.POSITIVE_INFINITY;
    if (payloadBytes + HEADER_ALLOWANCE_BYTES <= limit) return undefined;
    return new SluiceError('BUS_EVENT_TOO_LARGE', {
      message: `Event ${eventKey(event)} has ${payloadBytes} bytes; the event bus accepts ${limit} with headers`,
      fix: 'Raise max_payload of the NATS server (spec.jetstream.maxPayload), or send a reference instead of the document.',
      context: { event: eventKey(event), bytes: payloadBytes, limit },
    });
  }

  private publishError(event: CloudEvent, error: unknown): SluiceError {
    const context = { bus: this.connection.settings.name, event: eventKey(event) };
    if (error instanceof JetStreamApiError) {
      if (error.code === MAX_MESSAGE_SIZE_EXCEEDED) {
        return new SluiceError('BUS_EVENT_TOO_LARGE', {
          message: `Event ${eventKey(event)} is larger than the stream of event bus ${context.bus} accepts`,
          fix: 'Raise max_msg_size of the stream, or send a reference instead of the document.',
          context,
          cause: error,
        });
      }
      return new SluiceError('BUS_REFUSED', {
        message: `Event bus ${context.bus} refused event ${eventKey(event)}: ${error.message}`,
        fix: 'If the stream is full, let sensors catch up, or raise its limits.',
        context,
        cause: error,
      });
    }
    return new SluiceError('BUS_UNREACHABLE', {
      message: `Event bus ${context.bus} did not confirm event ${eventKey(event)}: ${describeError(error)}`,
      context,
      cause: error,
    });
  }
}
