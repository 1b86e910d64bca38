/** Item Search of a STAC API, page after page (STAC API 1.0, conformance class item-search). */
import { SluiceError } from '../errors';
import { isJsonObject, type JsonObject } from '../event/json';
import { fetchJson, type HttpOptions, type HttpRequest } from './http';
import { readItemPage, readLandingPage } from './item-page';
import type { StacItem, StacLink } from './stac-item';

export interface StacSearch {
  /** Root of the API, e.g. `https://earth-search.aws.element84.com/v1`. */
  readonly api: string;
  readonly collections: readonly string[];
  /** West, south, east, north; or with heights, six numbers. */
  readonly bbox?: readonly number[];
  /** RFC 3339 instant or interval (`2021-07-04/2021-07-05`, `2021-07-04T00:00:00Z/..`). */
  readonly datetime?: string;
  /** CQL2: text goes out as `cql2-text`, an object as `cql2-json`. */
  readonly filter?: string | JsonObject;
  /** Items a page. */
  readonly pageSize?: number;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface StacPage {
  readonly items: readonly StacItem[];
  /** All that match, where the API counts them. */
  readonly matched?: number;
}

/** Yields page after page until the API has no `next` link any more. Throws as fetchJson does. */
export async function* searchPages(search: StacSearch, options: HttpOptions = {}): AsyncGenerator<StacPage> {
  let request: HttpRequest | undefined = firstRequest(search, await findSearch(search, options));
  const seen = new Set<string>();
  while (request) {
    const fingerprint = JSON.stringify([request.method, request.url, request.body]);
    if (seen.has(fingerprint)) {
      throw new SluiceError('EVENT_SOURCE_MISCONFIGURED', {
        message: `${search.api}: its "next" link leads back to a page that was already read`,
        fix: 'Report this to the operator of the API; a larger --limit may avoid it',
      });
    }
    seen.add(fingerprint);
    const page = readItemPage(await fetchJson(request, options), search.api);
    yield { items: page.items, matched: page.matched };
    request = page.next && page.items.length > 0 ? nextRequest(page.next, request) : undefined;
  }
}

interface SearchAddresses {
  readonly get?: string;
  readonly post?: string;
}

/** Reads the API's first page, which says where Item Search is and which methods it takes. */
async function findSearch(search: StacSearch, options: HttpOptions): Promise<SearchAddresses> {
  const root = readLandingPage(await fetchJson({ url: search.api, headers: search.headers }, options), search.api);
  const addressOf = (method: string): string | undefined => {
    const link = root.find((candidate) => (candidate.method ?? 'GET').toUpperCase() === method);
    return link && new URL(link.href, search.api).href;
  };
  return { get: addressOf('GET'), post: addressOf('POST') };
}

/** POST where the API takes it (it has room for everything), except for CQL2 text, which is at home in a query. */
function firstRequest(search: StacSearch, addresses: SearchAddresses): HttpRequest {
  const { headers, filter } = search;
  const parameters = withoutUndefined({
    collections: search.collections,
    bbox: search.bbox,
    datetime: search.datetime,
    limit: search.pageSize,
    'filter-lang': filter === undefined ? undefined : typeof filter === 'string' ? 'cql2-text' : 'cql2-json',
    filter,
  });
  const usesPost = addresses.post !== undefined && (typeof filter !== 'string' || addresses.get === undefined);
  if (usesPost) return { url: addresses.post, method: 'POST', headers, body: parameters };
  if (addresses.get === undefined || typeof filter === 'object') {
    throw new SluiceError('EVENT_SOURCE_MISCONFIGURED', {
      message: `${search.api}: the API does not take this search (POST is needed for CQL2 JSON)`,
      fix: 'Write the filter as CQL2 text',
    });
  }
  const url = new URL(addresses.get);
  for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, String(value));
  return { url: url.href, method: 'GET', headers };
}

function nextRequest(link: StacLink, previous: HttpRequest): HttpRequest {
  const method = link.method?.toUpperCase() === 'POST' ? 'POST' : 'GET';
  // Headers may hold a token: they follow only to the server that they were meant for.
  const url = new URL(link.href, previous.url);
  const sameServer = url.origin === new URL(previous.url).origin;
  const headers = { ...(sameServer ? previous.headers : {}), ...link.headers };
  if (method === 'GET') return { url: url.href, method, headers };
  const body = link.merge
    ? { ...(isJsonObject(previous.body) ? previous.body : {}), ...link.body }
    : (link.body ?? previous.body);
  return { url: url.href, method, headers, body };
}

function withoutUndefined(values: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined));
}
