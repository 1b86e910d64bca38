/**
 * JSON whose text JavaScript would change: whole numbers beyond 2^53, digits such as `10.00`, keys that look like
 * integers, duplicate keys. Such a document keeps its text; every other one is its plain value. Pure.
 */
import { endOfString, parseJson, type JsonObject, type JsonValue } from './json';

/** Created only by `readJson` and the functions below: the text is valid, without white space outside of strings. */
export class JsonText {
  #parsed: { readonly value: JsonValue } | undefined;

  constructor(readonly text: string) {}

  /** As JavaScript reads it: numbers rounded, integer-like keys first, the last of equal keys. */
  get value(): JsonValue {
    this.#parsed ??= { value: JSON.parse(this.text) as JsonValue };
    return this.#parsed.value;
  }
}

/** A document from outside. */
export type JsonDocument = JsonValue | JsonText;
/** The same, restricted to objects. */
export type ObjectDocument = JsonObject | JsonText;

export function isJsonText(document: unknown): document is JsonText {
  return document instanceof JsonText;
}

/** `parseJson` that keeps the text if necessary. Throws as it does. */
export function readJson(text: string, maxDepth?: number): JsonDocument {
  return toDocument(text, parseJson(text, maxDepth));
}

/** The same for text that is known to be JSON within the limits. */
export function readKnownJson(text: string): JsonDocument {
  return toDocument(text, JSON.parse(text) as JsonValue);
}

/** A part of a kept text; it stays text. */
export function readPart(text: string): JsonDocument {
  const value = JSON.parse(text) as JsonValue;
  return typeof value === 'string' || JSON.stringify(value) === text ? value : new JsonText(text);
}

/** Comparing the text with the written value shows at once whether numbers, keys and their order survived. */
function toDocument(text: string, value: JsonValue): JsonDocument {
  const written = JSON.stringify(value);
  if (written === text) return value;
  const compact = compactJson(text);
  const isKept = written === compact || (text.includes('\\') && written === compactJson(compact, escapeAsJavaScript));
  return isKept ? value : new JsonText(compact);
}

/** The value as JavaScript reads it: for reading single members, not for sending it. */
export function valueOf(document: JsonDocument): JsonValue {
  return isJsonText(document) ? document.value : document;
}

export function textOf(document: JsonDocument): string {
  return isJsonText(document) ? document.text : JSON.stringify(document);
}

/** An object made of documents, with its members in this order; undefined ones are omitted, as in JSON.stringify. */
export function joinObject(members: Readonly<Record<string, JsonDocument | undefined>>): ObjectDocument {
  return joinMembers(
    Object.entries(members).flatMap(([name, member]) => (member === undefined ? [] : [[name, member] as const])),
  );
}

/** The same with its members in the order in which Go writes a map: by the bytes of their names. */
export function sortedObject(members: Readonly<Record<string, JsonDocument>>): ObjectDocument {
  return joinMembers(Object.entries(members).sort(([one], [other]) => compareCodePoints(one, other)));
}

function joinMembers(entries: ReadonlyArray<readonly [string, JsonDocument]>): ObjectDocument {
  const members: Record<string, JsonDocument> = Object.fromEntries(entries);
  const isInOrder = Object.keys(members).every((name, index) => name === entries[index]?.[0]);
  if (isInOrder && isPlain(members)) return members;
  return new JsonText(`{${entries.map(([name, member]) => `${JSON.stringify(name)}:${textOf(member)}`).join(',')}}`);
}

/** The order of UTF-8; JavaScript's own comparison differs beyond U+FFFF. */
function compareCodePoints(one: string, other: string): number {
  const shorter = Math.min(one.length, other.length);
  for (let index = 0; index < shorter; index += 1) {
    const [first, second] = [one.charCodeAt(index), other.charCodeAt(index)];
    // Units of code points beyond U+FFFF come after all others in UTF-8, but not in UTF-16.
    if (first !== second)
      return isSurrogate(first) === isSurrogate(second) ? first - second : isSurrogate(first) ? 1 : -1;
  }
  return one.length - other.length;
}

