/**
 * The gjson paths that do not need the engine: keys and indexes joined by dots.
 *
 * Anything else (wildcards, queries, modifiers, pipes, multipaths, odd characters) is left to the engine, which is the
 * original library. Differential tests check that both give the same results.
 */
import type { JsonValue } from '../../event/json';
import { childrenOf, isJsonText, readPart, type JsonDocument } from '../../event/json-text';
import { memoize } from './memoize';

const PLAIN_KEY = /^[A-Za-z0-9_:/$ -]+$/;
const ARRAY_INDEX = /^(0|[1-9][0-9]{0,8})$/;
const ONLY_DIGITS = /^[0-9]+$/;
/** A text is searched for each path again, and a sensor may have thousands of them: longer ones are left to the engine. */
const LONGEST_TEXT = 16 * 1024;

/** The keys of a plain path, or undefined if only the engine can interpret it. `\.` is a dot inside a key. */
export const parsePlainPath = memoize((path: string): readonly string[] | undefined => {
  const keys = path.split(/(?<!\\)\./).map((key) => key.replaceAll('\\.', '.'));
  return keys.every((key) => PLAIN_KEY.test(key.replaceAll('.', '_'))) ? keys : undefined;
});

export type PathResult<Value extends JsonDocument = JsonDocument> =
  { readonly exists: true; readonly value: Value } | { readonly exists: false };
const ABSENT = { exists: false } as const;

/** Undefined if the engine has to evaluate it. */
export function lookUpPlainPath(data: JsonDocument, path: string): PathResult | undefined {
  const keys = parsePlainPath(path);
  if (!keys) return undefined;
  return isJsonText(data) ? lookUpInText(data.text, keys) : lookUpInValue(data, keys);
}

function lookUpInValue(data: JsonValue, keys: readonly string[]): PathResult<JsonValue> | undefined {
  if (typeof data !== 'object' || data === null) return undefined;
  let value: JsonValue = data;
  for (const key of keys) {
    if (typeof value !== 'object' || value === null) return ABSENT;
    let next: JsonValue | undefined;
    if (Array.isArray(value)) {
      if (ARRAY_INDEX.test(key)) next = value[Number(key)];
      else if (ONLY_DIGITS.test(key)) return undefined;
    } else if (Object.hasOwn(value, key)) {
      next = value[key];
    }
    if (next === undefined) return ABSENT;
    value = next;
  }
  return { exists: true, value };
}

function lookUpInText(text: string, keys: readonly string[]): PathResult | undefined {
  if (text.length > LONGEST_TEXT || !isContainer(text)) return undefined;
  const found = findInText(text, keys);
  if (found === NEEDS_ENGINE) return undefined;
  return found === undefined ? ABSENT : { exists: true, value: readPart(found) };
}

const NEEDS_ENGINE = Symbol('only gjson knows how it reads this index');

/** Of duplicate keys, gjson takes the first one below which it finds the rest of the path. */
function findInText(text: string, [key, ...rest]: readonly string[]): string | typeof NEEDS_ENGINE | undefined {
  if (key === undefined) return text;
  if (!isContainer(text)) return undefined;
  const isList = text.startsWith('[');
  if (isList && !ARRAY_INDEX.test(key)) return ONLY_DIGITS.test(key) ? NEEDS_ENGINE : undefined;
  let index = 0;
  for (const child of childrenOf(text)) {
    const isMeant = isList ? index++ === Number(key) : child.name === key;
    const found = isMeant ? findInText(child.text, rest) : undefined;
    if (found !== undefined) return found;
  }
  return undefined;
}

function isContainer(text: string): boolean {
  return text.startsWith('{') || text.startsWith('[');
}
