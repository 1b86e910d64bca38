/**
 * Links of STAC documents. Only a link that is followed is validated; all others may be anything. `headers` of a
 * followed link may hold lists and `body` may be anything, as STAC 1.1 allows.
 */
import { validateHeaderName, validateHeaderValue } from 'node:http';
import { isJsonObject, type JsonValue } from '../event/json';
import { elementsOf, isJsonText, memberOf, valueOf, type JsonDocument } from '../event/json-text';

export interface StacLink {
  readonly href: string;
  readonly method: string;
  readonly type?: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Its numbers are those of the API: some name the next page by the time of the last item, in nanoseconds. */
  readonly body?: JsonDocument;
  /** STAC API: headers and body of a `next` link are merged over those of the previous request. */
  readonly merge: boolean;
}

/** Documents have a dozen. */
const MAX_LINKS = 1_000;

/** Set by the HTTP client itself. */
const HOP_HEADERS = new Set([
  ...['accept-encoding', 'connection', 'content-length', 'expect', 'host', 'keep-alive', 'te', 'trailer'],
  ...['transfer-encoding', 'upgrade'],
]);

/** Returns the objects among `links` with this `rel`, whatever else they hold. */
export function linksOf(links: JsonDocument | undefined, rel: string): JsonDocument[] {
  const all = isJsonText(links) ? elementsOf(links) : Array.isArray(links) ? links : [];
  return all.slice(0, MAX_LINKS).filter((link) => {
    const value = valueOf(link);
    return isJsonObject(value) && typeof value['rel'] === 'string' && value['rel'].trim() === rel;
  });
}

/** Returns undefined for a link without an address, or with one that is not an http address relative to `base`. */
export function readLink(link: JsonDocument, base: string): StacLink | undefined {
  const value = valueOf(link);
  const { href, method, type, headers, merge, body: read } = isJsonObject(value) ? value : {};
  const body = isJsonText(link) ? memberOf(link, 'body') : read;
  if (typeof href !== 'string' || !URL.canParse(href.trim(), base)) return undefined;
  const address = new URL(href.trim(), base);
  if (!['http:', 'https:'].includes(address.protocol)) return undefined;
  address.username = '';
  address.password = '';
  address.hash = '';
  return {
    href: address.href,
    // The default of the specification is GET; a body without a method can only be meant for POST.
    method: (textOf(method) ?? (isPresent(body) ? 'POST' : 'GET')).trim().toUpperCase(),
    ...(typeof type === 'string' && { type }),
    headers: readHeaders(headers),
    ...(isPresent(body) && { body }),
    merge: merge === true,
  };
}

/** Returns 0 for GeoJSON, 1 for other JSON or an unnamed type, 2 for anything else. */
export function typeRank(type: string | undefined): 0 | 1 | 2 {
  if (type === undefined || type.trim() === '') return 1;
  const [essence = ''] = type.toLowerCase().split(';');
  if (essence.trim() === 'application/geo+json') return 0;
  return essence.includes('json') ? 1 : 2;
}

/** Returns the first link of the best type. */
export function bestByType<Link extends { readonly type?: unknown }>(links: readonly Link[]): Link | undefined {
  const rank = ({ type }: Link): number => typeRank(textOf(type));
  return [...links].sort((one, other) => rank(one) - rank(other))[0];
}

function readHeaders(headers: JsonValue | undefined): Record<string, string> {
  if (!isJsonObject(headers)) return {};
  const entries = Object.entries(headers).flatMap(([name, value]) => {
    // A list of media types is not a media type.
    const isContentType = name.toLowerCase() === 'content-type';
    const text = headerText(isContentType && Array.isArray(value) ? (value[0] ?? null) : value);
    return text === undefined || !isSendable(name, text) ? [] : [[name.toLowerCase(), text] as const];
  });
  return Object.fromEntries(entries);
}

function headerText(value: JsonValue): string | undefined {
  if (Array.isArray(value)) {
    const parts = value.map(headerText).filter((part) => part !== undefined);
    return parts.length === 0 ? undefined : parts.join(', ');
  }
  return typeof value === 'object' ? undefined : String(value);
}

function isSendable(name: string, value: string): boolean {
  try {
    validateHeaderName(name);
    validateHeaderValue(name, value);
    return !HOP_HEADERS.has(name.toLowerCase());
  } catch {
    return false;
  }
}

function isPresent(value: JsonDocument | undefined): value is NonNullable<JsonDocument> {
  return value !== undefined && value !== null;
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value.trim() !== '' ? value : undefined;
}
