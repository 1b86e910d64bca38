/** The identity of a fire. Pure. */
import { shortHash } from '../../event/short-id';

/**
 * The same events satisfying the same trigger always give the same id, on any worker and however they were batched.
 * `round` distinguishes a fire that an operator requested again from the original.
 */
export function fireId(
  sensor: { readonly namespace: string; readonly name: string },
  trigger: string,
  eventKeys: Readonly<Record<string, readonly string[]>>,
  round = '',
): string {
  const sorted = Object.entries(eventKeys).sort(([a], [b]) => (a < b ? -1 : 1));
  return shortHash(JSON.stringify([sensor.namespace, sensor.name, trigger, sorted, round]), 16);
}
