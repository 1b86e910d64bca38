/**
 * JSON from outside, and the limits within which every stage can carry it.
 *
 * `JSON.parse` itself accepts any depth, but almost everything after it recurses: writing JSON fails at about 4,100
 * levels, copying an object to a thread at about 1,900. So depth is limited where JSON is read. Pure.
 */
import { SluiceError } from '../errors/sluice-error';

/** JSON as TypeScript sees it after parsing. */
export type JsonValue = null | boolean | number | string | JsonValue[] | { [key: string]: JsonValue };
export type JsonObject = { [key: string]: JsonValue };

/** Levels of nesting accepted in a document from outside. */
export const MAX_JSON_DEPTH = 1_000;
/** The same for a whole event: allows for its envelope and for what a source or transform wraps around the document. */
export const MAX_EVENT_DEPTH = MAX_JSON_DEPTH + 16;
/** For the data of an event alone: what a source received, or the result of a transform. */
export const MAX_DATA_DEPTH = MAX_EVENT_DEPTH - 1;
/**
 * Depths of all lists and objects together, per character of a text: writing JSON takes V8 as many comparisons, because
 * it looks for cycles among everything that encloses a value. Real documents have less than 4.
 */
const MAX_NESTING_PER_CHARACTER = 20;
/** Texts shorter than this may be nested as if they had this many characters. */
const DENSE_FROM_CHARACTERS = 100_000;
/**
 * Members, lists and objects of a document, and names among them that differ. Reading a megabyte takes V8 5 ms if it is
 * numbers, and 100 ms if every member has a new name. An ItemCollection of 8 MiB has some 200,000 members.
 */
const MAX_MEMBERS = 500_000;
const MAX_NAMES = 100_000;
/** Shorter texts cannot have so many. */
const CROWDED_FROM_CHARACTERS = 300_000;
/** What the envelope of an event may add for each level that it may add. */
const MEMBERS_PER_OUTER_LEVEL = 1_000;
/** NATS rejects messages above 64 MiB, so parsing larger ones would block the process for nothing. */
const MAX_JSON_CHARACTERS = 64 * 1024 * 1024;

/** True for objects with named fields: not for lists, not for null. Does not check the fields' values. */
export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/**
 * `JSON.parse` within the limits above. Throws EVENT_UNDECODABLE with the position of a syntax error, or with the depth
 * found; the message never quotes the text.
 */
export function parseJson(text: string, maxDepth = MAX_JSON_DEPTH): JsonValue {
  const crowd = crowdProblem(text, maxDepth);
  if (crowd !== undefined) throw undecodable(crowd.message, crowd.limit);
  return parseCrowdedJson(text, maxDepth);
}

/** The same with any number of members: for a thread that holds nobody up. */
export function parseCrowdedJson(text: string, maxDepth: number): JsonValue {
  if (text.length > MAX_JSON_CHARACTERS) {
    const size = `JSON text has ${text.length} characters`;
    throw undecodable(`${size}; at most ${MAX_JSON_CHARACTERS} are accepted`, MAX_JSON_CHARACTERS);
  }
  let value: JsonValue;
  try {
    value = JSON.parse(text) as JsonValue;
  } catch (error) {
    throw undecodable(`invalid JSON${positionIn(error)}`);
  }
  const problem = nestingProblem(text, maxDepth);
  if (problem !== undefined) throw undecodable(problem.message, problem.limit);
  return value;
}

interface TooMuch {
  readonly message: string;
  readonly limit: number;
}

/** Returns why a valid JSON text would be too much for the stages that follow, or undefined. */
export function nestingProblem(text: string, maxDepth: number): TooMuch | undefined {
  // A level takes two characters, so short texts need no check.
  if (text.length <= 2 * maxDepth) return undefined;
  const { depth, sum } = nestingOf(text);
  if (depth > maxDepth) return { message: describeDepth(depth, maxDepth), limit: maxDepth };
  const limit = MAX_NESTING_PER_CHARACTER * Math.max(text.length, DENSE_FROM_CHARACTERS);
  if (sum <= limit) return undefined;
  return { message: `JSON has too many nested lists and objects: their depths add up to ${sum}; at most ${limit} are accepted`, limit }; // prettier-ignore
}

