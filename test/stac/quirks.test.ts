/** Habits of real STAC APIs, each told by a server that has it. */
import { gzipSync } from 'node:zlib';
import { isJsonText, readJson } from '../../src/event/json-text';
import type { HttpRequest } from '../../src/stac/exchange';
import { channelMessage, streamFields } from '../../src/stac/publication';
import { redirectedRequest } from '../../src/stac/redirect';
import { searchPages, type SearchOptions } from '../../src/stac/search';
import { StacConnection } from '../../src/stac/stac-connection';
import type { StacItem } from '../../src/stac/stac-item';
import type { SkippedItem } from '../../src/stac/item-page';
import type { StacSearch } from '../../src/stac/search-request';
import { item, page, ScriptedApi, type ApiAnswer, type ApiRequest } from './scripted-api';

type Quirk = (request: ApiRequest, api: ScriptedApi) => ApiAnswer | undefined;

const isPage2 = ({ query, body }: ApiRequest): boolean => query.get('token') === '2' || body?.['token'] === '2';
const nested = (depth: number): unknown => JSON.parse('['.repeat(depth) + ']'.repeat(depth));

let api: ScriptedApi;
let connection: StacConnection;
beforeEach(async () => {
  api = new ScriptedApi();
  await api.listen();
  connection = new StacConnection(new URL(api.url));
});
afterEach(async () => {
  await connection.close();
  await api.close();
});

/** `quirk` says how the search is answered, and may take over the first page by looking at the path. */
function serve(quirk: Quirk): void {
  api.answer = (request) => {
    const answer = quirk(request, api);
    if (answer !== undefined) return answer;
    if (request.path === '/') return api.landing();
    throw new Error(`${request.method} ${request.path} was not expected`);
  };
}

/** Page 1 holds `a` and the given next links, page 2 holds `b`. */
const twoPages =
  (...next: unknown[]): Quirk =>
  (request) => {
    if (!request.path.startsWith('/search')) return undefined;
    return isPage2(request) ? page([item('b')]) : page([item('a')], next);
  };
const postLink = (more: object = {}) => ({ rel: 'next', href: '/search', method: 'POST', body: { token: '2' }, merge: true, ...more }); // prettier-ignore
const getLink = (more: object = {}) => ({ rel: 'next', href: '/search?token=2', ...more });

interface Found {
  readonly items: readonly StacItem[];
  readonly skipped: readonly SkippedItem[];
  readonly notes: readonly string[];
}

async function find(search: Partial<StacSearch> = {}, options: Partial<SearchOptions> = {}): Promise<Found> {
  const found = { items: [] as StacItem[], skipped: [] as SkippedItem[], notes: [] as string[] };
  const pages = searchPages(
    { api: api.url, collections: ['c'], ...search },
    {
      connection,
      onNote: (text) => void found.notes.push(text),
      ...options,
      limits: { firstWaitMs: 1, ...options.limits },
    },
  );
  for await (const { items, skipped } of pages) {
    found.items.push(...items);
    found.skipped.push(...skipped);
  }
  return found;
}
const idsOf = async (search?: Partial<StacSearch>, options?: Partial<SearchOptions>): Promise<string[]> =>
  (await find(search, options)).items.map(({ id }) => id);

describe('unused links of a STAC API', () => {
  const order = { rel: 'data', href: 'https://example.com/order', method: 'POST' };
  it.each<[string, unknown]>([
    ['hold header lists of STAC 1.1', { ...order, headers: { 'Content-Type': ['application/json'] }, body: { id: 1 } }],
    ['hold a text body', { ...order, body: '<wps:Execute/>' }],
    ['hold null members', { rel: 'thumbnail', href: 'x', title: null, method: null, headers: null, body: null, merge: null }], // prettier-ignore
    ['have no address', { rel: 'thumbnail', href: null }],
    ['have no relation', { href: 'x' }],
    ['are null', null],
    ['are text', 'https://example.com'],
  ])('are not validated if they %s', async (_what, odd) => {
    serve(({ path }) => {
      if (path === '/') return { body: { links: [odd, ...(api.landing().body as { links: unknown[] }).links] } };
      return page([item('a', { links: [odd, { rel: 'self', href: 'https://example.com/a' }] })], [odd]);
    });
    expect((await find()).items).toMatchObject([{ id: 'a', href: 'https://example.com/a' }]);
  });

  it.each([null, {}, 'none', undefined])('may be missing: links = %j', async (links) => {
    serve(({ path }) => (path === '/' ? undefined : page([item('a', { links })], links)));
    expect((await find()).items).toMatchObject([{ id: 'a', href: `${api.url}/collections/c/items/a` }]);
  });
});

