/** Values that a person set when retriggering. Pure. */
import type { JsonValue } from '../event/json';

/** By sjson path in the resource or payload; text is written as text, all else as JSON. */
export type Overrides = Readonly<Record<string, JsonValue>>;

/** ` (with spec.priority = 3)`; empty where nothing was set. */
export function describeOverrides(overrides: Overrides = {}): string {
  const values = Object.entries(overrides).map(
    ([path, value]) => `${path} = ${typeof value === 'string' ? value : JSON.stringify(value)}`,
  );
  return values.length === 0 ? '' : ` (with ${values.join(', ')})`;
}