/** Returns why reading a JSON text, valid or not, would take too long, or undefined. */
export function crowdProblem(text: string, maxDepth: number): TooMuch | undefined {
  if (text.length < CROWDED_FROM_CHARACTERS) return undefined;
  const envelope = MEMBERS_PER_OUTER_LEVEL * Math.max(0, maxDepth - MAX_JSON_DEPTH);
  const [mostMembers, mostNames] = [MAX_MEMBERS + envelope, MAX_NAMES + envelope];
  const names = new Set<string>();
  let members = 0;
  for (let at = 0; at < text.length; at += 1) {
    const character = text[at];
    if (character === '[' || character === '{') members += 1;
    else if (character === '"') {
      const end = endOfString(text, at);
      if (end < 0) return undefined; // No JSON: the parser says where.
      const begin = at + 1;
      at = end;
      if (text[afterSpace(text, end + 1)] !== ':') continue;
      members += 1;
      names.add(text.slice(begin, end));
    }
    if (members > mostMembers) return tooMany('members, lists and objects', mostMembers);
    if (names.size > mostNames) return tooMany('names that differ', mostNames);
  }
  return undefined;
}

function tooMany(what: string, limit: number): TooMuch {
  return { message: `JSON has too many ${what}: at most ${limit} are accepted`, limit };
}

function afterSpace(text: string, start: number): number {
  let at = start;
  while (text[at] === ' ' || text[at] === '\n' || text[at] === '\t' || text[at] === '\r') at += 1;
  return at;
}

/** Throws EVENT_UNDECODABLE if a value that was not parsed here is nested too deeply for the stages that follow. */
export function assertDepth(value: unknown, maxDepth = MAX_JSON_DEPTH): void {
  const depth = measureDepth(value);
  if (depth > maxDepth) throw undecodable(describeDepth(depth, maxDepth), maxDepth);
}

/** How many lists and objects are nested: 0 for a text, 1 for `[]`. Needs no stack; the value must not have cycles. */
export function measureDepth(value: unknown): number {
  let deepest = 0;
  // Two lists instead of one of pairs: a document of a megabyte may hold half a million lists.
  const waiting: unknown[] = [value];
  const depths: number[] = [0];
  while (waiting.length > 0) {
    const next = waiting.pop();
    const depth = depths.pop() ?? 0;
    if (typeof next !== 'object' || next === null) continue;
    deepest = Math.max(deepest, depth + 1);
    for (const inner of Array.isArray(next) ? (next as unknown[]) : Object.values(next)) {
      if (typeof inner !== 'object' || inner === null) continue;
      waiting.push(inner);
      depths.push(depth + 1);
    }
  }
  return deepest;
}

/** Sets a field under any name. Plain assignment to `__proto__` would change the object's prototype instead. */
export function setField<Value>(target: Record<string, Value>, name: string, value: Value): void {
  if (name !== '__proto__') target[name] = value;
  else Object.defineProperty(target, name, { value, enumerable: true, configurable: true, writable: true });
}

/** The value as it would be read back from JSON: a deep copy without undefined fields. */
export function toJson(value: unknown): JsonValue {
  return JSON.parse(JSON.stringify(value ?? null)) as JsonValue;
}

/** Counts the brackets outside of strings; the text must be valid JSON. */
function nestingOf(text: string): { readonly depth: number; readonly sum: number } {
  let depth = 0;
  let deepest = 0;
  let sum = 0;
  for (let at = 0; at < text.length; at += 1) {
    const character = text[at];
    if (character === '"') at = endOfString(text, at);
    else if (character === '[' || character === '{') {
      depth += 1;
      sum += depth;
      if (depth > deepest) deepest = depth;
    } else if (character === ']' || character === '}') depth -= 1;
  }
  return { depth: deepest, sum };
}

/** Position of the closing quote of the string that opens at `start`; -1 if it is not closed. */
export function endOfString(text: string, start: number): number {
  for (let end = text.indexOf('"', start + 1); ; end = text.indexOf('"', end + 1)) {
    if (end < 0) return end;
    let backslashes = 0;
    while (text[end - 1 - backslashes] === '\\') backslashes += 1;
    if (backslashes % 2 === 0) return end;
  }
}

function describeDepth(depth: number, maxDepth: number): string {
  return `JSON is nested ${depth} levels deep; at most ${maxDepth} are accepted`;
}

/** V8 quotes the text itself in some messages; only the position is safe to show. */
function positionIn(error: unknown): string {
  const found = error instanceof Error ? /at position \d+/.exec(error.message) : null;
  return found ? ` ${found[0]}` : '';
}

/** `limit` distinguishes legal JSON beyond a limit from invalid JSON. */
function undecodable(message: string, limit?: number): SluiceError {
  return new SluiceError('EVENT_UNDECODABLE', { message, context: { limit } });
}
