/**
 * How an event lies on the bus: CloudEvents 1.0, structured JSON, as Argo Events writes and reads it.
 *
 * Sluice writes `data` as JSON. The library of Argo Events writes the same JSON as `data_base64`, so both are read.
 * Pure.
 */
import { SluiceError } from '../errors';
import type { CloudEvent } from './cloud-event';
import { isJsonObject, parseJson, type JsonObject, type JsonValue } from './json';

const utf8Encoder = new TextEncoder();
const utf8Decoder = new TextDecoder('utf-8', { fatal: true });

export function encodeEvent(event: CloudEvent): Uint8Array {
  return utf8Encoder.encode(JSON.stringify(event));
}

/** Throws EVENT_UNDECODABLE; unknown attributes are ignored, as CloudEvents asks of a receiver. */
export function decodeEvent(bytes: Uint8Array): CloudEvent {
  const envelope = parseEnvelope(bytes);
  const id = requiredText(envelope, 'id');
  const source = requiredText(envelope, 'source');
  const subject = requiredText(envelope, 'subject');
  if (envelope.specversion !== '1.0') {
    throw undecodable(`specversion is ${JSON.stringify(envelope.specversion)}, expected "1.0"`);
  }
  const datacontenttype = optionalText(envelope, 'datacontenttype') ?? 'application/json';
  const traceparent = optionalText(envelope, 'traceparent');
  return {
    specversion: '1.0',
    id,
    source,
    type: optionalText(envelope, 'type') ?? '',
    subject,
    datacontenttype,
    time: optionalText(envelope, 'time') ?? new Date(0).toISOString(),
    ...(traceparent !== undefined && { traceparent }),
    ...decodeData(envelope, datacontenttype),
  };
}

function parseEnvelope(bytes: Uint8Array): JsonObject {
  let parsed: unknown;
  try {
    parsed = JSON.parse(utf8Decoder.decode(bytes));
  } catch (error) {
    throw undecodable('it is not JSON in UTF-8', error);
  }
  if (!isJsonObject(parsed)) throw undecodable('it is not a JSON object');
  return parsed;
}

function decodeData(envelope: JsonObject, contentType: string): { data?: JsonValue; data_base64?: string } {
  if (envelope.data !== undefined) return { data: envelope.data };
  const encoded = optionalText(envelope, 'data_base64');
  if (encoded === undefined) return {};
  if (!isJsonContent(contentType)) return { data_base64: encoded };
  try {
    return { data: parseJson(utf8Decoder.decode(decodeBase64(encoded))) };
  } catch (error) {
    throw undecodable(`data_base64 does not hold what datacontenttype "${contentType}" promises`, error);
  }
}

/** `application/json`, `text/json`, `application/geo+json; charset=utf-8` … */
export function isJsonContent(contentType: string): boolean {
  return /^[^;]*[/+]json\s*(;|$)/i.test(contentType);
}

function decodeBase64(text: string): Uint8Array {
  return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
}

function requiredText(envelope: JsonObject, attribute: string): string {
  const value = optionalText(envelope, attribute);
  if (value === undefined || value === '') throw undecodable(`attribute "${attribute}" is missing`);
  return value;
}

function optionalText(envelope: JsonObject, attribute: string): string | undefined {
  const value = envelope[attribute];
  if (value === undefined || value === null) return undefined;
  if (typeof value !== 'string') throw undecodable(`attribute "${attribute}" is not a text`);
  return value;
}

function undecodable(what: string, cause?: unknown): SluiceError {
  return new SluiceError('EVENT_UNDECODABLE', {
    message: `A message on the bus is not a CloudEvent: ${what}`,
    fix: 'Publish CloudEvents 1.0 in structured JSON with id, source, subject and specversion.',
    cause,
  });
}
