/** An event's data as filters, transforms and parameters see it. */
import type { CloudEvent } from '../event/cloud-event';
import { parseJson, type JsonObject, type JsonValue } from '../event/json';

export type EventData =
  | { readonly kind: 'none' }
  | { readonly kind: 'json'; readonly value: JsonValue }
  | { readonly kind: 'notJson'; readonly text: string };

/** Data that came as bytes may still be JSON, whatever its content type says. */
export function dataOf(event: CloudEvent): EventData {
  if (event.data !== undefined) return { kind: 'json', value: event.data };
  if (event.data_base64 === undefined) return { kind: 'none' };
  const text = decodeBase64(event.data_base64);
  try {
    return { kind: 'json', value: parseJson(text) };
  } catch {
    return { kind: 'notJson', text };
  }
}

/** The `context` of an event as Argo Events shows it to triggers: these keys in this order, time in whole seconds. */
export function contextOf(event: CloudEvent): JsonObject {
  return {
    id: event.id,
    source: event.source,
    specversion: event.specversion,
    type: event.type,
    datacontenttype: event.datacontenttype,
    subject: event.subject,
    time: wholeSeconds(event.time),
  };
}

/** The whole event as Argo Events gives it to a parameter without keys: context, and the data's bytes as base64. */
export function wholeEventText(event: CloudEvent): string {
  const data = event.data === undefined ? (event.data_base64 ?? null) : encodeBase64(JSON.stringify(event.data));
  return JSON.stringify({ context: contextOf(event), data });
}

function wholeSeconds(time: string): string {
  const at = Date.parse(time);
  return Number.isNaN(at) ? time : `${new Date(at).toISOString().slice(0, 19)}Z`;
}

function decodeBase64(text: string): string {
  return new TextDecoder().decode(Uint8Array.from(atob(text), (character) => character.charCodeAt(0)));
}

const BYTES_PER_CALL = 8_192;

function encodeBase64(text: string): string {
  const bytes = new TextEncoder().encode(text);
  let binary = '';
  for (let at = 0; at < bytes.length; at += BYTES_PER_CALL) {
    binary += String.fromCharCode(...bytes.subarray(at, at + BYTES_PER_CALL));
  }
  return btoa(binary);
}
