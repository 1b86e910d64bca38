/** Item Search of a STAC API, page after page (STAC API 1.0, conformance class item-search). */
import { isSluiceError, SluiceError } from '../errors/sluice-error';
import { isJsonObject } from '../event/json';
import { hashOf } from './hash-of';
import { textOf, valueOf } from '../event/json-text';
import type { HttpRequest } from './exchange';
import { fetchJson, type HttpOptions, type JsonAnswer } from './stac-http';
import { readItemPage, readLandingPage, type ItemPage, type SkippedItem } from './item-page';
import { isMethodRefusal, shownUrl } from './stac-refusal';
import { asGet, firstRequest, nextRequest, type SearchAddresses, type StacSearch } from './search-request';
import { itemVersionKey, type StacItem } from './stac-item';
import { bestByType } from './stac-link';

export interface SearchOptions extends HttpOptions {
  /** Called with notes for the operator while the search continues. */
  onNote?(text: string): void;
}

export interface StacPage {
  readonly items: readonly StacItem[];
  readonly skipped: readonly SkippedItem[];
  /** Number of matching items, if the API counts them. */
  readonly matched?: number;
  /** The API was asked for this order, and says that it can sort. */
  readonly isNewestFirst: boolean;
}

/** Consecutive pages without new items. A few are normal if an API filters after paging. */
const MAX_PAGES_WITHOUT_NEWS = 20;

/** Yields pages until the API has no further `next` link. Throws as fetchJson does. */
export async function* searchPages(asked: StacSearch, options: SearchOptions): AsyncGenerator<StacPage> {
  const { json, url: api } = await fetchJson({ url: asked.api, method: 'GET', headers: asked.headers }, options);
  const addresses = findSearch(json, api);
  const isNewestFirst = asked.newestFirst === true && canSort(json);
  const search: StacSearch = { ...asked, newestFirst: isNewestFirst };
  const requested = new Set<string>();
  const known = new Set<string>();
  let entries = 0;
  let withoutNews = 0;
  let isPostRefused = false;
  let wanted: HttpRequest | undefined = firstRequest(search, addresses);
  while (wanted) {
    const request: HttpRequest = isPostRefused && wanted.method === 'POST' ? asGet(wanted) : wanted;
    const fingerprint = fingerprintOf(request);
    if (requested.has(fingerprint)) throw endless(search, 'leads back to a page that was already read');
    requested.add(fingerprint);
    const read = await readPage(request, search, addresses, options).catch((error: unknown) => {
      if (isNewestFirst && requested.size === 1 && isParameterRefusal(error)) return undefined;
      throw error;
    });
    if (read === undefined) {
      options.onNote?.('sorting is refused: the search is read whole');
      yield* searchPages({ ...asked, newestFirst: false }, options);
      return;
    }
    isPostRefused ||= read.request.method !== request.method;
    const page = readItemPage(read.answer.json, { pageUrl: read.answer.url, api, collections: search.collections });
    yield { items: page.items, skipped: page.skipped, matched: page.matched, isNewestFirst };

    entries += page.items.length + page.skipped.length;
    const before = known.size;
    for (const item of page.items) known.add(itemVersionKey(item));
    withoutNews = known.size > before || page.skipped.length > 0 ? 0 : withoutNews + 1;
    wanted = followingRequest(page, read, search, entries);
    const isEnd = wanted !== undefined && isEmpty(page) && fingerprintOf(wanted) === fingerprintOf(read.request);
    // An empty page that links to itself is the end.
    if (isEnd) return;
    if (wanted !== undefined && withoutNews >= MAX_PAGES_WITHOUT_NEWS) {
      throw endless(search, `leads on, but the last ${withoutNews} pages brought no new item`);
    }
  }
}

/** Reads from the API's first page where Item Search is and which methods it supports. */
function findSearch(document: JsonAnswer['json'], api: string): SearchAddresses {
  const links = readLandingPage(valueOf(document), api);
  const addressOf = (method: string): string | undefined => links.find((link) => link.method === method)?.href;
  return { get: addressOf('GET'), post: addressOf('POST') };
}

/** Conformance class of the Sort extension, of any version. */
function canSort(landing: JsonAnswer['json']): boolean {
  const value = valueOf(landing);
  const classes = isJsonObject(value) ? value['conformsTo'] : undefined;
  return Array.isArray(classes) && classes.some((each) => typeof each === 'string' && /item-search#sort$/.test(each));
}

function isParameterRefusal(error: unknown): boolean {
  return isSluiceError(error) && [400, 422].some((status) => status === error.context['status']);
}

interface ReadPage {
  readonly answer: JsonAnswer;
  /** The request that succeeded: a GET if POST was refused. */
  readonly request: HttpRequest;
}

async function readPage(
  request: HttpRequest,
  search: StacSearch,
  addresses: SearchAddresses,
  options: SearchOptions,
): Promise<ReadPage> {
  try {
    return { answer: await fetchJson(request, options), request };
  } catch (error) {
    const isFallback = request.method === 'POST' && addresses.get !== undefined && search.method !== 'post';
    if (!isFallback || !isSluiceError(error) || !isMethodRefusal(error.context['status'])) throw error;
    const isFirst = request.url === addresses.post;
    const get = asGet(request, isFirst ? addresses.get : request.url);
    options.onNote?.(`POST is refused (HTTP ${error.context['status']}): searching by GET`);
    return { answer: await fetchJson(get, options), request: get };
  }
}

/** Returns undefined at the end of the search. Throws EVENT_SOURCE_MISCONFIGURED if a further page cannot be read. */
function followingRequest(
  page: ItemPage,
  { request }: ReadPage,
  search: StacSearch,
  entries: number,
): HttpRequest | undefined {
  const isComplete = page.matched !== undefined && entries >= page.matched;
  if (page.isNextBroken && !isEmpty(page) && !isComplete) {
    throw endless(search, 'names no address, so the pages after this one cannot be read');
  }
  if (isEmpty(page) && isComplete) return undefined;
  const sameMethod = page.next.filter(({ method }) => method === request.method);
  const link = bestByType(sameMethod.length > 0 ? sameMethod : page.next);
  return link && nextRequest(link, request, search);
}

function isEmpty({ items, skipped }: ItemPage): boolean {
  return items.length + skipped.length === 0;
}

function fingerprintOf({ method, url, headers, body }: HttpRequest): string {
  // Hashed: tokens of pages may be large, and headers hold credentials.
  return hashOf(JSON.stringify([method, url, headers, body === undefined ? '' : textOf(body)]));
}

function endless({ api }: StacSearch, why: string): SluiceError {
  return new SluiceError('EVENT_SOURCE_MISCONFIGURED', {
    message: `${shownUrl(api)}: its "next" link ${why}`,
    fix: 'Report this to the operator of the API; larger pages may avoid it',
  });
}
