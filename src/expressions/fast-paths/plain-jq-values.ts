/** jq's semantics of values, as far as JavaScript certainly has the same. */
import { isJsonObject, MAX_DATA_DEPTH, type JsonObject, type JsonValue } from '../../event/json';

/** Only the engine can compute the result, or the error. */
export class NeedsJq extends Error {}

/** The program exceeds what is allowed in the main thread. */
export class TooMuchForMainThread extends NeedsJq {}

/** Characters that cost as much as one step. */
const CHARACTERS_PER_STEP = 16;

/**
 * Limits what one program may do in the main thread: steps, values and text. Programs that need more are evaluated by
 * the engine, where a limit on CPU time and memory applies.
 */
export class JqAllowance {
  private left = 50_000;

  /** Throws TooMuchForMainThread. */
  spend(steps: number): void {
    this.left -= steps;
    if (this.left < 0) throw new TooMuchForMainThread();
  }

  spendOnText(length: number): void {
    this.spend(1 + length / CHARACTERS_PER_STEP);
  }
}

export function addJq(left: JsonValue, right: JsonValue, allowance: JqAllowance): JsonValue {
  if (left === null) return right;
  if (right === null) return left;
  if (typeof left === 'string' && typeof right === 'string') {
    allowance.spendOnText(left.length + right.length);
    return left + right;
  }
  if (Array.isArray(left) && Array.isArray(right)) {
    allowance.spend(left.length + right.length);
    return [...left, ...right];
  }
  if (typeof left === 'number' && typeof right === 'number') {
    const sum = left + right;
    if (Math.abs(sum) > Number.MAX_SAFE_INTEGER) throw new NeedsJq();
    return sum;
  }
  if (isJsonObject(left) && isJsonObject(right)) {
    allowance.spend(Object.keys(left).length + Object.keys(right).length);
    return { ...left, ...right };
  }
  throw new NeedsJq();
}

/** Text in this range has the same order in UTF-8 and in UTF-16. */
const SAME_ORDER = /^[\0-\ud7ff]*$/;

/** The keys of an object in jq's order: by their bytes. */
export function jqKeys(value: JsonObject, allowance: JqAllowance): string[] {
  const keys = Object.keys(value);
  allowance.spend(keys.length);
  for (const key of keys) if (!SAME_ORDER.test(key)) throw new NeedsJq();
  return keys.sort();
}

/**
 * The same value with the keys of its objects sorted at all levels; unsorted parts are copied. A program's result may
 * contain a value in many places, so this also limits the size of the result.
 */
export function sortJqKeys(value: JsonValue, allowance: JqAllowance, depth = 0): JsonValue {
  if (typeof value === 'string') allowance.spendOnText(value.length);
  else allowance.spend(1);
  if (typeof value !== 'object' || value === null) return value;
  if (depth >= MAX_DATA_DEPTH) throw new NeedsJq();
  if (Array.isArray(value)) {
    const sorted = value.map((element) => sortJqKeys(element, allowance, depth + 1));
    return sorted.some((element, index) => element !== value[index]) ? sorted : value;
  }
  const keys = Object.keys(value);
  const inOrder = jqKeys(value, allowance);
  let isSorted = inOrder.every((key, index) => key === keys[index]);
  const entries = inOrder.map((key): [string, JsonValue] => {
    const before = value[key] ?? null;
    const after = sortJqKeys(before, allowance, depth + 1);
    isSorted &&= after === before;
    return [key, after];
  });
  if (isSorted) return value;
  const sorted = Object.fromEntries(entries);
  // JavaScript puts keys that look like integers first, in numeric order.
  if (Object.keys(sorted).some((key, index) => key !== inOrder[index])) throw new NeedsJq();
  return sorted;
}