describe('the search link of a STAC API', () => {
  const landing =
    (...links: unknown[]): Quirk =>
    ({ path, query }) => {
      if (path === '/') return { body: { type: 'Catalog', links } };
      return query.get('f') === 'html' ? { body: '<html>Items</html>' } : page([item('a')]);
    };
  it.each<[string, unknown[]]>([
    ['leads to GeoJSON, not to the HTML form before it', [
      { rel: 'search', type: 'text/html', href: '/search?f=html', method: 'GET' },
      { rel: 'search', type: 'application/geo+json', href: '/search?f=json', method: 'GET' },
    ]],
    ['is the GeoJSON one among several JSON ones', [
      { rel: 'search', type: 'application/json', href: '/search?f=html', method: 'GET' },
      { rel: 'search', type: 'application/geo+json; charset=utf-8', href: '/search', method: 'GET' },
    ]],
    ['may be relative', [{ rel: 'search', href: './search' }]],
    ['may have a lower-case method', [{ rel: 'search', href: '/search', method: 'post' }]],
    ['may hold null members', [{ rel: 'search', href: '/search', method: null, type: null, title: null, headers: null }]],
    ['is the one that has an address', [{ rel: 'search', href: null }, { rel: 'search', href: '/search' }]],
  ])('%s', async (_what, links) => {
    serve(landing(...links));
    expect(await idsOf()).toEqual(['a']);
  }); // prettier-ignore

  it('is resolved against the address that the root redirects to', async () => {
    serve(({ path }) => {
      if (path === '/v1') return { status: 308, headers: { location: '/v1/' } };
      if (path === '/v1/') return { body: { links: [{ rel: 'search', href: './search', method: 'POST' }] } };
      return path === '/v1/search' ? page([item('a')]) : { status: 404 };
    });
    const { items } = await find({ api: `${api.url}/v1` });
    expect(items).toMatchObject([{ id: 'a', href: `${api.url}/v1/collections/c/items/a` }]);
  });

  it('is reported as missing with the links found', async () => {
    serve(landing({ rel: 'search', type: 'text/html', href: '/search' }));
    await expect(find()).rejects.toMatchObject({
      code: 'EVENT_SOURCE_MISCONFIGURED',
      message: expect.stringContaining('found 1 that cannot be used') as string,
    });
  });
});

