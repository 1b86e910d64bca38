/** jq's view of values, as far as it is certain to be the same in JavaScript. */
import { isJsonObject, type JsonObject, type JsonValue } from '../event/json';

/** Only the engine knows the answer, or the error. */
export class NeedsJq extends Error {}

export function isJqTruthy(value: JsonValue): boolean {
  return value !== null && value !== false;
}

export function requireJqNumber(value: JsonValue): number {
  if (typeof value !== 'number') throw new NeedsJq();
  return value;
}

export function requireJqText(value: JsonValue): string {
  if (typeof value !== 'string') throw new NeedsJq();
  return value;
}

export function addJq(left: JsonValue, right: JsonValue): JsonValue {
  if (left === null) return right;
  if (right === null) return left;
  if (typeof left === 'string' && typeof right === 'string') return left + right;
  if (Array.isArray(left) && Array.isArray(right)) return [...left, ...right];
  if (typeof left === 'number' && typeof right === 'number') {
    const sum = left + right;
    if (Math.abs(sum) > Number.MAX_SAFE_INTEGER) throw new NeedsJq();
    return sum;
  }
  if (isJsonObject(left) && isJsonObject(right)) return { ...left, ...right };
  throw new NeedsJq();
}

export function compareJq(operator: string, left: JsonValue, right: JsonValue): boolean {
  if (operator === '==') return isEqual(left, right);
  if (operator === '!=') return !isEqual(left, right);
  const order = orderOf(left, right);
  switch (operator) {
    case '<':
      return order < 0;
    case '<=':
      return order <= 0;
    case '>':
      return order > 0;
    case '>=':
      return order >= 0;
    default:
      throw new NeedsJq();
  }
}

/** Below this, text has the same order in UTF-8 and in UTF-16. */
const SAME_ORDER = /^[\0-\ud7ff]*$/;

function orderOf(left: JsonValue, right: JsonValue): number {
  if (typeof left === 'number' && typeof right === 'number') return left - right;
  const first = requireJqText(left);
  const second = requireJqText(right);
  if (!SAME_ORDER.test(first) || !SAME_ORDER.test(second)) throw new NeedsJq();
  return first < second ? -1 : Number(first > second);
}

function isEqual(left: JsonValue, right: JsonValue): boolean {
  if (left === right) return true;
  if (typeof left !== 'object' || typeof right !== 'object' || left === null || right === null) return false;
  return JSON.stringify(sortJqKeys(left)) === JSON.stringify(sortJqKeys(right));
}

/** The same value with the keys of its objects sorted, down to the last; unsorted parts are copied. */
export function sortJqKeys(value: JsonValue): JsonValue {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) {
    const sorted = value.map(sortJqKeys);
    return sorted.some((element, index) => element !== value[index]) ? sorted : value;
  }
  const keys = Object.keys(value);
  let isSorted = true;
  const sorted: JsonObject = {};
  for (let index = 1; index < keys.length; index++) isSorted &&= (keys[index - 1] ?? '') <= (keys[index] ?? '');
  if (!isSorted) keys.sort();
  for (const key of keys) {
    const before = value[key] ?? null;
    const after = sortJqKeys(before);
    isSorted &&= after === before;
    sorted[key] = after;
  }
  return isSorted ? value : sorted;
}
