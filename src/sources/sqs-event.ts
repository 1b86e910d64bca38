/** A message of SQS as Argo Events passes it on. Pure. */
import type { Message, MessageAttributeValue } from '@aws-sdk/client-sqs';
import { eventTimeOf } from '../event/event-time';
import type { JsonObject } from '../event/json';
import { joinObject, sortedObject } from '../event/json-text';
import { hookMetadata } from './hook-events';
import { bodyMember, readBody, rejectedBody } from './message-body';
import type { ReceivedEvent, RejectedInput } from './source';

interface EventShape {
  readonly jsonBody?: boolean;
  readonly metadata?: Readonly<Record<string, string>>;
}

export function toSqsEvent(message: Message, shape: EventShape): ReceivedEvent | RejectedInput {
  const { MessageId: id = '', Body: content = '', MessageAttributes: attributes, Attributes: system } = message;
  const body = readBody('SQS message', content);
  const rejected = rejectedBody(shape.jsonBody, body, `the message ${id}`);
  if (rejected !== undefined) return { transportId: id, ...rejected };
  const time = eventTimeOf(Number(system?.SentTimestamp));
  const traceparent = attributes?.traceparent?.StringValue;
  return {
    transportId: id,
    data: joinObject({
      messageId: id,
      messageAttributes: attributes === undefined ? null : sortedObject(attributesOf(attributes)),
      body: bodyMember(shape.jsonBody, body, content),
      ...hookMetadata(shape.metadata),
    }),
    ...(body.document !== undefined && { document: body.document }),
    ...(time !== undefined && { time }),
    ...(traceparent !== undefined && { traceparent }),
  };
}

/** With all fields of the Go type, absent ones as null. */
function attributesOf(attributes: Readonly<Record<string, MessageAttributeValue>>): Record<string, JsonObject> {
  return Object.fromEntries(
    Object.entries(attributes).map(
      ([name, { BinaryListValues, BinaryValue, DataType, StringListValues, StringValue }]) => [
        name,
        {
          BinaryListValues: BinaryListValues?.map(base64) ?? null,
          BinaryValue: BinaryValue === undefined ? null : base64(BinaryValue),
          DataType: DataType ?? null,
          StringListValues: StringListValues ?? null,
          StringValue: StringValue ?? null,
        },
      ],
    ),
  );
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64');
}