describe('the next link of a STAC API', () => {
  it.each<[string, unknown[]]>([
    ['may have header lists', [postLink({ headers: { 'Search-After': ['LC8'] } })]],
    ['may have null members', [postLink({ title: null, headers: null }), { rel: 'prev', href: null, method: null }]],
    ['may follow a null', [null, postLink()]],
    ['may have a lower-case method', [postLink({ method: 'post' })]],
    ['may have a body without a method', [postLink({ method: undefined })]],
    ['may be given twice', [postLink(), postLink()]],
    ['may be given for both methods', [getLink({ href: '/other' }), postLink()]],
    ['may be given for HTML, too', [postLink({ type: 'text/html', href: '/html' }), postLink({ type: 'application/geo+json' })]], // prettier-ignore
    ['may be a GET after a POST', [getLink()]],
    ['may be relative to the page', [getLink({ href: '?token=2' })]],
    ['may have an empty address and a body', [postLink({ href: '' })]],
    ['may have a list as its type header', [postLink({ headers: { 'content-type': ['application/json', 'text/plain'] } })]], // prettier-ignore
  ])('%s', async (_what, next) => {
    serve(twoPages(...next));
    expect(await idsOf()).toEqual(['a', 'b']);
  });

  it('sends one Content-Type, also where it names one itself', async () => {
    serve(twoPages(postLink({ headers: { 'Content-Type': 'application/json' } })));
    await idsOf();
    expect(api.searches.map(({ headers }) => headers['content-type'])).toEqual([
      'application/json',
      'application/json',
    ]);
  });

  it('keeps the parameters of a search that began by GET', async () => {
    serve((request) => (request.path === '/' ? api.landing(['GET']) : twoPages(postLink())(request, api)));
    expect(await idsOf({ bbox: [1, 2, 3, 4] })).toEqual(['a', 'b']);
    expect(api.searches.at(-1)).toMatchObject({
      method: 'POST',
      body: { collections: ['c'], bbox: [1, 2, 3, 4], token: '2' },
    });
  });

  it('leads over an empty page to later items', async () => {
    serve((request) => {
      if (request.path === '/') return undefined;
      return isPage2(request) ? page([item('a')]) : page([], [getLink()], { context: { matched: 1 } });
    });
    expect(await idsOf()).toEqual(['a']);
  });

  it.each<[string, Quirk]>([
    ['an empty page that leads to itself', ({ path }) => (path === '/' ? undefined : page([], [postLink({ body: {} })]))],
    ['an empty page with a next link after all that match', ({ path, body }) =>
      path === '/' ? undefined : body?.['token'] === '2'
        ? page([], [postLink({ body: { token: '3' } })], { numberMatched: 1 })
        : page([item('a')], [postLink()], { numberMatched: 1 })],
    ['a next link without an address after all that match', ({ path }) =>
      path === '/' ? undefined : page([item('a')], [{ rel: 'next', href: null }], { numberMatched: '1' })],
  ])('ends the search at %s', async (_what, quirk) => {
    serve(quirk);
    await expect(idsOf()).resolves.toBeDefined();
    expect(api.searches.length).toBeLessThanOrEqual(2);
  }); // prettier-ignore

  it.each<[string, Quirk]>([
    ['leads back to its own page', ({ path }) => (path === '/' ? undefined : page([item('a')], [getLink({ href: '/search?again' })]))], // prettier-ignore
    ['leads back to the first page', (request) =>
      request.path === '/' ? undefined : isPage2(request) ? page([item('b')], [postLink({ body: {}, merge: true })]) : page([item('a')], [postLink()])], // prettier-ignore
    ['has no address', ({ path }) => (path === '/' ? undefined : page([item('a')], [{ rel: 'next', href: null }]))],
    ['leads to a file', ({ path }) => (path === '/' ? undefined : page([item('a')], [getLink({ href: 'file:///etc/passwd' })]))], // prettier-ignore
    ['holds the next page itself', ({ path }) => (path === '/' ? undefined : page([item('a')], [getLink({ href: 'data:,{}' })]))], // prettier-ignore
    ['leads forever to the same items', ({ path, query }) =>
      path === '/' ? undefined : page([item('a')], [getLink({ href: `/search?token=x${query.get('token')}` })])],
    ['leads forever to empty pages', ({ path, query }) =>
      path === '/' ? undefined : page([], [getLink({ href: `/search?token=x${query.get('token')}` })])],
    ['would drop the search', ({ path }) => (path === '/' ? undefined : page([item('a')], [getLink({ href: '/search' })]))], // prettier-ignore
    ['has an unknown method', ({ path }) => (path === '/' ? undefined : page([item('a')], [postLink({ method: 'PUT' })]))], // prettier-ignore
    ['merges a string', ({ path }) => (path === '/' ? undefined : page([item('a')], [postLink({ body: 'x' })]))],
  ])('ends the search with an error if it %s', async (_what, quirk) => {
    serve(quirk);
    await expect(find()).rejects.toMatchObject({
      code: 'EVENT_SOURCE_MISCONFIGURED',
      message: expect.stringContaining('"next" link') as string,
    });
    expect(api.searches.length).toBeLessThan(30);
  }); // prettier-ignore
});

