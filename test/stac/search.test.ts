import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { parseRetryAfter } from '../../src/stac/http';
import { searchPages, type StacSearch } from '../../src/stac/search';

interface Request {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: unknown;
}
type Answer = { readonly status?: number; readonly headers?: Record<string, string>; readonly body: unknown };

/** STAC APIs differ in how they page; this one answers as each test says. */
class ScriptedApi {
  readonly requests: Request[] = [];
  answer: (request: Request, count: number) => Answer = () => ({ body: {} });
  private readonly server: Server = createServer((incoming, outgoing) => {
    const chunks: Buffer[] = [];
    incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
    incoming.on('end', () => {
      const text = Buffer.concat(chunks).toString();
      const request: Request = {
        method: incoming.method ?? '',
        path: incoming.url ?? '',
        headers: incoming.headers,
        body: text === '' ? undefined : JSON.parse(text),
      };
      this.requests.push(request);
      const { status = 200, headers = {}, body } = this.answer(request, this.requests.length);
      outgoing.writeHead(status, headers).end(typeof body === 'string' ? body : JSON.stringify(body));
    });
  });

  async listen(): Promise<void> {
    await new Promise<void>((resolve) => this.server.listen(0, '127.0.0.1', resolve));
  }
  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }
  landing(methods: readonly string[]): Answer {
    return { body: { links: methods.map((method) => ({ rel: 'search', href: `${this.url}/search`, method })) } };
  }
  async close(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }
}

const item = (id: string) => ({
  type: 'Feature',
  stac_version: '1.0.0',
  id,
  collection: 'c',
  properties: {},
  links: [],
});

describe('search of a STAC API', () => {
  let api: ScriptedApi;
  beforeEach(async () => {
    api = new ScriptedApi();
    await api.listen();
  });
  afterEach(() => api.close());

  async function idsOf(search: Partial<StacSearch> = {}): Promise<string[]> {
    const ids: string[] = [];
    for await (const page of searchPages({ api: api.url, collections: ['c'], ...search })) {
      ids.push(...page.items.map((found) => found.id));
    }
    return ids;
  }

  it('lays the body of a next link over the first one when the link says merge', async () => {
    api.answer = ({ method, body }) => {
      if (method === 'GET') return api.landing(['GET', 'POST']);
      if ((body as { token?: string }).token) return { body: { features: [item('b')] } };
      const next = { rel: 'next', href: `${api.url}/search`, method: 'POST', merge: true, body: { token: 't2' } };
      return { body: { features: [item('a')], links: [next] } };
    };
    expect(await idsOf({ bbox: [1, 2, 3, 4], pageSize: 1 })).toEqual(['a', 'b']);
    expect(api.requests.at(-1)?.body).toEqual({ collections: ['c'], bbox: [1, 2, 3, 4], limit: 1, token: 't2' });
  });

  it('follows next links of APIs that take GET only, and sends the search as a query', async () => {
    api.answer = ({ path }) => {
      if (path === '/') return api.landing(['GET']);
      if (path.includes('page=2')) return { body: { features: [item('b')] } };
      return { body: { features: [item('a')], links: [{ rel: 'next', href: '/search?page=2' }] } };
    };
    expect(await idsOf({ datetime: '2021-07-04T00:00:00Z/..', filter: 'eo:cloud_cover < 5' })).toEqual(['a', 'b']);
    const query = new URL(api.requests[1]?.path ?? '', api.url).searchParams;
    expect(Object.fromEntries(query)).toEqual({
      collections: 'c',
      datetime: '2021-07-04T00:00:00Z/..',
      filter: 'eo:cloud_cover < 5',
      'filter-lang': 'cql2-text',
    });
  });

  it('keeps a token from a server that a next link leads away to', async () => {
    const elsewhere = new ScriptedApi();
    await elsewhere.listen();
    elsewhere.answer = () => ({ body: { features: [item('b')] } });
    api.answer = ({ path }) =>
      path === '/'
        ? api.landing(['GET'])
        : { body: { features: [item('a')], links: [{ rel: 'next', href: `${elsewhere.url}/more` }] } };
    try {
      expect(await idsOf({ headers: { authorization: 'Bearer secret' } })).toEqual(['a', 'b']);
      expect(api.requests.map((request) => request.headers.authorization)).toEqual(['Bearer secret', 'Bearer secret']);
      expect(elsewhere.requests.map((request) => request.headers.authorization)).toEqual([undefined]);
    } finally {
      await elsewhere.close();
    }
  });

  it('waits as long as a busy server asks for and then goes on', async () => {
    api.answer = ({ path }, count) => {
      if (count === 1) return { status: 429, headers: { 'retry-after': '0' }, body: 'slow down' };
      return path === '/' ? api.landing(['GET']) : { body: { features: [item('a')] } };
    };
    expect(await idsOf()).toEqual(['a']);
  });

  it('stops at a next link that leads back to a page it has read', async () => {
    api.answer = ({ path }) =>
      path === '/'
        ? api.landing(['GET'])
        : { body: { features: [item('a')], links: [{ rel: 'next', href: '/search?again' }] } };
    await expect(idsOf()).rejects.toMatchObject({ code: 'EVENT_SOURCE_MISCONFIGURED' });
  });

  it.each([
    ['a page that is not JSON', { body: '<html>' }],
    ['a static catalog', { body: { links: [{ rel: 'child', href: 'x' }] } }],
    ['a refusal', { status: 403, body: 'no' }],
  ])('reports %s as a wrong address and does not ask again', async (_what, answer) => {
    api.answer = () => answer;
    await expect(idsOf()).rejects.toMatchObject({ code: 'EVENT_SOURCE_MISCONFIGURED' });
    expect(api.requests).toHaveLength(1);
  });
});

describe('Retry-After', () => {
  const now = Date.parse('2026-01-01T00:00:00Z');
  it.each([
    ['7', 7_000],
    ['Thu, 01 Jan 2026 00:00:05 GMT', 5_000],
    ['Wed, 31 Dec 2025 00:00:00 GMT', 0],
    ['soon', undefined],
    [null, undefined],
  ])('%s means %s ms', (header, expected) => {
    expect(parseRetryAfter(header, now)).toBe(expected);
  });
});
