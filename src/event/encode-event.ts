/**
 * The encoding of an event on the bus: CloudEvents 1.0, structured JSON, as Argo Events writes and reads it.
 *
 * Sluice writes `data` as JSON, with the sender's text if JavaScript would change it. The library of Argo Events writes
 * the same JSON as `data_base64`, so both are read. Pure.
 */
import { SluiceError, describeError, isSluiceError } from '../errors/sluice-error';
import { decodeBase64 } from './base64';
import type { CloudEvent } from './cloud-event';
import { dataAttributes, isJsonContent, jsonOf } from './event-data';
import { boundForeignId } from './event-id';
import { MAX_DATA_DEPTH, MAX_EVENT_DEPTH, assertDepth, crowdProblem, isJsonObject, type JsonObject } from './json';
import { isJsonText, joinObject, memberOf, readJson, textOf, valueOf, type JsonDocument } from './json-text';

/** Far above any real name, type or content type; longer ones would not fit into headers and search attributes. */
const MAX_ATTRIBUTE_LENGTH = 1_024;
/** RFC 3339 with a year that four digits can hold, as Go reads it. */
const TIME = /^\d{4}-\d{2}-\d{2}t\d{2}:\d{2}:\d{2}(\.\d+)?(z|[+-]\d{2}:\d{2})$/i;

const utf8Encoder = new TextEncoder();
const utf8Decoder = new TextDecoder('utf-8', { fatal: true });

/** Throws EVENT_UNDECODABLE for events that `decodeEvent` would reject: too deeply nested, or with too many members. */
export function encodeEvent(event: CloudEvent): Uint8Array {
  assertDepth(event, MAX_EVENT_DEPTH);
  const text = textOf(withKeptData(event));
  const crowd = crowdProblem(text, MAX_EVENT_DEPTH);
  if (crowd !== undefined) {
    throw new SluiceError('EVENT_UNDECODABLE', { message: crowd.message, context: { limit: crowd.limit } });
  }
  return utf8Encoder.encode(text);
}

/** Of `data_base64` only the original is written, which is smaller and can be read and searched. */
function withKeptData(event: CloudEvent): JsonDocument {
  const { data, data_base64, ...attributes } = event;
  const kept = data === undefined && data_base64 !== undefined ? jsonOf(event) : undefined;
  if (kept === undefined || !isJsonText(kept)) return joinObject({ ...event });
  assertDepth(kept.value, MAX_DATA_DEPTH);
  return joinObject({ ...attributes, data: kept });
}

/** Throws EVENT_UNDECODABLE; unknown attributes are ignored, as CloudEvents asks of a receiver. */
export function decodeEvent(bytes: Uint8Array): CloudEvent {
  const { envelope, data } = parseEnvelope(bytes);
  const id = boundForeignId(requiredText(envelope, 'id', Number.POSITIVE_INFINITY));
  const source = requiredText(envelope, 'source');
  const subject = requiredText(envelope, 'subject');
  if (envelope.specversion !== '1.0') {
    throw undecodable('attribute "specversion" is not "1.0"');
  }
  const datacontenttype = optionalText(envelope, 'datacontenttype') ?? 'application/json';
  const namespace = optionalText(envelope, 'sluicenamespace');
  const { sluicepriority: priority } = envelope;
  const traceparent = optionalText(envelope, 'traceparent', Number.POSITIVE_INFINITY);
  const isTraced = traceparent !== undefined && traceparent.length <= MAX_ATTRIBUTE_LENGTH;
  return {
    specversion: '1.0',
    id,
    source,
    type: optionalText(envelope, 'type') ?? '',
    subject,
    datacontenttype,
    time: decodeTime(envelope),
    ...(namespace !== undefined && { sluicenamespace: namespace }),
    ...(typeof priority === 'string' && /^[1-5]$/.test(priority) && { sluicepriority: priority }),
    // An invalid trace context is dropped, as W3C asks: the event is worth more than its trace.
    ...(isTraced && { traceparent }),
    ...(data === undefined ? decodeBytes(envelope, datacontenttype) : dataAttributes(data)),
  };
}

interface Envelope {
  readonly envelope: JsonObject;
  /** The attribute `data`. */
  readonly data: JsonDocument | undefined;
}

function parseEnvelope(bytes: Uint8Array): Envelope {
  let text: string;
  try {
    text = utf8Decoder.decode(bytes);
  } catch {
    throw undecodable('it is not UTF-8');
  }
  const parsed = parse(text, 'it is not JSON');
  const envelope = valueOf(parsed);
  if (!isJsonObject(envelope)) throw undecodable('it is not a JSON object');
  return { envelope, data: isJsonText(parsed) ? memberOf(parsed, 'data') : envelope.data };
}

function decodeBytes(envelope: JsonObject, contentType: string): Pick<CloudEvent, 'data' | 'data_base64'> {
  const encoded = optionalText(envelope, 'data_base64', Number.POSITIVE_INFINITY);
  if (encoded === undefined) return {};
  const bytes = bytesOf(encoded);
  if (!isJsonContent(contentType)) return { data_base64: encoded };
  const promise = `data_base64 does not hold what datacontenttype "${contentType}" promises`;
  let text: string;
  try {
    text = utf8Decoder.decode(bytes);
  } catch {
    throw undecodable(`${promise}: it is not UTF-8`);
  }
  return dataAttributes(parse(text, promise));
}

/** The reason of `readJson` without its text: events on the bus are never quoted. */
function parse(text: string, failure: string): JsonDocument {
  try {
    return readJson(text, MAX_EVENT_DEPTH);
  } catch (error) {
    const isBeyondLimit = isSluiceError(error) && error.context.limit !== undefined;
    throw undecodable(isBeyondLimit ? error.message : `${failure}: ${describeError(error)}`);
  }
}

function decodeTime(envelope: JsonObject): string {
  const time = optionalText(envelope, 'time');
  if (time === undefined || time === '') return new Date(0).toISOString();
  if (!TIME.test(time) || Number.isNaN(Date.parse(time))) throw undecodable('attribute "time" is not an RFC 3339 time');
  return time;
}

function bytesOf(base64: string): Uint8Array {
  try {
    return decodeBase64(base64);
  } catch {
    throw undecodable('data_base64 is not base64');
  }
}

function requiredText(envelope: JsonObject, attribute: string, maxLength = MAX_ATTRIBUTE_LENGTH): string {
  const value = optionalText(envelope, attribute, maxLength);
  if (value === undefined || value === '') throw undecodable(`attribute "${attribute}" is missing`);
  return value;
}

function optionalText(envelope: JsonObject, attribute: string, maxLength = MAX_ATTRIBUTE_LENGTH): string | undefined {
  const value = envelope[attribute];
  if (value === undefined || value === null) return undefined;
  if (typeof value !== 'string') throw undecodable(`attribute "${attribute}" is not a string`);
  if (value.length > maxLength) {
    throw undecodable(`attribute "${attribute}" has ${value.length} characters; at most ${maxLength} are accepted`);
  }
  return value;
}

function undecodable(what: string): SluiceError {
  return new SluiceError('EVENT_UNDECODABLE', {
    message: `A message on the bus cannot be read as a CloudEvent: ${what}`,
    fix: 'Publish CloudEvents 1.0 in structured JSON with id, source, subject and specversion.',
  });
}
