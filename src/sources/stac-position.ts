/** How far a `stac` event has read, as it is kept on the bus. */
import type { JsonObject, JsonValue } from '../event/json';
import { KnownItems } from './stac-known-items';

export interface StacPosition {
  /** When the last complete search began; undefined until the first one is complete. */
  cursor: number | undefined;
  /** Until then: from which time on items are announced. */
  announceFrom: number | undefined;
  /** Versions that changed before this time are forgotten, so they cannot be told from new ones. */
  knownSince: number | undefined;
  /** The same, but because more items changed than can be remembered. */
  lookBack: number | undefined;
  known: KnownItems;
}

export function newPosition(announceFrom: number, known = new KnownItems()): StacPosition {
  return { cursor: undefined, announceFrom, knownSince: undefined, lookBack: undefined, known };
}

/** Returns undefined for a position that is none. */
export function readPosition(json: JsonObject): StacPosition | undefined {
  const { cursor, announceFrom, knownSince, lookBack, known } = json;
  if (typeof known !== 'string') return undefined;
  const position = {
    cursor: readTime(cursor),
    announceFrom: readTime(announceFrom),
    knownSince: readTime(knownSince),
    lookBack: readTime(lookBack),
    known: KnownItems.unpack(known),
  };
  return position.cursor === undefined && position.announceFrom === undefined ? undefined : position;
}

export function writePosition({ cursor, announceFrom, knownSince, lookBack, known }: StacPosition): JsonObject {
  return {
    cursor: writeTime(cursor),
    announceFrom: writeTime(announceFrom),
    knownSince: writeTime(knownSince),
    lookBack: writeTime(lookBack),
    known: known.pack(),
  };
}

function readTime(value: JsonValue | undefined): number | undefined {
  const timeMs = typeof value === 'string' ? Date.parse(value) : NaN;
  return Number.isNaN(timeMs) ? undefined : timeMs;
}

function writeTime(timeMs: number | undefined): string | null {
  return timeMs === undefined ? null : new Date(timeMs).toISOString();
}
