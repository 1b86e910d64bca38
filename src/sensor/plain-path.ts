/**
 * The gjson paths that need no gjson: keys and indexes joined by dots.
 *
 * Anything else (wildcards, queries, modifiers, pipes, multipaths, odd characters) is left to the engine, which is the
 * original library. Differential tests hold this to the same answers.
 */
import type { JsonValue } from '../event/json';
import { remember } from './remember';

const PLAIN_KEY = /^[A-Za-z0-9_:/$ -]+$/;
const ARRAY_INDEX = /^(0|[1-9][0-9]{0,8})$/;
const ONLY_DIGITS = /^[0-9]+$/;

/** The keys of a plain path, or undefined if only the engine can tell what it means. `\.` is a dot inside a key. */
export const parsePlainPath = remember((path: string): readonly string[] | undefined => {
  const keys = path.split(/(?<!\\)\./).map((key) => key.replaceAll('\\.', '.'));
  return keys.every((key) => PLAIN_KEY.test(key.replaceAll('.', '_'))) ? keys : undefined;
});

export type PathResult = { readonly exists: true; readonly value: JsonValue } | { readonly exists: false };
const ABSENT: PathResult = { exists: false };

/** Undefined where the engine has to be asked. */
export function lookUpPlainPath(data: JsonValue, path: string): PathResult | undefined {
  const keys = parsePlainPath(path);
  if (!keys || typeof data !== 'object' || data === null) return undefined;
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
