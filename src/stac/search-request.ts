/** Builds the requests of a search: the first one, the next ones, and either as a GET if POST is refused. */
import { SluiceError } from '../errors/sluice-error';
import { isJsonObject, type JsonValue } from '../event/json';
import {
  elementsOf,
  isJsonText,
  joinObject,
  membersOf,
  textOf,
  valueOf,
  type JsonDocument,
  type ObjectDocument,
} from '../event/json-text';
import type { HttpRequest } from './exchange';
import { shownUrl } from './stac-refusal';
import type { StacLink } from './stac-link';

export type SearchMethod = 'auto' | 'get' | 'post';

export interface StacSearch {
  /** Root of the API, e.g. `https://earth-search.aws.element84.com/v1`, without credentials. */
  readonly api: string;
  readonly collections: readonly string[];
  /** West, south, east, north; or with heights, six numbers. */
  readonly bbox?: readonly number[];
  /** GeoJSON geometry that items must intersect; not together with `bbox`. */
  readonly intersects?: ObjectDocument;
  /** RFC 3339 instant or interval (`2021-07-04/2021-07-05`, `2021-07-04T00:00:00Z/..`). */
  readonly datetime?: string;
  /** CQL2: text is sent as `cql2-text`, an object as `cql2-json`. */
  readonly filter?: string | ObjectDocument;
  /** Asks an API that can sort for the items that changed last first. */
  readonly newestFirst?: boolean;
  /** Items per page. */
  readonly pageSize?: number;
  /** Sent only to the host of the API: they may hold credentials. */
  readonly headers?: Readonly<Record<string, string>>;
  /** `auto`: POST if the API offers it, and GET if that is refused. */
  readonly method?: SearchMethod;
}

/** The addresses of Item Search, by the method that the API's first page names. */
export interface SearchAddresses {
  readonly get?: string;
  readonly post?: string;
}

/** Uses POST if the API accepts it (it can carry everything), except for CQL2 text, which is meant for a query. */
export function firstRequest(search: StacSearch, addresses: SearchAddresses): HttpRequest {
  const { filter, method = 'auto' } = search;
  const post = { method: 'POST', body: parametersOf(search), expectsJson: true } as const;
  const prefersPost = addresses.post !== undefined && (typeof filter !== 'string' || addresses.get === undefined);
  if (method === 'post' || (method === 'auto' && prefersPost)) {
    const url = addresses.post ?? addresses.get;
    if (url !== undefined) return { ...post, url, ...headersFor(search, url) };
  }
  // GET is the method that every API must support, at the same address.
  const url = method === 'get' ? (addresses.get ?? addresses.post) : addresses.get;
  if (url === undefined) throw methodMissing(search);
  return asGet({ ...post, url, ...headersFor(search, url) });
}

/** Throws EVENT_SOURCE_MISCONFIGURED for a link that cannot be followed without losing the search. */
export function nextRequest(link: StacLink, previous: HttpRequest, search: StacSearch): HttpRequest {
  const { href: url, method, merge, body } = link;
  const headers = {
    ...(merge && mayShareHeaders(previous.url, url) ? previous.headers : {}),
    ...headersFor(search, url).headers,
    ...link.headers,
  };
  if (method === 'GET') {
    const isBare = isBareSearch(url, previous.url);
    if (isBare && merge) {
      return asGet({ url, method: 'POST', headers, body: parametersOf(search), expectsJson: true });
    }
    if (isBare) throw searchLost(search, 'is a GET without the parameters of the search');
    return { url, method, headers, expectsJson: true };
  }
  if (method !== 'POST') throw searchLost(search, `has the method ${JSON.stringify(method.slice(0, 20))}`);
  const base = objectIn(previous.body) ?? parametersOf(search);
  if (!merge) return { url, method, headers, body: body ?? base, expectsJson: true };
  const changes = objectIn(body);
  if (body !== undefined && changes === undefined) {
    throw searchLost(search, 'wants to merge a body that is not an object');
  }
  const merged = joinObject({ ...membersOf(base), ...membersOf(changes ?? {}) });
  return { url, method, headers, body: merged, expectsJson: true };
}

