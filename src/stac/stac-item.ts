/** The parts of a STAC item that Sluice reads. Everything else is passed on unchanged. */
import { SluiceError } from '../errors/sluice-error';
import { assertDepth, isJsonObject, type JsonObject, type JsonValue } from '../event/json';
import { valueOf, type JsonDocument } from '../event/json-text';
import { bestByType, linksOf } from './stac-link';

export interface StacItem {
  readonly id: string;
  readonly collection: string;
  /** Address of the item itself: its `self` link, or where the API serves it. */
  readonly href: string;
  /** `properties.updated`: distinguishes a reprocessed item from its earlier publication. */
  readonly updated?: string;
  readonly created?: string;
  readonly cloudCover?: number;
  readonly datetime?: string;
  /** The item as the API sent it, to the last digit. */
  readonly document: JsonDocument;
}

const LONGEST_ID = 1_000;
const LONGEST_TIME = 100;

/** Where an item was found. */
export interface ItemPlace {
  /** Address of the page: the base of relative links. */
  readonly pageUrl: string;
  /** Root of the API. */
  readonly api: string;
  /** The collections that were searched. */
  readonly collections: readonly string[];
}

/** Identifies a version: a reprocessed item is a new one, the same item found twice is not. */
export function itemVersionKey(item: StacItem): string {
  const name = `${item.collection}/${item.id}`;
  return item.updated === undefined ? name : `${name}@${item.updated}`;
}

/** Throws EVENT_UNDECODABLE for an item that cannot be announced; the other items of its page are unaffected. */
export function readItem(document: JsonDocument, place: ItemPlace): StacItem {
  const item = valueOf(document);
  if (!isJsonObject(item)) throw noItem(`expected an item, found ${item === null ? 'null' : 'something else'}`);
  const id = readId(item['id']);
  const collection = readCollection(item['collection'], place.collections);
  assertDepth(item);
  const properties = isJsonObject(item['properties']) ? item['properties'] : {};
  const cloudCover = properties['eo:cloud_cover'];
  return {
    id,
    collection: collection ?? '',
    href: selfLink(item, place.pageUrl) ?? servedAt(id, collection, place.api),
    updated: timeText(properties['updated']),
    created: timeText(properties['created']),
    cloudCover: typeof cloudCover === 'number' ? cloudCover : undefined,
    datetime: textOf(properties['datetime']) ?? textOf(properties['start_datetime']),
    document,
  };
}

function readId(id: JsonValue | undefined): string {
  // GeoJSON allows numbers where STAC requires text.
  const text = typeof id === 'number' ? String(id) : id;
  if (typeof text !== 'string' || text === '') throw noItem('it has no id');
  if (text.length > LONGEST_ID)
    throw noItem(`its id has ${text.length} characters; at most ${LONGEST_ID} are accepted`);
  try {
    encodeURIComponent(text);
  } catch {
    throw noItem('its id is not valid Unicode');
  }
  return text;
}

/** An item without a collection belongs to the one that was searched. */
function readCollection(collection: JsonValue | undefined, asked: readonly string[]): string | undefined {
  if (typeof collection !== 'string') return asked.length === 1 ? asked[0] : undefined;
  if (asked.includes(collection)) return collection;
  throw noItem(`it belongs to the collection ${JSON.stringify(collection.slice(0, 100))}, which was not searched for`);
}

function selfLink(document: JsonObject, pageUrl: string): string | undefined {
  const links = linksOf(document['links'], 'self')
    .map(valueOf)
    .filter(isJsonObject)
    .filter(({ href }) => textOf(href) !== undefined);
  const href = textOf(bestByType(links)?.['href']);
  if (href === undefined) return undefined;
  // An absolute address is passed on unchanged.
  if (URL.canParse(href)) return href;
  return URL.canParse(href, pageUrl) ? new URL(href, pageUrl).href : undefined;
}

function servedAt(id: string, collection: string | undefined, api: string): string {
  const { origin, pathname } = new URL(api);
  const root = `${origin}${pathname.replace(/\/+$/, '')}`;
  const name = encodeURIComponent(id);
  if (collection === undefined) return `${root}/search?ids=${name}`;
  return `${root}/collections/${encodeURIComponent(collection)}/items/${name}`;
}

/** Kept for each item, so it is bounded. */
function timeText(value: unknown): string | undefined {
  const text = textOf(value);
  return text !== undefined && text.length <= LONGEST_TIME ? text : undefined;
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

function noItem(message: string): SluiceError {
  return new SluiceError('EVENT_UNDECODABLE', { message });
}
