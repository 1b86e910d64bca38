/** Payloads that the hooks of several services share. Pure. */
import { sortedObject, joinObject, type JsonDocument, type ObjectDocument } from '../event/json-text';
import type { ReceivedEvent } from './source';
import type { HookRequest } from './webhook-request';

/** The event of a request. A retry has the same `id`, if the service gives its requests one. */
export function hookEvent(data: ObjectDocument, id?: string): ReceivedEvent {
  return { ...(id && { transportId: id }), data, time: new Date().toISOString() };
}

/** Whether a list of the manifest names a type of event; an empty one names all. */
export function isListed(type: string, list: readonly string[] = []): boolean {
  return list.length === 0 || list.includes('*') || list.includes(type);
}

/** `headers`, `body` and `metadata`; `metadata` is left out if it is empty, as Argo Events does. */
export function hookData(
  { headers }: HookRequest,
  body: JsonDocument,
  metadata: Readonly<Record<string, string>> | undefined,
  headersName: 'header' | 'headers' = 'headers',
): ObjectDocument {
  return joinObject({ [headersName]: sortedObject(headers), body, ...hookMetadata(metadata) });
}

export function hookMetadata(metadata: Readonly<Record<string, string>> | undefined): { metadata?: ObjectDocument } {
  return metadata && Object.keys(metadata).length > 0 ? { metadata: sortedObject(metadata) } : {};
}

/** Reads a text member of a document; undefined if it is absent, empty or not text. */
export function textMember(document: unknown, name: string): string | undefined {
  if (typeof document !== 'object' || document === null || !Object.hasOwn(document, name)) return undefined;
  const value: unknown = Object.entries(document).find(([key]) => key === name)?.[1];
  return typeof value === 'string' && value !== '' ? value : undefined;
}
