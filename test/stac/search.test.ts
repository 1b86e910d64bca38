import { searchPages } from '../../src/stac/search';
import { StacConnection } from '../../src/stac/stac-connection';
import { nextRequest, type StacSearch } from '../../src/stac/search-request';
import { item, ScriptedApi } from './scripted-api';

describe('search of a STAC API', () => {
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

  async function idsOf(search: Partial<StacSearch> = {}): Promise<string[]> {
    const ids: string[] = [];
    for await (const page of searchPages({ api: api.url, collections: ['c'], ...search }, { connection })) {
      ids.push(...page.items.map((found) => found.id));
    }
    return ids;
  }

  it('merges the body of a next link into the first one if the link says merge', async () => {
    api.answer = ({ method, body }) => {
      if (method === 'GET') return api.landing(['GET', 'POST']);
      if (body?.['token']) return { body: { features: [item('b')] } };
      const next = { rel: 'next', href: `${api.url}/search`, method: 'POST', merge: true, body: { token: 't2' } };
      return { body: { features: [item('a')], links: [next] } };
    };
    expect(await idsOf({ bbox: [1, 2, 3, 4], pageSize: 1 })).toEqual(['a', 'b']);
    expect(api.requests.at(-1)?.body).toEqual({ collections: ['c'], bbox: [1, 2, 3, 4], limit: 1, token: 't2' });
  });

  it('follows next links of APIs that support only GET, and sends the search as a query', async () => {
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

  it('does not send a token to another server that a next link leads to', async () => {
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

  it('waits for the delay that a busy server requests, then continues', async () => {
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
    ['a rejection', { status: 403, body: 'no' }],
  ])('reports %s as a wrong address and does not retry', async (_what, answer) => {
    api.answer = () => answer;
    await expect(idsOf()).rejects.toMatchObject({ code: 'EVENT_SOURCE_MISCONFIGURED' });
    expect(api.requests).toHaveLength(1);
  });

  it('asks an API that can sort for the newest items first, and others not', async () => {
    api.answer = ({ path }) => {
      const { body } = api.landing();
      const conformsTo = ['https://api.stacspec.org/v1.1.0/item-search#sort'];
      return path === '/' ? { body: { ...(body as object), conformsTo } } : { body: { features: [item('a')] } };
    };
    await idsOf({ newestFirst: true });
    expect(api.requests.at(-1)?.body).toMatchObject({ sortby: [{ field: 'properties.updated', direction: 'desc' }] });
    api.answer = ({ path }) => (path === '/' ? api.landing() : { body: { features: [item('a')] } });
    await idsOf({ newestFirst: true });
    expect(api.requests.at(-1)?.body).toEqual({ collections: ['c'] });
  });

  it('sends a geometry by either method', async () => {
    const intersects = { type: 'Point', coordinates: [1, 2] };
    api.answer = ({ path }) => (path === '/' ? api.landing() : { body: { features: [item('a')] } });
    await idsOf({ intersects });
    expect(api.requests.at(-1)?.body).toEqual({ collections: ['c'], intersects });
    await idsOf({ intersects, method: 'get' });
    expect(api.requests.at(-1)?.query.get('intersects')).toBe(JSON.stringify(intersects));
  });

  it.each([
    ['to another host', 'https://api.example/search', 'https://other.example/search'],
    ['from https to http', 'https://api.example/search', 'http://api.example/search'],
  ])('does not merge credentials into a next link %s', (_what, url, href) => {
    const headers = { authorization: 'Bearer secret' };
    const search = { api: 'https://api.example/', collections: ['c'], headers };
    const link = { href, method: 'POST', headers: {}, merge: true };
    const request = nextRequest(link, { url, method: 'POST', headers, body: {} }, search);
    expect(JSON.stringify(request)).not.toContain('secret');
  });

  it.each([
    ['of its own', (): string => 'http://169.254.169.254/latest'],
    ['of a next link', (): string => api.url],
  ])('refuses a blocked address %s', async (_what, address) => {
    api.answer = ({ path }) => {
      const next = { rel: 'next', href: 'http://169.254.169.254/search?token=2' };
      return path === '/' ? api.landing() : { body: { features: [item('a')], links: [next] } };
    };
    await expect(idsOf({ api: address() })).rejects.toMatchObject({
      code: 'EVENT_SOURCE_MISCONFIGURED',
      message: expect.stringContaining('169.254.169.254 is blocked') as string,
    });
  });
});
