/**
 * Converts an event's data from and to its encoded form: `data`, or `data_base64` for data that is not JSON and for
 * JSON whose text JavaScript would change. Argo Events and earlier versions read both forms alike. Pure.
 */
import { decodeBase64, encodeBase64 } from './base64';
import type { CloudEvent } from './cloud-event';
import { MAX_DATA_DEPTH } from './json';
import { isJsonText, readJson, textOf, type JsonDocument } from './json-text';

export type EventData =
  | { readonly kind: 'none' }
  | { readonly kind: 'json'; readonly value: JsonDocument }
  | { readonly kind: 'notJson'; readonly text: string };

/** One document for each event, because the engine receives the same one several times. */
const decoded = new WeakMap<CloudEvent, EventData>();

/** Data that arrived as bytes may still be JSON, whatever its content type. */
export function dataOf(event: CloudEvent): EventData {
  if (event.data !== undefined) return { kind: 'json', value: event.data };
  if (event.data_base64 === undefined) return { kind: 'none' };
  const known = decoded.get(event);
  if (known) return known;
  const data = decode(event.data_base64);
  decoded.set(event, data);
  return data;
}

function decode(base64: string): EventData {
  const text = new TextDecoder().decode(decodeBase64(base64));
  try {
    return { kind: 'json', value: readJson(text, MAX_DATA_DEPTH) };
  } catch {
    return { kind: 'notJson', text };
  }
}

/** JSON data as the attributes that carry it. */
export function dataAttributes(document: JsonDocument): Pick<CloudEvent, 'data' | 'data_base64'> {
  return isJsonText(document) ? { data_base64: encodeBase64(document.text) } : { data: document };
}

/** The data's bytes in base64, as Argo Events has them; undefined without data. */
export function dataBytes({ data, data_base64 }: Pick<CloudEvent, 'data' | 'data_base64'>): string | undefined {
  return data === undefined ? data_base64 : encodeBase64(textOf(data));
}

/** `application/json`, `text/json`, `application/geo+json; charset=utf-8` … */
export function isJsonContent(contentType: string): boolean {
  return /^[^;]*[/+]json\s*(;|$)/i.test(contentType);
}

/** The document of an event whose content type is JSON. */
export function jsonOf(event: CloudEvent): JsonDocument | undefined {
  const data = event.data !== undefined || isJsonContent(event.datacontenttype) ? dataOf(event) : undefined;
  return data?.kind === 'json' ? data.value : undefined;
}
