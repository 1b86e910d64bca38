/** Turns received data into an event for the bus, or into the record of why it will not become one. */
import { describeError, isSluiceError } from '../../src/errors/sluice-error';
import type { CloudEvent } from '../../src/event/cloud-event';
import { nameEvent, type Decision, type DecisionRecord } from '../../src/records/decision-record';
import { deriveEventId } from '../../src/event/event-id';
import { dataAttributes } from '../../src/event/event-data';
import { MAX_DATA_DEPTH, assertDepth } from '../../src/event/json';
import { valueOf, type ObjectDocument } from '../../src/event/json-text';
import type { ReceivedEvent, RejectedInput } from '../../src/sources/source';
import { findTraceparent } from '../../src/tracing/trace-context';

export interface ReceivedEventsOptions {
  readonly namespace: string;
  readonly eventSourceName: string;
  readonly eventName: string;
  readonly cloudEventType: string;
  /** Annotation `sluice.io/id-from`: reads an id from the payload, instead of the derived one. */
  readonly idOf?: (payload: ObjectDocument) => string | undefined;
  /** How urgent the fires of its events can be at most; default: as their triggers say. */
  readonly priority?: number;
}

export class ReceivedEvents {
  private lastReceivedAt = 0;

  constructor(private readonly options: ReceivedEventsOptions) {}

  /** Never throws: input that cannot become an event is rejected without affecting other input. */
  toCloudEvent(received: ReceivedEvent, now: string): CloudEvent | RejectedInput {
    try {
      return this.convert(received, now);
    } catch (error) {
      const { transportId } = received;
      const code = isSluiceError(error) && error.code === 'BUS_EVENT_TOO_LARGE' ? error.code : 'EVENT_UNDECODABLE';
      return { ...(transportId !== undefined && { transportId }), code, reason: describeError(error) };
    }
  }

  rejection({ transportId, code, reason }: RejectedInput, now: string): DecisionRecord {
    const { eventSourceName: source, eventName: subject } = this.options;
    const id = deriveEventId({ eventName: subject, transportId, data: { reason }, receivedAt: this.receivedAt() });
    return this.decision({ id, source, subject }, 'rejected', now, { code, reason });
  }

  decision(
    event: Pick<CloudEvent, 'id' | 'source' | 'subject'>,
    decision: Decision,
    at: string,
    why: Pick<DecisionRecord, 'clause' | 'code' | 'reason'>,
  ): DecisionRecord {
    const { namespace, eventSourceName } = this.options;
    return { at, ...nameEvent(event), namespace, eventSource: eventSourceName, decision, ...why };
  }

  private convert(received: ReceivedEvent, now: string): CloudEvent {
    const { namespace, eventSourceName, eventName, cloudEventType, idOf, priority } = this.options;
    const { data, document = null, deliveryId } = received;
    // Before anything that recurses: the id is derived from the document's JSON.
    assertDepth(valueOf(data), MAX_DATA_DEPTH);
    assertDepth(valueOf(document), MAX_DATA_DEPTH);
    const traceparent = findTraceparent(received.traceparent, valueOf(document));
    const transportId = idOf?.(data) ?? received.transportId;
    return {
      specversion: '1.0',
      id: deriveEventId({ eventName, transportId, deliveryId, document, data, receivedAt: this.receivedAt() }),
      source: eventSourceName,
      type: cloudEventType,
      subject: eventName,
      sluicenamespace: namespace,
      ...(priority !== undefined && { sluicepriority: String(priority) }),
      datacontenttype: 'application/json',
      time: received.time ?? now,
      ...dataAttributes(data),
      ...(traceparent !== undefined && { traceparent }),
    };
  }

  /** Microseconds, each later than the previous: two identical messages at one moment are still two events. */
  private receivedAt(): string {
    const now = Math.round((performance.timeOrigin + performance.now()) * 1000);
    this.lastReceivedAt = Math.max(now, this.lastReceivedAt + 1);
    const ms = Math.floor(this.lastReceivedAt / 1000);
    const microseconds = String(this.lastReceivedAt % 1000).padStart(3, '0');
    return new Date(ms).toISOString().replace('Z', `${microseconds}Z`);
  }
}
