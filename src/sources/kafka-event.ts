/** A record of Kafka as Argo Events passes it on. Pure. */
import type { IHeaders } from 'kafkajs';
import { eventTimeOf, GO_ZERO_TIME, goTimeOf } from '../event/event-time';
import { joinObject, sortedObject } from '../event/json-text';
import { hookMetadata } from './hook-events';
import { bodyMember, readBody, rejectedBody } from './message-body';
import type { ReceivedEvent, RejectedInput } from './source';

export interface KafkaRecord {
  readonly topic: string;
  readonly partition: number;
  readonly offset: string;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  /** Milliseconds; -1 if the record has none. */
  readonly timestamp: string;
  readonly headers: IHeaders;
}

interface EventShape {
  readonly jsonBody?: boolean;
  readonly metadata?: Readonly<Record<string, string>>;
}

export function toKafkaEvent(record: KafkaRecord, shape: EventShape): ReceivedEvent | RejectedInput {
  const { topic, partition, offset, key, value, timestamp } = record;
  // Topics that are made anew count from 0 again.
  const transportId = `${topic}:${partition}:${offset}:${timestamp}`;
  const body = value === null ? {} : readBody('Kafka record', value);
  const name = `the record ${offset} of partition ${partition} of topic "${topic}"`;
  const rejected = rejectedBody(shape.jsonBody, body, name);
  if (rejected !== undefined) return { transportId, ...rejected };
  const headers = textHeaders(record.headers);
  const at = Number(timestamp);
  const time = eventTimeOf(at);
  return {
    transportId,
    data: joinObject({
      topic,
      key: key?.toString('utf8') ?? '',
      partition,
      // A record without a value is a deletion.
      body: value === null ? null : bodyMember(shape.jsonBody, body, value),
      timestamp: goTimeOf(at) ?? GO_ZERO_TIME,
      headers: sortedObject(headers),
      ...hookMetadata(shape.metadata),
    }),
    ...(body.document !== undefined && { document: body.document }),
    ...(time !== undefined && { time }),
    ...(headers.traceparent !== undefined && { traceparent: headers.traceparent }),
  };
}

/** Of several headers of one name Argo Events keeps the last. */
function textHeaders(headers: IHeaders): Record<string, string> {
  const texts = new Map<string, string>();
  for (const [name, value] of Object.entries(headers)) {
    const last = Array.isArray(value) ? value.at(-1) : value;
    texts.set(name, last?.toString() ?? '');
  }
  return Object.fromEntries(texts);
}
