/** Values that a person set when retriggering. Pure. */
import type { JsonValue } from '../event/json';

/** ` (with spec.priority = 3)`; empty where nothing was set. */
export function describeOverrides(overrides: Readonly<Record<string, JsonValue>> = {}): string {
  const values = Object.entries(overrides).map(
    ([path, value]) => `${path} = ${typeof value === 'string' ? value : JSON.stringify(value)}`,
  );
  return values.length === 0 ? '' : ` (with ${values.join(', ')})`;
}
