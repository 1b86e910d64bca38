/** A message of NATS as Argo Events passes it on. Pure. */
import type { MsgHdrs } from '@nats-io/transport-node';
import { joinObject, sortedObject, type JsonDocument } from '../event/json-text';
import { hookMetadata } from './hook-events';
import { bodyMember, type MessageBody } from './message-body';
import type { ReceivedEvent } from './source';

export interface NatsContent {
  readonly subject: string;
  readonly content: Buffer;
  readonly headers: Readonly<Record<string, string[]>>;
}

interface EventShape {
  readonly jsonBody?: boolean;
  readonly metadata?: Readonly<Record<string, string>>;
}

/** `more` are members of the payload that Argo Events does not have. */
export function natsEvent(
  { subject, content, headers }: NatsContent,
  body: MessageBody,
  { jsonBody, metadata }: EventShape,
  more: Readonly<Record<string, JsonDocument>> = {},
): Pick<ReceivedEvent, 'data' | 'document' | 'traceparent'> {
  const traceparent = headers.traceparent?.[0];
  return {
    data: joinObject({
      subject,
      body: bodyMember(jsonBody, body, content),
      ...(Object.keys(headers).length > 0 && { header: sortedObject(headers) }),
      ...more,
      ...hookMetadata(metadata),
    }),
    ...(body.document !== undefined && { document: body.document }),
    ...(traceparent !== undefined && { traceparent }),
  };
}

export function textHeaders(headers: MsgHdrs | undefined): Record<string, string[]> {
  return Object.fromEntries(headers ?? []);
}

export function messageBytes(content: Buffer, headers: MsgHdrs | undefined): number {
  let bytes = content.length;
  for (const [name, values] of headers ?? []) bytes += name.length + values.join('').length;
  return bytes;
}