describe('items of a STAC API', () => {
  const only = (...features: unknown[]): void => serve(({ path }) => (path === '/' ? undefined : page(features)));

  it.each<[string, object]>([
    ['null', { features: null }],
    ['null next to a count', { features: null, context: { limit: 10, matched: 0 } }],
    ['missing', { features: undefined }],
  ])('are none if the list is %s', async (_what, more) => {
    serve(({ path }) => (path === '/' ? undefined : { body: { type: 'FeatureCollection', ...more } }));
    expect(await idsOf()).toEqual([]);
  });

  it.each([{ detail: 'no' }, { features: {} }, [], null, 'x'])('are reported as missing in %j', async (body) => {
    serve(({ path }) => (path === '/' ? undefined : { body: JSON.stringify(body) }));
    await expect(idsOf()).rejects.toMatchObject({ code: 'EVENT_SOURCE_MISCONFIGURED' });
  });

  it('are rejected if a page holds more than any API offers', async () => {
    serve(({ path }) => (path === '/' ? undefined : page(Array.from({ length: 10_001 }, () => ({})))));
    await expect(idsOf()).rejects.toMatchObject({ message: expect.stringContaining('at most 10000') as string });
  });

  it.each(['1', null, -1, 'many', {}])('are found next to the count %j', async (numberMatched) => {
    serve(({ path }) => (path === '/' ? undefined : page([item('a')], [], { numberMatched, context: null })));
    expect(await idsOf()).toEqual(['a']);
  });

  it.each<[string, object, string]>([
    ['relative to the page', { links: [{ rel: 'self', href: './items/a.json' }] }, '/items/a.json'],
    ['relative to the host', { links: [{ rel: 'self', href: '/x/a' }] }, '/x/a'],
    ['of the GeoJSON one of two', { links: [
      { rel: 'self', type: 'text/html', href: '/a.html' },
      { rel: 'self', type: 'application/geo+json', href: '/a.json' },
    ] }, '/a.json'],
    ['where the API serves it, without a link', { id: 'S1/ä 日本 100%?x=1#f' }, `/collections/c/items/${encodeURIComponent('S1/ä 日本 100%?x=1#f')}`],
    ['in the collection searched, without its own', { collection: null }, '/collections/c/items/a'],
    ['as text where the id is a number', { id: 20210711 }, '/collections/c/items/20210711'],
  ])('have the address %s', async (_what, more, href) => {
    only(item('a', more));
    expect((await find()).items[0]?.href).toBe(api.url + href);
  }); // prettier-ignore

  it('are passed on as they were sent, with times that are null', async () => {
    const sent = item('a', { geometry: null, properties: { datetime: null, start_datetime: '2021-01-01T00:00:00Z' } });
    only(sent);
    expect((await find()).items).toMatchObject([{ datetime: '2021-01-01T00:00:00Z', document: sent }]);
  });

  it.each<[string, unknown]>([
    ['is null', null],
    ['is text', 'a'],
    ['has no id', item(undefined)],
    ['has an id that is half a character', item('\ud800')],
    ['is nested too deeply', item('deep', { properties: { deep: nested(1_100) } })],
    ['belongs to a collection that was not searched', item('l8', { collection: 'landsat' })],
  ])('are found beside one that %s, which is reported', async (_what, odd) => {
    only(item('a'), odd, item('b'));
    const { items, skipped } = await find();
    expect(items.map(({ id }) => id)).toEqual(['a', 'b']);
    expect(skipped).toMatchObject([{ reason: expect.stringMatching(/./) as string }]);
  });
});

