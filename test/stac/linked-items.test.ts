/** What servers may answer to a request for an item that an event links to. */
import { gzipSync } from 'node:zlib';
import { SluiceError } from '../../src/errors/sluice-error';
import { isJsonText } from '../../src/event/json-text';
import { isLinkAllowed } from '../../src/stac/allowed-link';
import { LinkedItems, type LinkedItem, type LinkedItemsOptions } from '../../src/stac/linked-items';
import { item, page, ScriptedApi, type ApiAnswer } from './scripted-api';

const TOKEN = 'secret-token-of-the-catalogue';

let api: ScriptedApi;
let items: LinkedItems;
beforeEach(async () => {
  api = new ScriptedApi();
  await api.listen();
  items = open();
});
afterEach(async () => {
  await items.close();
  await api.close();
});

function open(options: Partial<LinkedItemsOptions> = {}): LinkedItems {
  return new LinkedItems({ origins: [api.url], ...options });
}

const read = (path = '/items/a', reader = items): Promise<LinkedItem> =>
  reader.read(path.includes('://') ? path : api.url + path, new AbortController().signal);

async function failureOf(path?: string, reader?: LinkedItems): Promise<{ retry: string; message: string }> {
  const found = await read(path, reader);
  if ('item' in found) throw new Error('it was read');
  expect(found.error.code).toBe('EVENT_LINK_UNREADABLE');
  return { retry: found.retry, message: `${found.error.message} ${found.error.fix ?? ''}` };
}

describe('a linked item', () => {
  it('is read with the token, also compressed, to the last digit', async () => {
    const body = gzipSync(
      JSON.stringify(item('a')).replace('"properties":{}', '"properties":{"n":12345678901234567890}'),
    );
    api.answer = () => ({ headers: { 'content-encoding': 'gzip' }, body });
    const reader = open({ token: () => Promise.resolve(TOKEN) });
    const found = await read('/items/a', reader);
    await reader.close();
    const document = 'item' in found ? found.item : undefined;
    expect(isJsonText(document) && document.text).toContain('"n":12345678901234567890');
    expect(api.requests).toMatchObject([{ method: 'GET', headers: { authorization: `Bearer ${TOKEN}` } }]);
  });

  it('may be the only one of a page', async () => {
    api.answer = () => page([item('a')]);
    expect(await read('/search?ids=a')).toMatchObject({ item: { id: 'a' } });
  });

  it.each<[string, ApiAnswer, string, string]>([
    ['the server fails', { status: 500 }, 'yes', 'HTTP 500'],
    ['there are too many requests', { status: 429, headers: { 'retry-after': '7' } }, 'yes', 'HTTP 429'],
    ['it is not there yet', { status: 404 }, 'soon', 'HTTP 404'],
    ['the token is refused', { status: 401, body: TOKEN }, 'soon', 'HTTP 401'],
    ['it is gone', { status: 410 }, 'no', 'HTTP 410'],
    ['it is elsewhere', { status: 302, headers: { location: 'http://169.254.169.254/' } }, 'no', 'redirects are not'],
    ['it is a page of a proxy', { body: `<html>${TOKEN}</html>` }, 'soon', 'is not JSON'],
    ['it is nested too deeply', { body: '['.repeat(5_000) + ']'.repeat(5_000) }, 'no', 'levels deep'],
    ['it is some other document', { body: { kind: 'PodList' } }, 'no', 'holds 0 STAC items'],
    ['it is a page of two', page([item('a'), item('b')]), 'no', 'holds 2 STAC items'],
    ['it is huge', { body: `"${'x'.repeat(2_000_000)}"` }, 'no', 'larger than 1048576 bytes'],
    ['it is huge once unpacked', { headers: { 'content-encoding': 'gzip' }, body: gzipSync(Buffer.alloc(50_000_000)) }, 'no', 'larger than 1048576 bytes'], // prettier-ignore
  ])('is not read if %s, and the reason quotes nothing', async (_what, answer, retry, message) => {
    api.answer = () => answer;
    const failure = await failureOf('/items/a?key=hidden');
    expect(failure).toMatchObject({ retry });
    expect(failure.message).toContain(message);
    expect(failure.message).not.toMatch(new RegExp(`${TOKEN}|hidden`));
    expect(api.requests).toHaveLength(1);
  });

  it('is asked for again as the server says', async () => {
    api.answer = () => ({ status: 503, headers: { 'retry-after': '7' } });
    expect(await read()).toMatchObject({ error: { retryAfterMs: 7_000 } });
  });

  it('is asked for again if nothing answers', async () => {
    const link = `${api.url}/items/a`;
    await api.close();
    expect(await failureOf(link)).toMatchObject({ retry: 'yes' });
    await api.listen();
  });

  it('is not asked of a server that the manifest does not name', async () => {
    const other = open({ origins: ['https://stac.example'], token: () => Promise.resolve(TOKEN) });
    const links = [api.url, api.url.replace('127.0.0.1', 'localhost'), 'ftp://stac.example/a', 's3://bucket/a'];
    for (const link of links) expect(await failureOf(`${link}/items/a`, other)).toMatchObject({ retry: 'no' });
    await other.close();
    expect(api.requests).toEqual([]);
  });

  it('is not asked of a blocked address, though the manifest names it', async () => {
    const origins = ['http://169.254.169.254', 'http://[fe80::1]'];
    const reader = open({ origins });
    for (const origin of origins) {
      const failure = await failureOf(`${origin}/latest/meta-data`, reader);
      expect(failure).toMatchObject({ retry: 'no' });
      expect(failure.message).toContain('is blocked');
    }
    await reader.close();
  });

  it('is not asked for with a user in its link', async () => {
    const failure = await failureOf(`${api.url.replace('//', '//me:hidden@')}/items/a`);
    expect(failure.message).toContain('holds a user or a password');
    expect(failure.message).not.toContain('hidden');
  });

  it('waits for a token that is missing, and never shows one that cannot be sent', async () => {
    const missing = open({ token: () => Promise.reject(new SluiceError('SECRET_MISSING', { message: 'no key' })) });
    expect(await read('/items/a', missing)).toMatchObject({ error: { code: 'SECRET_MISSING' }, retry: 'yes' });
    const odd = await failureOf('/items/a', open({ token: () => Promise.resolve(`${TOKEN}\n`) }));
    expect(odd).toMatchObject({ retry: 'yes' });
    expect(odd.message).not.toContain(TOKEN);
    expect(api.requests).toEqual([]);
  });

  it('is no longer wanted once the signal aborts', async () => {
    api.answer = () => ({ hangs: true });
    const stop = new AbortController();
    const reading = items.read(`${api.url}/items/a`, stop.signal);
    stop.abort(new Error('stopped'));
    await expect(reading).rejects.toThrow('stopped');
  });
});

it.each([
  ['https://stac.example/a', true],
  ['https://STAC.example:443/a', true],
  ['https://a.b.example.com/x', true],
  ['http://stac.default.svc:8080/a', true],
  ['http://stac.example/a', false],
  ['https://stac.example:8443/a', false],
  ['https://stac.example.evil.com/a', false],
  ['https://example.com/a', false],
  ['https://evilexample.com/a', false],
  ['https://a.example.com:444/a', false],
  ['https://stac.example@evil.com/a', false],
])('sluice.io/hydrate-from: %s is allowed: %s', (link, isAllowed) => {
  const origins = ['https://stac.example', 'https://*.example.com', 'http://stac.default.svc:8080'];
  expect(isLinkAllowed(new URL(link), origins)).toBe(isAllowed);
});
