/** Temporal's protocol of remote codecs: payloads in ProtoJSON, in and out. Pure. */
import type { Payload } from '@temporalio/common';
import { isJsonObject, parseJson, type JsonObject, type JsonValue } from '../event/json';

/** `{payloads: [{metadata: {name: base64}, data: base64}]}` has five levels. */
const MAX_DEPTH = 8;
const MAX_PAYLOADS = 10_000;
const BASE64 = /^[A-Za-z0-9+/_-]*={0,2}$/;

/** The request does not follow the protocol. */
export class ProtocolError extends Error {}

/** Reads the payloads of one request. The UI sends a history event by event, the CLI sends whole messages. */
export function readPayloads(body: string): Payload[] {
  let parsed: JsonValue;
  try {
    parsed = parseJson(body, MAX_DEPTH);
  } catch {
    throw new ProtocolError('the body is not JSON, or nested too deeply');
  }
  const payloads = isJsonObject(parsed) ? parsed['payloads'] : undefined;
  if (!Array.isArray(payloads)) throw new ProtocolError('the body has no list "payloads"');
  if (payloads.length > MAX_PAYLOADS) throw new ProtocolError(`more than ${MAX_PAYLOADS} payloads`);
  return payloads.map(readPayload);
}

export function writePayloads(payloads: readonly Payload[]): JsonObject {
  return {
    payloads: payloads.map(({ metadata, data }): JsonObject => ({
      metadata: Object.fromEntries(Object.entries(metadata ?? {}).map(([name, bytes]) => [name, toBase64(bytes)])),
      data: toBase64(data),
    })),
  };
}

function readPayload(payload: JsonValue): Payload {
  if (!isJsonObject(payload)) throw new ProtocolError('a payload is not an object');
  const { metadata = {}, data = '' } = payload;
  if (!isJsonObject(metadata)) throw new ProtocolError('the metadata of a payload is not an object');
  return {
    metadata: Object.fromEntries(Object.entries(metadata).map(([name, value]) => [name, fromBase64(value)])),
    data: fromBase64(data),
  };
}

function fromBase64(value: JsonValue): Uint8Array {
  if (typeof value !== 'string' || !BASE64.test(value)) throw new ProtocolError('a payload is not base64');
  // Also accepts the URL-safe alphabet, as ProtoJSON requires.
  return Buffer.from(value, 'base64');
}

function toBase64(bytes: Uint8Array | null | undefined): string {
  return Buffer.from(bytes ?? []).toString('base64');
}