describe('bodies of a STAC API', () => {
  const text = JSON.stringify({ type: 'FeatureCollection', features: [item('ä')] });
  it.each<[string, ApiAnswer]>([
    ['a byte order mark', { body: Buffer.concat([Buffer.from([0xef, 0xbb, 0xbf]), Buffer.from(text)]) }],
    ['UTF-16', { body: Buffer.from(`\ufeff${text}`, 'utf16le') }],
    ['Latin-1, as the header says', { body: Buffer.from(text, 'latin1'), headers: { 'content-type': 'application/json; charset=ISO-8859-1' } }],
    ['UTF-8 under a header that says Latin-1', { body: text, headers: { 'content-type': 'application/json;charset="iso-8859-1"' } }],
    ['an unknown charset', { body: text, headers: { 'content-type': 'application/json; charset=none' } }],
    ['compression', { body: gzipSync(text), headers: { 'content-encoding': 'gzip' } }],
    ['status 201', { body: text, status: 201 }],
  ])('are read with %s', async (_what, answer) => {
    serve(({ path }) => (path === '/' ? undefined : answer));
    expect(await idsOf()).toEqual(['ä']);
  }); // prettier-ignore

  it.each<[string, ApiAnswer, RegExp]>([
    ['204', { status: 204 }, /HTTP 204, expected JSON, found an empty body/],
    ['300', { status: 300 }, /HTTP 300/],
    ['304', { status: 304 }, /HTTP 304/],
    ['an error page', { status: 404, body: '<html><h1>secret</h1></html>' }, /HTTP 404 Not Found \(an HTML or XML page\)$/],
    ['a rejected parameter', { status: 422, body: { detail: 'limit\nis above 50' } }, /HTTP 422 .*limit is above 50$/],
  ])('are rejected with %s, at the first attempt', async (_what, answer, message) => {
    serve(({ path }) => (path === '/' ? undefined : answer));
    await expect(find()).rejects.toMatchObject({
      code: 'EVENT_SOURCE_MISCONFIGURED',
      retryable: false,
      message: expect.stringMatching(message) as string,
    });
    expect(api.searches).toHaveLength(1);
  }); // prettier-ignore

  it('are read only up to the limit', async () => {
    serve(({ path }) => (path === '/' ? undefined : { body: gzipSync(Buffer.alloc(300_000, ' ')), headers: { 'content-encoding': 'gzip' } })); // prettier-ignore
    await expect(find({}, { limits: { maxBytes: 100_000 } })).rejects.toMatchObject({
      code: 'EVENT_SOURCE_MISCONFIGURED',
      message: expect.stringContaining('larger than 100000 bytes') as string,
    });
  });
});

describe('a busy or broken STAC API', () => {
  it.each<[string, ApiAnswer]>([
    ['429', { status: 429, headers: { 'retry-after': '0' }, body: 'slow down' }],
    ['502 as an HTML page', { status: 502, body: '<html>Bad Gateway</html>' }],
    ['a page of HTML with status 200', { body: '<html>maintenance</html>' }],
    ['half a page', { body: '{"type":"FeatureColl' }],
    ['an empty page with status 200', { body: '' }],
  ])('is retried after %s', async (_what, answer) => {
    serve(({ path }) => (path === '/' ? undefined : api.searches.length === 1 ? answer : page([item('a')])));
    expect(await idsOf()).toEqual(['a']);
  });

  it('fails transiently after the last attempt', async () => {
    serve(({ path }) => (path === '/' ? undefined : { status: 503, body: 'down' }));
    await expect(find()).rejects.toMatchObject({ code: 'EVENT_SOURCE_UNREACHABLE', retryable: true });
    expect(api.searches).toHaveLength(5);
  });

  it('is not retried if it requests too long a delay', async () => {
    serve(({ path }) => (path === '/' ? undefined : { status: 429, headers: { 'retry-after': '3600' } }));
    await expect(find()).rejects.toMatchObject({ code: 'EVENT_SOURCE_UNREACHABLE', retryAfterMs: 3_600_000 });
    expect(api.searches).toHaveLength(1);
  });

  it('fails if it does not respond in time', async () => {
    serve(({ path }) => (path === '/' ? undefined : { hangs: true }));
    await expect(find({}, { limits: { timeoutMs: 300, attempts: 2 } })).rejects.toMatchObject({
      code: 'EVENT_SOURCE_UNREACHABLE',
      message: expect.stringContaining('no complete response within 0.3 s') as string,
    });
    expect(api.searches).toHaveLength(2);
  });

  it.each<[string, ApiAnswer]>([
    ['it does not respond', { hangs: true }],
    ['it is waiting for a retry', { status: 503, headers: { 'retry-after': '200' } }],
  ])('is not waited for if the command is stopped while %s', async (_what, answer) => {
    const stop = new AbortController();
    serve(({ path }) => {
      if (path === '/') return undefined;
      setImmediate(() => stop.abort());
      return answer;
    });
    await expect(find({}, { signal: stop.signal })).rejects.toMatchObject({ name: 'AbortError' });
  });
});

