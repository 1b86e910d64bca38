/** Payloads that the hooks of several services share. Pure. */
import { sortedObject, joinObject, type JsonDocument, type ObjectDocument } from '../event/json-text';
import type { HookRequest } from './webhook-request';

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
