/** Compares expected with actual values: fields that are not mentioned may be anything. */
import { isJsonObject, type JsonValue } from '../event/json';

export interface Mismatch {
  /** `fires[0].object.spec.arguments` */
  readonly path: string;
  /** Absent: nothing was expected here. */
  readonly expected?: unknown;
  /** Absent: there is no value. */
  readonly found?: unknown;
}

/** Objects need the expected fields, lists the same length; all other values must be equal. */
export function partialMismatches(expected: JsonValue, found: JsonValue | undefined, path: string): Mismatch[] {
  if (isJsonObject(expected) && isJsonObject(found)) {
    return Object.entries(expected).flatMap(([name, value]) =>
      partialMismatches(value, Object.hasOwn(found, name) ? found[name] : undefined, `${path}${fieldText(name)}`),
    );
  }
  if (Array.isArray(expected) && Array.isArray(found) && expected.length === found.length) {
    return expected.flatMap((value, index) => partialMismatches(value, found[index], `${path}[${index}]`));
  }
  const isEqual = !isBranch(expected) && expected === found;
  return isEqual ? [] : [{ path, expected, ...(found !== undefined && { found }) }];
}

function isBranch(value: JsonValue): boolean {
  return typeof value === 'object' && value !== null;
}

function fieldText(name: string): string {
  return /^[\w-]+$/.test(name) ? `.${name}` : `[${JSON.stringify(name)}]`;
}