describe('redirects of a STAC API', () => {
  const redirect = (status: number): Quirk => ({ method, path, body }) => {
    if (path === '/') return undefined;
    if (path === '/search') return { status, headers: { location: '/search/' } };
    return page(method === 'POST' && body?.['collections'] ? [item('a')] : [item('a'), item('of-all')]);
  }; // prettier-ignore

  it.each([301, 302, 307, 308])('%i sends a POST search again with its body', async (status) => {
    serve(redirect(status));
    expect(await idsOf()).toEqual(['a']);
    expect(api.searches.map(({ method }) => method)).toEqual(['POST', 'POST']);
  });

  it('303 ends a POST search with what to do, because it would lose its body', async () => {
    serve(redirect(303));
    await expect(find()).rejects.toMatchObject({
      code: 'EVENT_SOURCE_MISCONFIGURED',
      message: expect.stringContaining('HTTP 303') as string,
      fix: expect.stringContaining('the method get') as string,
    });
    expect(api.searches).toHaveLength(1);
  });

  it.each([301, 302, 303, 307, 308])('%i keeps a GET search', async (status) => {
    serve(({ path }) => {
      if (path === '/') return api.landing(['GET']);
      return path.startsWith('/search?') ? { status, headers: { location: path.replace('search', 'moved') } } : page([item('a')]); // prettier-ignore
    });
    expect(await idsOf()).toEqual(['a']);
    expect(api.searches.at(-1)?.path).toBe('/moved?collections=c');
  });

  it('keep credentials on their host', async () => {
    const other = new ScriptedApi();
    await other.listen();
    try {
      other.answer = () => page([item('a')]);
      serve(({ path }) => {
        if (path === '/') return undefined;
        return path === '/search' ? { status: 307, headers: { location: '/here' } } : { status: 307, headers: { location: `${other.url}/there` } }; // prettier-ignore
      });
      expect(await idsOf({ headers: { authorization: 'Bearer secret' } })).toEqual(['a']);
      expect(api.searches.map(({ headers }) => headers.authorization)).toEqual(['Bearer secret', 'Bearer secret']);
      expect(other.requests).toMatchObject([{ method: 'POST', body: { collections: ['c'] } }]);
      expect(other.requests[0]?.headers.authorization).toBeUndefined();
    } finally {
      await other.close();
    }
  });

  it.each<[string, string]>([
    ['in a circle', '/search'],
    ['without an address', 'http://[x'],
    ['to another protocol', 'ftp://127.0.0.1/search'],
  ])('rejects %s', async (_what, location) => {
    serve(({ path }) => (path === '/' ? undefined : { status: 307, headers: { location } }));
    await expect(find()).rejects.toMatchObject({ code: 'EVENT_SOURCE_MISCONFIGURED', retryable: false });
    expect(api.searches.length).toBeLessThan(10);
  });
});

describe('the request after a redirect', () => {
  const headers = { authorization: 'Bearer secret' };
  const after = (from: string, to: string): HttpRequest =>
    redirectedRequest({ url: from, method: 'POST', headers, body: {} }, 301, to);

  it.each<[string, string, string, boolean]>([
    ['keeps its headers on the same host', 'https://a.example/search', '/search/', true],
    ['keeps its headers from http to https', 'http://a.example/search', 'https://a.example/search', true],
    ['drops its headers on another host', 'https://a.example/search', 'https://b.example/search', false],
    ['drops its headers on another port', 'http://a.example/search', 'http://a.example:81/search', false],
  ])('%s', (_what, from, to, isKept) => {
    expect(after(from, to)).toEqual({
      ...{ url: new URL(to, from).href, method: 'POST', body: {} },
      headers: isKept ? headers : undefined,
    });
  });

  it('never goes from https to http', () => {
    expect(() => after('https://a.example/search', 'http://a.example/search')).toThrow(
      'redirected from https:// to http://',
    );
  });
});

