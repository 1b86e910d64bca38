/** The annotations that select STAC items: `sluice.io/stac-*` on a Sensor. */
import { z } from 'zod';
import { parseDurationMs } from '../text/durations';

type Position = readonly number[];

/** GeoJSON, of the types that describe an area, a line or a place. */
export type Geometry =
  | { readonly type: 'Point'; readonly coordinates: Position }
  | { readonly type: 'MultiPoint' | 'LineString'; readonly coordinates: readonly Position[] }
  | { readonly type: 'MultiLineString' | 'Polygon'; readonly coordinates: readonly (readonly Position[])[] }
  | { readonly type: 'MultiPolygon'; readonly coordinates: readonly (readonly (readonly Position[])[])[] };

export interface Range {
  readonly least: number;
  readonly most: number;
}

/** Times of acquisition: between two moments, RFC 3339, or this long before the event. */
export type Acquired =
  | { readonly kind: 'between'; readonly from?: string; readonly to?: string }
  | { readonly kind: 'within'; readonly ms: number };

/** Each vertex is compared with those of an item. */
const MOST_POSITIONS = 1_000;

const AREA = 'west,south,east,north in degrees, or a GeoJSON geometry such as {"type":"Polygon","coordinates":[…]}';

const position = z.array(z.number()).min(2).max(4).refine(isOnEarth);
const line = z.array(position).min(2);
const ring = z
  .array(position)
  .min(4)
  .refine((positions) => isSame(positions[0], positions.at(-1)));
const polygon = z.array(ring).min(1);

/** Also of what items say: anything may come. */
export const geometrySchema: z.ZodType<Geometry> = z.union([
  z.object({ type: z.literal('Point'), coordinates: position }),
  z.object({ type: z.literal('MultiPoint'), coordinates: z.array(position).min(1) }),
  z.object({ type: z.literal('LineString'), coordinates: line }),
  z.object({ type: z.literal('MultiLineString'), coordinates: z.array(line).min(1) }),
  z.object({ type: z.literal('Polygon'), coordinates: polygon }),
  z.object({ type: z.literal('MultiPolygon'), coordinates: z.array(polygon).min(1) }),
]);

/** A box, or a geometry as JSON. */
export const areaAnnotation = z.string().transform((text, context): Geometry => {
  const geometry = text.trimStart().startsWith('{') ? parseGeometry(text) : parseBox(text);
  if (geometry !== undefined && countPositions(geometry) <= MOST_POSITIONS) return geometry;
  context.addIssue({
    code: 'custom',
    message: geometry === undefined ? AREA : `a geometry of at most ${MOST_POSITIONS} positions`,
  });
  return z.NEVER;
});

/** `20`: at most; `10..60`. */
export const percentAnnotation = z.string().transform((text, context): Range => {
  const [, low = '0', high = ''] = /^(?:(\d+(?:\.\d+)?)\.\.)?(\d+(?:\.\d+)?)$/.exec(text.trim()) ?? [];
  const range = { least: Number(low), most: Number(high) };
  if (high !== '' && range.least <= range.most && range.most <= 100) return range;
  context.addIssue({ code: 'custom', message: 'percent: the most, such as 20, or a range such as 10..60' });
  return z.NEVER;
});

export const platformsAnnotation = z.string().transform((text, context): readonly string[] => {
  const names = text.split(',').map((name) => name.trim());
  if (names.every((name) => name !== '')) return names;
  context.addIssue({ code: 'custom', message: 'names of platforms with commas between them: sentinel-2a,sentinel-2b' });
  return z.NEVER;
});

/** `2026-01-01T00:00:00Z/..`, or `30d`. */
export const acquiredAnnotation = z.string().transform((text, context): Acquired => {
  const acquired = parseAcquired(text.trim());
  if (acquired !== undefined) return acquired;
  context.addIssue({
    code: 'custom',
    message: 'an interval such as 2026-01-01T00:00:00Z/.. (RFC 3339), or a duration such as 30d',
  });
  return z.NEVER;
});

/** In degrees; a box whose west is east of its east crosses the 180th meridian. */
export function boxGeometry(box: readonly number[]): Geometry | undefined {
  const [west, south, east, north] = box.length === 6 ? [box[0], box[1], box[3], box[4]] : box;
  if (west === undefined || south === undefined || east === undefined || north === undefined) return undefined;
  if (!isOnEarth([west, south]) || !isOnEarth([east, north]) || south > north) return undefined;
  const ringOf = (from: number, to: number): Position[][] => [
    [
      [from, south],
      [to, south],
      [to, north],
      [from, north],
      [from, south],
    ],
  ];
  if (west <= east) return { type: 'Polygon', coordinates: ringOf(west, east) };
  return { type: 'MultiPolygon', coordinates: [ringOf(west, 180), ringOf(-180, east)] };
}

export function countPositions({ coordinates }: Geometry): number {
  const count = (value: unknown): number =>
    !Array.isArray(value)
      ? 0
      : typeof value[0] === 'number'
        ? 1
        : value.reduce<number>((sum, part) => sum + count(part), 0);
  return count(coordinates);
}

function parseGeometry(text: string): Geometry | undefined {
  try {
    return geometrySchema.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}

function parseBox(text: string): Geometry | undefined {
  const numbers = text.split(',').map((part) => (part.trim() === '' ? Number.NaN : Number(part)));
  const isBox = (numbers.length === 4 || numbers.length === 6) && numbers.every((number) => Number.isFinite(number));
  return isBox ? boxGeometry(numbers) : undefined;
}

const INSTANT = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:\d{2})$/i;

function parseAcquired(text: string): Acquired | undefined {
  const ms = parseDurationMs(text);
  if (ms !== undefined) return ms > 0 ? { kind: 'within', ms } : undefined;
  const ends = text.split('/');
  const [from = '', to = ''] = ends;
  const isOpen = (end: string): boolean => end === '..' || end === '';
  const isKnown = (end: string): boolean => isOpen(end) || (INSTANT.test(end) && !Number.isNaN(Date.parse(end)));
  if (ends.length !== 2 || !isKnown(from) || !isKnown(to) || (isOpen(from) && isOpen(to))) return undefined;
  if (!isOpen(from) && !isOpen(to) && Date.parse(from) > Date.parse(to)) return undefined;
  return { kind: 'between', ...(!isOpen(from) && { from }), ...(!isOpen(to) && { to }) };
}

function isOnEarth([longitude = NaN, latitude = NaN]: Position): boolean {
  return Math.abs(longitude) <= 180 && Math.abs(latitude) <= 90;
}

function isSame(one: Position | undefined, other: Position | undefined): boolean {
  return one !== undefined && one[0] === other?.[0] && one[1] === other?.[1];
}
