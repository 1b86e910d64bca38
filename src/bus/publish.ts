/** Puts events on the bus: many at once, each under a message id by which JetStream recognises a repetition. */
import { JetStreamApiError, jetstream, type JetStreamClient, type PubAck } from '@nats-io/jetstream';
import { setTimeout as delay } from 'node:timers/promises';
import { SluiceError, describeError } from '../errors';
import { eventKey, type CloudEvent } from '../event/cloud-event';
import { encodeEvent } from '../event/encode-event';
import type { PublishOptions, PublishOutcome } from './bus';
import type { BusConnection } from './connection';
import { eventSubject } from './subjects';

const DEFAULT_PATIENCE_MS = 10_000;
const ACK_TIMEOUT_MS = 5_000;
/** Enough to hide the round trip, few enough that a slow disk does not time out the last of them. */
const MAX_IN_FLIGHT = 500;
/** The server counts headers too; ours hold little more than the message id. */
const HEADER_ALLOWANCE_BYTES = 512;
const MAX_MESSAGE_SIZE_EXCEEDED = 10054;

export class EventPublisher {
  private readonly client: JetStreamClient;
  /** What to call for each event on the wire when the connection turns out to have been lost under it. */
  private readonly unconfirmed = new Set<() => void>();

  constructor(private readonly connection: BusConnection) {
    this.client = jetstream(connection.nats, { timeout: ACK_TIMEOUT_MS });
    connection.onReconnect(() => {
      for (const tryAgain of this.unconfirmed) tryAgain();
    });
  }

  async publishEvents(events: readonly CloudEvent[], options: PublishOptions = {}): Promise<PublishOutcome[]> {
    const giveUpAt = performance.now() + (options.patienceMs ?? DEFAULT_PATIENCE_MS);
    const outcomes = new Array<PublishOutcome>(events.length);
    let next = 0;
    const lane = async (): Promise<void> => {
      for (let index = next++; index < events.length; index = next++) {
        const event = events[index];
        if (event) outcomes[index] = await this.publishEvent(event, giveUpAt, options.signal);
      }
    };
    await Promise.all(Array.from({ length: Math.min(MAX_IN_FLIGHT, events.length) }, lane));
    return outcomes;
  }

  private async publishEvent(event: CloudEvent, giveUpAt: number, signal?: AbortSignal): Promise<PublishOutcome> {
    const payload = encodeEvent(event);
    const tooLarge = this.checkSize(event, payload.length);
    if (tooLarge) return { kind: 'failed', error: tooLarge };

    for (let attempt = 1; ; attempt += 1) {
      try {
        const ack = await this.publishOnce(event, payload);
        // After a lost acknowledgement the duplicate is our own first attempt.
        return { kind: 'published', sequence: ack.seq, duplicate: ack.duplicate && attempt === 1 };
      } catch (error) {
        const problem = this.publishError(event, error);
        const pauseMs = Math.min(100 * 2 ** (attempt - 1), 2_000);
        const isOver = signal?.aborted || performance.now() + pauseMs > giveUpAt;
        if (!problem.retryable || isOver || this.connection.nats.isClosed()) return { kind: 'failed', error: problem };
        // An aborted wait ends the loop by the check above, after one last attempt.
        await delay(pauseMs, undefined, { signal }).catch(() => undefined);
      }
    }
  }

  /** Fails at once after a reconnection: the acknowledgement of the old connection will never come. */
  private publishOnce(event: CloudEvent, payload: Uint8Array): Promise<PubAck> {
    return new Promise((resolve, reject) => {
      const tryAgain = (): void => reject(new Error('the connection was lost before it was confirmed'));
      this.unconfirmed.add(tryAgain);
      this.client
        .publish(eventSubject(event.source, event.subject), payload, {
          msgID: eventKey(event),
          timeout: ACK_TIMEOUT_MS,
        })
        .finally(() => this.unconfirmed.delete(tryAgain))
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