describe('a STAC API that rejects POST', () => {
  const refuses = (status: number): Quirk => (request) => {
    if (request.path === '/') return undefined;
    if (request.method === 'POST') return { status, body: { detail: 'no' } };
    return isPage2(request) ? page([item('b')]) : page([item('a')], [postLink()]);
  }; // prettier-ignore

  it.each([403, 405, 501])('with %i is searched by GET, all pages of it', async (status) => {
    serve(refuses(status));
    const { items, notes } = await find({ bbox: [1, 2, 3, 4], pageSize: 1 });
    expect(items.map(({ id }) => id)).toEqual(['a', 'b']);
    expect(notes).toEqual([`POST is refused (HTTP ${status}): searching by GET`]);
    const query = { collections: 'c', bbox: '1,2,3,4', limit: '1' };
    expect(api.searches.map(({ method }) => method)).toEqual(['POST', 'GET', 'GET']);
    expect(Object.fromEntries(api.searches[1]?.query ?? [])).toEqual(query);
    expect(Object.fromEntries(api.searches[2]?.query ?? [])).toEqual({ ...query, token: '2' });
  });

  it('from the second page on is searched by GET from there', async () => {
    serve((request) => {
      if (request.path === '/') return undefined;
      if (!isPage2(request)) return page([item('a')], [postLink()]);
      return request.method === 'POST' ? { status: 405 } : page([item('b')]);
    });
    expect(await idsOf()).toEqual(['a', 'b']);
  });

  it.each<[string, Partial<StacSearch>, readonly string[]]>([
    ['if the filter has no place in a query', { filter: { op: '=' } }, ['GET', 'POST']],
    ['if GET is not offered', {}, ['POST']],
    ['if POST was asked for', { method: 'post' }, ['GET', 'POST']],
  ])('is an error %s', async (_what, search, methods) => {
    serve((request) => (request.path === '/' ? api.landing(methods) : refuses(405)(request, api)));
    await expect(find(search)).rejects.toMatchObject({ code: 'EVENT_SOURCE_MISCONFIGURED' });
    expect(api.searches.map(({ method }) => method)).toEqual(['POST']);
  });

  it.each<['get' | 'post', readonly string[], string]>([
    ['get', ['GET', 'POST'], 'GET'],
    ['get', ['POST'], 'GET'],
    ['post', ['GET'], 'POST'],
  ])('is searched by %s on request where it offers %j', async (method, offered, used) => {
    serve(({ path }) => (path === '/' ? api.landing(offered) : page([item('a')])));
    expect(await idsOf({ method })).toEqual(['a']);
    expect(api.searches.map((request) => request.method)).toEqual([used]);
  });
});

describe('numbers of a STAC API beyond double precision', () => {
  const exact = '{"id":"a","collection":"c","links":[],"properties":{"granule":12345678901234567890,"gsd":10.00}}';
  const next = (method: string) =>
    `{"rel":"next","href":"/search","method":"${method}","merge":true,"body":{"search_after":[1719849600123456789]}}`;
  const answer = (links: string) => ({ body: `{"type":"FeatureCollection","features":[${exact}],"links":[${links}]}` });

  it.each(['item', 'flat'] as const)('are published to the last digit (%s)', async (form) => {
    serve(({ path }) => (path === '/' ? undefined : answer('')));
    const [found] = (await find()).items;
    if (found === undefined) throw new Error('nothing was found');
    if (form === 'item') expect(streamFields(found, form, 'p').item).toBe(exact);
    expect(channelMessage(found, form, 'p').includes(exact)).toBe(form === 'item');
  });

  it('are sent back to it to the last digit', async () => {
    serve(({ path }) => (path === '/' ? undefined : answer(api.requests.length > 2 ? '' : next('POST'))));
    await find();
    expect(api.texts.at(-1)).toBe('{"collections":["c"],"search_after":[1719849600123456789]}');
  });

  it('are requested to the last digit', async () => {
    serve(({ path }) => (path === '/' ? undefined : answer('')));
    const filter = readJson('{"op":"=","args":[{"property":"granule"},12345678901234567890]}');
    if (!isJsonText(filter)) throw new Error('JavaScript keeps these digits');
    await find({ filter });
    expect(api.texts.at(-1)).toBe(`{"collections":["c"],"filter-lang":"cql2-json","filter":${filter.text}}`);
  });

  it('are sent back in a query too', async () => {
    serve(({ path, method }) => {
      if (path === '/') return undefined;
      if (api.requests.length > 2 && method === 'POST') return { status: 405 };
      return answer(api.requests.length > 3 ? '' : next('POST'));
    });
    await find();
    expect(api.requests.at(-1)?.query.get('search_after')).toBe('1719849600123456789');
  });
});
