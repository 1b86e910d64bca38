/** Finds where in a manifest a field belongs, from the schemas. */
import { z } from 'zod';
import type { FieldPath } from '../manifest/problem';

type Schema = z.core.$ZodType;

const MOST_PLACES = 3;
/** Deeper than any field of a manifest; a dead-letter trigger contains a trigger. */
const MAX_DEPTH = 12;

/**
 * `spec.dependencies[].filters.data`: up to three places of the field, those nearest to `path`. If a block has many
 * alternatives, as a trigger has kinds, only those that are `written` beside the field count.
 */
export function placesOf(field: string, schema: Schema, path: FieldPath, written: readonly string[] = []): string[] {
  const wanted = field.toLowerCase();
  const found: string[][] = [];
  collect(schema, [], (segments) => {
    if (segments.at(-1)?.toLowerCase() === wanted) found.push([...segments]);
  });
  const near = path.map((segment) => (typeof segment === 'number' ? '[]' : segment));
  const scored = found.map((segments) => ({ segments, shared: sharedLength(segments, near) }));
  const places: string[] = [];
  for (const distance of [...new Set(scored.map(({ shared }) => shared))].sort((a, b) => b - a)) {
    const nearest = scored.filter(({ shared }) => shared === distance).map(({ segments }) => segments);
    const shortest = Math.min(...nearest.map((segments) => segments.length));
    const group = nearest.filter((segments) => segments.length === shortest);
    if (group.length <= MOST_PLACES) return [...places, ...group.map(write)].slice(0, MOST_PLACES);
    places.push(...group.filter((segments) => written.includes(segments[near.length] ?? '')).map(write));
  }
  return places;
}

function collect(optional: Schema, segments: readonly string[], report: (segments: readonly string[]) => void): void {
  const schema = optional instanceof z.ZodOptional ? optional.unwrap() : optional;
  if (segments.length > MAX_DEPTH) return;
  if (schema instanceof z.ZodOptional) collect(schema, segments, report);
  else if (schema instanceof z.ZodArray) collect(schema.element, [...segments, '[]'], report);
  else if (schema instanceof z.ZodRecord) collect(schema.valueType, [...segments, '*'], report);
  else if (schema instanceof z.ZodObject) {
    for (const [name, below] of Object.entries<Schema>(schema.shape)) {
      if (name === 'dlqTrigger') continue;
      report([...segments, name]);
      collect(below, [...segments, name], report);
    }
  }
}

function sharedLength(segments: readonly string[], near: readonly string[]): number {
  const first = segments.findIndex((segment, index) => segment !== near[index] && segment !== '*');
  return first === -1 ? segments.length : first;
}

function write(segments: readonly string[]): string {
  return segments.join('.').replaceAll('.[]', '[]');
}