function isSurrogate(unit: number): boolean {
  return unit >= 0xd800 && unit <= 0xdfff;
}

/** A list made of documents. */
export function joinList(items: JsonDocument[]): JsonDocument {
  if (arePlain(items)) return items;
  return new JsonText(`[${items.map(textOf).join(',')}]`);
}

function isPlain(members: Readonly<Record<string, JsonDocument>>): members is JsonObject {
  return !Object.values(members).some(isJsonText);
}

function arePlain(items: JsonDocument[]): items is JsonValue[] {
  return !items.some(isJsonText);
}

/** The member that JavaScript reads: the last one of that name. */
export function memberOf(document: JsonText, name: string): JsonDocument | undefined {
  let found: string | undefined;
  for (const child of childrenOf(document.text)) if (child.name === name) found = child.text;
  return found === undefined ? undefined : readKnownJson(found);
}

/** The members of an object as JavaScript reads them: the last of equal names. */
export function membersOf(document: ObjectDocument): Record<string, JsonDocument> {
  if (!isJsonText(document)) return document;
  return Object.fromEntries(
    [...childrenOf(document.text)].map(({ name = '', text }) => [name, readKnownJson(text)] as const),
  );
}

/** The elements of a list; empty for anything else. */
export function elementsOf(document: JsonText): JsonDocument[] {
  return document.text.startsWith('[') ? [...childrenOf(document.text)].map(({ text }) => readKnownJson(text)) : [];
}

export interface JsonChild {
  /** Undefined for an element of a list. */
  readonly name: string | undefined;
  readonly text: string;
}

/** Members or elements of an object or list, in the order of the text; none for anything else. */
export function* childrenOf(text: string): Generator<JsonChild> {
  const isObject = text.startsWith('{');
  if (!isObject && !text.startsWith('[')) return;
  for (let at = 1; at < text.length - 1; at += 1) {
    let name: string | undefined;
    if (isObject) {
      const end = endOfString(text, at) + 1;
      name = JSON.parse(text.slice(at, end)) as string;
      at = end + 1;
    }
    const end = endOfValue(text, at);
    yield { name, text: text.slice(at, end) };
    at = end;
  }
}

const END_OF_SCALAR = /[,\]}]|$/g;

/** Position behind the value that begins at `start`. */
function endOfValue(text: string, start: number): number {
  const first = text[start];
  if (first === '"') return endOfString(text, start) + 1;
  if (first !== '{' && first !== '[') {
    END_OF_SCALAR.lastIndex = start;
    return END_OF_SCALAR.exec(text)?.index ?? text.length;
  }
  let depth = 0;
  for (let at = start; ; at += 1) {
    const character = text[at];
    if (character === '"') at = endOfString(text, at);
    else if (character === '{' || character === '[') depth += 1;
    else if (character === '}' || character === ']') {
      depth -= 1;
      if (depth === 0) return at + 1;
    }
  }
}

const SPACE = /[\t\n\r ]/;
const SPACES = /[\t\n\r ]+/g;

/** Without white space outside of strings; `change` rewrites strings that have escapes. The text is known to be JSON. */
function compactJson(text: string, change?: (string: string) => string): string {
  if (change === undefined && !SPACE.test(text)) return text;
  let compact = '';
  for (let from = 0; ;) {
    const at = text.indexOf('"', from);
    const between = text.slice(from, at < 0 ? text.length : at);
    // Replacing inside of V8 takes a tenth of the time of a loop over each space.
    compact += SPACE.test(between) ? between.replace(SPACES, '') : between;
    if (at < 0) return compact;
    from = endOfString(text, at) + 1;
    const string = text.slice(at, from);
    compact += change && string.includes('\\') ? change(string) : string;
  }
}

function escapeAsJavaScript(string: string): string {
  return JSON.stringify(JSON.parse(string));
}