/** Returns the same search as a GET. Throws EVENT_SOURCE_MISCONFIGURED for a body that does not fit into a query. */
export function asGet(post: HttpRequest, address = post.url): HttpRequest {
  const { headers = {}, expectsJson } = post;
  const body = membersOf(objectIn(post.body) ?? {});
  if (objectIn(post.body) === undefined || objectIn(body['filter']) !== undefined) {
    throw new SluiceError('EVENT_SOURCE_MISCONFIGURED', {
      message: `${shownUrl(address)}: the API accepts this search by POST only, which it does not offer or refuses`,
      fix: 'Write the filter as CQL2 text',
    });
  }
  const url = new URL(address);
  for (const [name, value] of Object.entries(body)) {
    const text = queryText(name, value);
    if (text !== undefined) url.searchParams.set(name, text);
  }
  const { 'content-type': _ofTheBody, ...others } = headers;
  return { url: url.href, method: 'GET', headers: others, ...(expectsJson && { expectsJson }) };
}

function objectIn(document: JsonDocument | undefined): ObjectDocument | undefined {
  if (document === undefined) return undefined;
  if (isJsonText(document)) return isJsonObject(document.value) ? document : undefined;
  return isJsonObject(document) ? document : undefined;
}

function parametersOf(search: StacSearch): ObjectDocument {
  const { filter } = search;
  const language = typeof filter === 'string' ? 'cql2-text' : 'cql2-json';
  return joinObject({
    collections: [...search.collections],
    bbox: search.bbox && [...search.bbox],
    intersects: search.intersects,
    datetime: search.datetime,
    sortby: search.newestFirst ? [{ field: 'properties.updated', direction: 'desc' }] : undefined,
    limit: search.pageSize,
    ...(filter !== undefined && { 'filter-lang': language, filter }),
  });
}

/** Returns headers only for the server that they were meant for, and never from https to http. */
function headersFor({ api, headers }: StacSearch, url: string): Pick<HttpRequest, 'headers'> {
  return { headers: mayShareHeaders(api, url) ? (headers ?? {}) : {} };
}

function mayShareHeaders(from: string, to: string): boolean {
  const [meant, asked] = [new URL(from), new URL(to)];
  const isDowngrade = meant.protocol === 'https:' && asked.protocol !== 'https:';
  return meant.host === asked.host && !isDowngrade;
}

function isBareSearch(url: string, previous: string): boolean {
  const [next, before] = [new URL(url), new URL(previous)];
  return next.search === '' && next.host === before.host && next.pathname === before.pathname;
}

/** Formats a parameter as GET takes it, lists included; undefined if it is null. */
function queryText(name: string, document: JsonDocument): string | undefined {
  const value = valueOf(document);
  if (value === null) return undefined;
  if (typeof value === 'string') return value;
  if (Array.isArray(value) && name === 'sortby')
    return value.map((sort) => (typeof sort === 'string' ? sort : sortText(sort))).join(',');
  const isPlain = Array.isArray(value) && value.every((part) => typeof part !== 'object');
  if (!isPlain) return textOf(document);
  const parts = isJsonText(document) ? elementsOf(document) : value;
  return parts.map((part) => (typeof part === 'string' ? part : textOf(part))).join(',');
}

function sortText(sort: JsonValue): string {
  if (!isJsonObject(sort) || typeof sort['field'] !== 'string') return JSON.stringify(sort);
  return `${sort['direction'] === 'desc' ? '-' : '+'}${sort['field']}`;
}

function methodMissing({ api, filter }: StacSearch): SluiceError {
  const isJson = typeof filter === 'object';
  return new SluiceError('EVENT_SOURCE_MISCONFIGURED', {
    message: `${shownUrl(api)}: the API does not offer a search that fits${isJson ? ' (CQL2 JSON needs POST)' : ''}`,
    fix: isJson ? 'Write the filter as CQL2 text' : 'Try the method get or post',
  });
}

function searchLost({ api }: StacSearch, why: string): SluiceError {
  return new SluiceError('EVENT_SOURCE_MISCONFIGURED', {
    message: `${shownUrl(api)}: the "next" link ${why}`,
    fix: 'Report this to the operator of the API; larger pages, or the method get or post, may avoid it',
  });
}
