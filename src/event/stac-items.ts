/** Finds the STAC items in a payload: in ItemCollections, CloudEvents, and messages of SNS and stac-server. Pure. */
import { isJsonObject, type JsonObject } from './json';
import { elementsOf, isJsonText, memberOf, readJson, valueOf, type JsonDocument } from './json-text';
import { parseStacItem } from './stac';

/** An SNS message that wraps a CloudEvent that wraps a collection. */
const MOST_WRAPPERS = 4;

export interface FoundItems {
  readonly items: readonly JsonDocument[];
  /** Features beside them that are none. */
  readonly others: number;
}

/** Returns undefined if there is none. Never throws. */
export function findStacItems(document: JsonDocument, wrappers = MOST_WRAPPERS): FoundItems | undefined {
  if (isStacItem(document)) return { items: [document], others: 0 };
  const value = valueOf(document);
  if (typeof value === 'string') return wrappers > 0 ? findInText(value, wrappers - 1) : undefined;
  if (!isJsonObject(value)) return undefined;
  if (value['type'] === 'FeatureCollection') return findInFeatures(document, value);
  const content = wrappers > 0 ? unwrap(document, value) : undefined;
  return content === undefined ? undefined : findStacItems(content, wrappers - 1);
}

export function isStacItem(document: JsonDocument): boolean {
  return parseStacItem(valueOf(document)) !== undefined;
}

function findInText(text: string, wrappers: number): FoundItems | undefined {
  const document = readObjectText(text);
  return document === undefined ? undefined : findStacItems(document, wrappers);
}

/** Returns undefined for a text that is no JSON object. */
export function readObjectText(text: string): JsonDocument | undefined {
  if (!text.trimStart().startsWith('{')) return undefined;
  try {
    return readJson(text);
  } catch {
    // Not JSON, or too deep: it stays a text.
    return undefined;
  }
}

function findInFeatures(document: JsonDocument, { features: read }: JsonObject): FoundItems | undefined {
  const features = member(document, 'features');
  const all = features !== undefined && isJsonText(features) ? elementsOf(features) : Array.isArray(read) ? read : [];
  const items = all.filter(isStacItem);
  return items.length === 0 ? undefined : { items, others: all.length - items.length };
}

/** Returns what a CloudEvent, a message of SNS or one of stac-server carries; undefined for anything else. */
export function unwrap(document: JsonDocument, value: JsonObject): JsonDocument | undefined {
  if (typeof value['specversion'] === 'string') return member(document, 'data');
  if (value['Type'] === 'Notification') return member(document, 'Message');
  // stac-server announces what it has ingested in this form, failures too.
  if (isJsonObject(value['record'])) return hasFailed(value) ? undefined : member(document, 'record');
  return undefined;
}

function member(document: JsonDocument, name: string): JsonDocument | undefined {
  if (isJsonText(document)) return memberOf(document, name);
  return isJsonObject(document) && Object.hasOwn(document, name) ? document[name] : undefined;
}

function hasFailed({ error }: JsonObject): boolean {
  return error !== undefined && error !== null;
}
