/** The parts of a STAC item that Sluice reads. Everything else travels along untouched. */
import { SluiceError } from '../errors/sluice-error';
import { assertDepth, isJsonObject, type JsonObject, type JsonValue } from '../event/json';
import { bestByType, linksOf } from './stac-link';

export interface StacItem {
  readonly id: string;
  readonly collection: string;
  /** Address of the item itself: its `self` link, or where the API serves it. */
  readonly href: string;
  /** `properties.updated`: tells a re-processed item from the one published before. */
  readonly updated?: string;
  readonly cloudCover?: number;
  readonly datetime?: string;
  /** The item as the API sent it. */
  readonly document: JsonObject;
}

/** Where an item was found. */
export interface ItemPlace {
  /** Address of the page: relative links start here. */
  readonly pageUrl: string;
  /** Root of the API. */
  readonly api: string;
  /** What was searched for. */
  readonly collections: readonly string[];
}

/** What counts as the same news: a re-processed item is news again, the same item found twice is not. */
export function itemVersionKey(item: StacItem): string {
  const name = `${item.collection}/${item.id}`;
  return item.updated === undefined ? name : `${name}@${item.updated}`;
}

/** Throws EVENT_UNDECODABLE for what cannot be announced; the other items of its page are not concerned. */
export function readItem(document: JsonValue, place: ItemPlace): StacItem {
  if (!isJsonObject(document)) throw noItem(`expected an item, found ${document === null ? 'null' : 'something else'}`);
  const id = readId(document['id']);
  const collection = readCollection(document['collection'], place.collections);
  assertDepth(document);
  const properties = isJsonObject(document['properties']) ? document['properties'] : {};
  const cloudCover = properties['eo:cloud_cover'];
  return {
    id,
    collection: collection ?? '',
    href: selfLink(document, place.pageUrl) ?? servedAt(id, collection, place.api),
    updated: textOf(properties['updated']),
    cloudCover: typeof cloudCover === 'number' ? cloudCover : undefined,
    datetime: textOf(properties['datetime']) ?? textOf(properties['start_datetime']),
    document,
  };
}

function readId(id: JsonValue | undefined): string {
  // GeoJSON allows numbers where STAC wants text.
  const text = typeof id === 'number' ? String(id) : id;
  if (typeof text !== 'string' || text === '') throw noItem('it has no id');
  try {
    encodeURIComponent(text);
  } catch {
    throw noItem('its id is not valid Unicode');
  }
  return text;
}

/** An item that lacks its collection belongs to the one that was searched. */
function readCollection(collection: JsonValue | undefined, asked: readonly string[]): string | undefined {
  if (typeof collection !== 'string') return asked.length === 1 ? asked[0] : undefined;
  if (asked.includes(collection)) return collection;
  throw noItem(`it belongs to the collection ${JSON.stringify(collection.slice(0, 100))}, which was not searched for`);
}

function selfLink(document: JsonObject, pageUrl: string): string | undefined {
  const links = linksOf(document['links'], 'self').filter(({ href }) => textOf(href) !== undefined);
  const href = textOf(bestByType(links)?.['href']);
  if (href === undefined) return undefined;
  // An absolute address is passed on as it is written.
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

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

function noItem(message: string): SluiceError {
  return new SluiceError('EVENT_UNDECODABLE', { message });
}
