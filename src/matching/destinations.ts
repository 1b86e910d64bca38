/**
 * The sjson paths that do not need the engine: object keys, array indexes and `-1` (append), joined by dots; `\.` is a
 * dot inside a key. Everything else is left to the engine. Documents are not changed: changed parts are copied.
 */
import { isJsonObject, type JsonValue } from '../event/json';
import { isJsonText, type JsonDocument } from '../event/json-text';
import { memoize } from '../expressions/fast-paths/memoize';

const PLAIN_KEY = /^[A-Za-z0-9_/$ -]+$/;
const ARRAY_INDEX = /^(0|[1-9][0-9]{0,3})$/;
const INTEGER_LIKE = /^(0|[1-9][0-9]*)$/;
/** Indexes that sjson reads in its own way: with leading zeros, or far beyond the end. */
const OTHER_INDEX = /^(0[0-9]+|[1-9][0-9]{4,})$/;
const APPEND = '-1';

const parsePlainDestination = memoize((path: string): readonly string[] | undefined => {
  const keys = path.split(/(?<!\\)\./).map((key) => key.replaceAll('\\.', '.'));
  return keys.every((key) => PLAIN_KEY.test(key.replaceAll('.', '_'))) ? keys : undefined;
});

/** Thrown for destinations that only sjson can write. */
class NeedsEngine extends Error {}

/** `document` is undefined if there is none yet. The result is undefined if the engine has to write it. */
export function writePlainDestination(
  document: JsonDocument | undefined,
  path: string,
  value: JsonDocument,
): JsonValue | undefined {
  const keys = parsePlainDestination(path);
  if (isJsonText(document) || isJsonText(value)) return undefined;
  if (!keys || (document === undefined && keys[0] === APPEND)) return undefined;
  try {
    return write(document, keys, value);
  } catch (error) {
    if (error instanceof NeedsEngine) return undefined;
    throw error;
  }
}

function write(target: JsonValue | undefined, keys: readonly string[], value: JsonValue): JsonValue {
  const [key, ...rest] = keys;
  if (key === undefined) return value;
  if (Array.isArray(target)) return writeElement(target, key, rest, value);
  if (isJsonObject(target)) {
    // JavaScript would move such a key to the front.
    if (INTEGER_LIKE.test(key) && !Object.hasOwn(target, key)) throw new NeedsEngine();
    return { ...target, [key]: write(Object.hasOwn(target, key) ? target[key] : undefined, rest, value) };
  }
  if (target !== undefined || OTHER_INDEX.test(key)) throw new NeedsEngine();
  return ARRAY_INDEX.test(key) || key === APPEND
    ? writeElement([], key, rest, value)
    : { [key]: write(undefined, rest, value) };
}

function writeElement(array: JsonValue[], key: string, rest: readonly string[], value: JsonValue): JsonValue {
  if (key === APPEND) return [...array, write(undefined, rest, value)];
  if (!ARRAY_INDEX.test(key)) throw new NeedsEngine();
  const index = Number(key);
  const padding = Array.from({ length: Math.max(0, index - array.length) }, () => null);
  const copy = [...array, ...padding];
  copy[index] = write(array[index], rest, value);
  return copy;
}
