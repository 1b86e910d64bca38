/**
 * Finds the link to a STAC item in a payload that does not hold the item: an address alone, the flat form of the
 * water-bodies publisher, a `self` link; in CloudEvents and messages of SNS, too. Pure.
 */
import { isJsonObject, type JsonObject, type JsonValue } from './json';
import { valueOf, type JsonDocument } from './json-text';
import { findStacItems, readObjectText, unwrap } from './stac-items';

/** As for items: an SNS message that wraps a CloudEvent that wraps a notification. */
const MOST_WRAPPERS = 4;
/** Documents have a dozen. */
const MOST_LINKS = 1_000;
/** Servers accept no longer ones. */
const LONGEST_LINK = 8_000;
const OTHER_DOCUMENTS: ReadonlyArray<JsonValue | undefined> = ['Catalog', 'Collection', 'FeatureCollection'];

/** Returns an absolute address, of whatever scheme, or undefined. Never throws. */
export function findItemLink(document: JsonDocument, wrappers = MOST_WRAPPERS): string | undefined {
  const value = valueOf(document);
  if (typeof value === 'string') {
    const content = wrappers > 0 ? readObjectText(value) : undefined;
    return content === undefined ? absoluteLink(value) : findItemLink(content, wrappers - 1);
  }
  if (!isJsonObject(value)) return undefined;
  const own = linkOf(value);
  if (own !== undefined) return own;
  const content = wrappers > 0 ? unwrap(document, value) : undefined;
  return content === undefined ? undefined : findItemLink(content, wrappers - 1);
}

/** True if nothing has to be fetched: it holds a whole item, or several. */
export function holdsWholeItem(document: JsonDocument): boolean {
  const found = findStacItems(document);
  if (found === undefined) return false;
  const [only] = found.items;
  return found.items.length > 1 || (only !== undefined && isWhole(valueOf(only)));
}

/** STAC requires both of an item, so one without them is a notification in the form of an item. */
function isWhole(item: JsonValue): boolean {
  return isJsonObject(item) && 'geometry' in item && isJsonObject(item['properties']) && 'datetime' in item.properties;
}

/** Undefined for a text that is no address by itself, such as a relative one. */
export function absoluteLink(value: JsonValue | undefined): string | undefined {
  if (typeof value !== 'string' || value.length > LONGEST_LINK) return undefined;
  const text = value.trim();
  // Otherwise `urn:x` and `c:d` would be addresses, too.
  return /^[a-z][a-z0-9+.-]*:\/\//i.test(text) && URL.canParse(text) ? text : undefined;
}

/** `dataref` is what CloudEvents call a link to data that is too large to be sent. */
function linkOf({ type, links, href, specversion, dataref }: JsonObject): string | undefined {
  if (typeof specversion === 'string') return absoluteLink(dataref);
  if (OTHER_DOCUMENTS.includes(type)) return undefined;
  return linkTo('self', links) ?? linkTo('item', links) ?? absoluteLink(href);
}

function linkTo(rel: string, links: JsonValue | undefined): string | undefined {
  if (!Array.isArray(links)) return undefined;
  const hrefs = links
    .slice(0, MOST_LINKS)
    .filter(isJsonObject)
    .filter((link) => link['rel'] === rel);
  return hrefs.map((link) => absoluteLink(link['href'])).find((link) => link !== undefined);
}
