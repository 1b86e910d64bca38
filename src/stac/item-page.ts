/** Reads the documents of a STAC API. Strict about what Sluice relies on, tolerant about the rest. */
import { hashOf } from './hash-of';
import { describeError, isSluiceError, SluiceError } from '../errors/sluice-error';
import { isJsonObject, type JsonObject, type JsonValue } from '../event/json';
import { elementsOf, isJsonText, membersOf, textOf, valueOf, type JsonDocument } from '../event/json-text';
import { shownUrl } from './stac-refusal';
import { readItem, type ItemPlace, type StacItem } from './stac-item';
import { linksOf, readLink, typeRank, type StacLink } from './stac-link';

/** As many as APIs offer; each is looked at on the main thread. */
const MAX_FEATURES = 10_000;

/** Returns the search links of an API's first page that lead to GeoJSON, the best type first. */
export function readLandingPage(document: JsonValue, url: string): StacLink[] {
  const found = linksOf(isJsonObject(document) ? document['links'] : undefined, 'search');
  const links = found
    .map((link) => readLink(link, url))
    .filter((link) => link !== undefined)
    .filter(({ type }) => typeRank(type) < 2)
    .sort((one, other) => typeRank(one.type) - typeRank(other.type));
  if (links.length > 0) return links;
  throw new SluiceError('EVENT_SOURCE_MISCONFIGURED', {
    message: `${shownUrl(url)}: expected the first page of a STAC API with a "search" link to GeoJSON, found ${
      found.length === 0 ? 'none' : `${found.length} that cannot be used`
    }`,
    fix: 'Name the root of a STAC API (a static catalog cannot be searched)',
  });
}

/** An entry among the items that cannot be announced. */
export interface SkippedItem {
  /** Undefined if it has none. */
  readonly id?: string;
  /** The same for an entry that is found again. */
  readonly key: string;
  readonly reason: string;
}

export interface ItemPage {
  readonly items: readonly StacItem[];
  readonly skipped: readonly SkippedItem[];
  /** Number of matching items, if the API counts them. */
  readonly matched?: number;
  /** Links to the next page that have an address. */
  readonly next: readonly StacLink[];
  /** There is a `next` link, but none with an address. */
  readonly isNextBroken: boolean;
}

/** Throws EVENT_SOURCE_MISCONFIGURED if the document is not a page of items. */
export function readItemPage(document: JsonDocument, place: ItemPlace): ItemPage {
  const value = valueOf(document);
  if (!isJsonObject(value)) throw noPage(place, 'something else');
  const members = isJsonText(document) ? membersOf(document) : value;
  const items: StacItem[] = [];
  const skipped: SkippedItem[] = [];
  for (const feature of readFeatures(members, place)) {
    try {
      items.push(readItem(feature, place));
    } catch (error) {
      if (!isSluiceError(error)) throw error;
      const value = valueOf(feature);
      const id = isJsonObject(value) && typeof value['id'] === 'string' ? value['id'] : undefined;
      const reason = describeError(error);
      skipped.push({ ...(id !== undefined && { id: id.slice(0, 100) }), key: keyOf(feature, id, reason), reason });
    }
  }
  const links = linksOf(members['links'], 'next');
  const next = links.map((link) => readLink(link, place.pageUrl)).filter((link) => link !== undefined);
  return {
    items,
    skipped,
    matched: readMatched(value),
    next,
    isNextBroken: links.length > 0 && next.length === 0,
  };
}

function keyOf(feature: JsonDocument, id: string | undefined, reason: string): string {
  if (id !== undefined) return hashOf(id);
  try {
    return hashOf(textOf(feature));
  } catch {
    // Nested too deeply to be written.
    return hashOf(reason);
  }
}

function readFeatures({ features, type }: ReturnType<typeof membersOf>, place: ItemPlace): readonly JsonDocument[] {
  const value = features === undefined ? undefined : valueOf(features);
  if (Array.isArray(value) && value.length > MAX_FEATURES) {
    throw noPage(place, `one of ${value.length}; at most ${MAX_FEATURES} are accepted`);
  }
  if (Array.isArray(features)) return features;
  if (isJsonText(features) && Array.isArray(features.value)) return elementsOf(features);
  // Some servers write an empty list as null, or leave it out.
  if (features === null || (features === undefined && type === 'FeatureCollection')) return [];
  throw noPage(place, features === undefined ? 'none' : `"features" of another type`);
}

/** Only shown, except to distinguish a broken page from the end. */
function readMatched({ numberMatched, context }: JsonObject): number | undefined {
  return countOf(numberMatched) ?? (isJsonObject(context) ? countOf(context['matched']) : undefined);
}

function countOf(value: JsonValue | undefined): number | undefined {
  if (typeof value !== 'number' && (typeof value !== 'string' || value.trim() === '')) return undefined;
  const count = Number(value);
  return Number.isSafeInteger(count) && count >= 0 ? count : undefined;
}

function noPage({ pageUrl }: ItemPlace, found: string): SluiceError {
  return new SluiceError('EVENT_SOURCE_MISCONFIGURED', {
    message: `${shownUrl(pageUrl)}: expected a page of STAC items with a list "features", found ${found}`,
    fix: 'Report this to the operator of the API, or check its address',
  });
}
