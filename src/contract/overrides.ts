/** Values that an operator set when retriggering. Pure. */
import type { JsonValue } from '../event/json';

/** By sjson path in the resource or payload; text is written as text, everything else as JSON. */
export type Overrides = Readonly<Record<string, JsonValue>>;

/** ` (with spec.priority = 3)`; empty if no values were set. */
export function describeOverrides(overrides: Overrides = {}): string {
  const values = Object.entries(overrides).map(
    ([path, value]) => `${path} = ${typeof value === 'string' ? value : JSON.stringify(value)}`,
  );
  return values.length === 0 ? '' : ` (with ${values.join(', ')})`;
}
