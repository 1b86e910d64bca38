import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ChangingStacApi, type ListedItem } from '../../dev/changing-stac-api';
import { createTlsFiles } from '../../dev/tls-certificates';
import type { EventOptions } from '../../src/manifest/event-source';
import { isJsonObject, type JsonObject } from '../../src/event/json';
import { valueOf } from '../../src/event/json-text';
import { stacSource } from '../../src/sources/stac';
import { MAX_KNOWN_ITEMS } from '../../src/sources/stac-known-items';
import type { Delivery, PositionStore, SourceContext } from '../../src/sources/source';
import { createSource, describeSourceContract } from '../contract-suites/source-contract';
import { eventually } from '../setup/eventually';
import { failureOf } from '../setup/failure';
import { startTcpGate } from '../setup/tcp-gate';
import { readSource, type SourceReading } from './read-source';

type StacOptions = EventOptions<'stac'>;

const HOUR_MS = 3_600_000;
const AUTH = { username: { name: 'stac', key: 'user' }, password: { name: 'stac', key: 'password' } };

/** A scene that changed now, unless told otherwise. */
function scene(id: string, properties: object = {}, more: object = {}): ListedItem {
  const now = new Date().toISOString();
  return {
    type: 'Feature',
    stac_version: '1.0.0',
    id,
    collection: 'c',
    geometry: null,
    properties: { datetime: now, created: now, updated: now, ...properties },
    links: [{ rel: 'self', href: `https://stac.example/${id}` }],
    assets: {},
    ...more,
  };
}

const hoursAgo = (hours: number): string => new Date(Date.now() - hours * HOUR_MS).toISOString();

describeSourceContract<StacOptions>({
  factory: stacSource,
  capabilities: { payload: 'sent', keepsBacklog: true, deliversAgain: true, hasServer: true, beginsNow: true },
  async start() {
    const api = new ChangingStacApi({ password: 'secret-1' });
    await api.start();
    const gate = await startTcpGate(api.listeningPort);
    const secrets: Record<string, string> = { 'stac/user': 'reader', 'stac/password': 'secret-1' };
    let sent = 0;
    return {
      spec: { url: `http://${gate.host}:${gate.port}`, collections: ['c'], interval: '50ms', basicAuth: AUTH },
      unreachableSpec: { url: 'http://127.0.0.1:1', collections: ['c'] },
      secrets,
      gate,
      send(text) {
        api.put(scene(`scene-${(sent += 1)}`, { text }));
        return Promise.resolve();
      },
      sendPoison() {
        api.put({ type: 'Feature', properties: { note: 'an item without an id' } });
        return Promise.resolve();
      },
      textOf: (event) => (event.data as { body: { properties: { text: string } } }).body.properties.text,
      async restartServer() {
        await api.stop();
        await sleep(300);
        await api.start();
      },
      rotatePassword() {
        api.password = 'secret-2';
        secrets['stac/password'] = 'secret-2';
        return Promise.resolve();
      },
      withdrawRights() {
        api.mayRead = false;
        return Promise.resolve();
      },
      hangServer: () => Promise.resolve(api.hang()),
      async stop() {
        await gate.stop();
        await api.stop();
      },
    };
  },
});

describe('event source stac', () => {
  let api: ChangingStacApi;
  let position: PositionStore & { stored: JsonObject | undefined };
  const open: SourceReading[] = [];

  beforeEach(async () => {
    api = new ChangingStacApi();
    await api.start();
    position = {
      stored: undefined,
      read: () => Promise.resolve(position.stored),
      write: (value) => {
        position.stored = value;
        return Promise.resolve();
      },
    };
  });

  afterEach(async () => {
    await stopAll();
    await api.stop();
  });

  const stopAll = (): Promise<unknown> => Promise.all(open.splice(0).map((reading) => reading.stop()));

  interface Announced extends SourceReading {
    readonly deliveries: Delivery[];
    readonly ids: () => string[];
  }

  /** Reads and acknowledges until it is stopped. */
  function start(
    spec: Partial<StacOptions> = {},
    secrets: Readonly<Record<string, string>> = {},
    overrides: Partial<SourceContext> = {},
  ): Announced & { readonly ended: Promise<void> } {
    const options = { url: api.url, collections: ['c'], interval: '20ms', ...spec };
    const reading = readSource(stacSource, options, { position, ...overrides }, secrets);
    open.push(reading);
    const deliveries: Delivery[] = [];
    const read = async (): Promise<void> => {
      for (;;) {
        const delivery = await reading.next();
        deliveries.push(delivery);
        await delivery.acknowledge({ rejected: [] });
      }
    };
    const ended = read();
    ended.catch(() => undefined);
    const ids = (): string[] => deliveries.flatMap(({ events }) => events.map(({ transportId = '' }) => transportId));
    return { ...reading, deliveries, ids, ended };
  }

  async function read(spec: Partial<StacOptions> = {}): Promise<Announced> {
    const started = start(spec);
    await eventually(() => started.source.status().connected);
    return started;
  }

  /** Resolves when a search that began after this call is complete. */
  async function afterSearches(count = 2): Promise<void> {
    const before = api.searches.length;
    await eventually(() => api.searches.length > before + count);
  }

  it('announces an item with its address and the item itself', async () => {
    const { deliveries } = await read({ metadata: { team: 'eo' } });
    const item = scene('a', { updated: '2099-01-01T00:00:00Z', 'eo:cloud_cover': 5 });
    api.put(item);
    await eventually(() => deliveries.length > 0);
    expect(deliveries[0]?.events).toEqual([
      {
        transportId: 'stac:c:a:2099-01-01T00:00:00Z',
        time: '2099-01-01T00:00:00.000Z',
        data: {
          values: { subject: 'https://stac.example/a', producer: 'sluice', href: 'https://stac.example/a' },
          body: item,
          metadata: { team: 'eo' },
        },
        document: item,
      },
    ]);
    expect(deliveries[0]?.position).toBe('c/a@2099-01-01T00:00:00Z');
  });

  it.each([
    ['sorts', true],
    ['cannot sort', false],
  ])('announces what appears and what changes in an API that %s, each version once', async (_what, canSort) => {
    api.canSort = canSort;
    for (let index = 0; index < 25; index += 1) api.put(scene(`old-${index}`, { updated: hoursAgo(index + 1) }));
    const { ids } = await read({ limit: 4 });
    api.put(scene('new', { updated: '2026-01-01T00:00:00Z' }));
    await afterSearches(10);
    expect(ids()).toEqual([]);
    const [first, second] = [new Date().toISOString(), new Date(Date.now() + 1).toISOString()];
    api.put(scene('new', { updated: first }));
    await eventually(() => ids().length === 1);
    api.put(scene('new', { updated: second }));
    await eventually(() => ids().length === 2);
    await afterSearches(10);
    expect(ids()).toEqual([`stac:c:new:${first}`, `stac:c:new:${second}`]);
  });

  it('announces a late item whose time of change lies behind the last search, up to lateness', async () => {
    const { ids } = await read({ lateness: '2h' });
    await afterSearches();
    const late = scene('late', { updated: hoursAgo(1) });
    api.put(late);
    api.put(scene('too-late', { updated: hoursAgo(3) }));
    await eventually(() => ids().length === 1);
    await afterSearches();
    expect(ids()).toEqual([expect.stringMatching(/^stac:c:late:/)]);
  });

  it('announces items of an API without times of change once', async () => {
    const timeless = (id: string): ListedItem => scene(id, { created: undefined, updated: undefined });
    api.put(timeless('old'));
    const { ids } = await read();
    api.put(timeless('new'));
    await eventually(() => ids().length === 1);
    await afterSearches();
    expect(ids()).toEqual(['stac:c:new']);
  });

  it('does not trust the order of an API that says it sorts and does not', async () => {
    for (let index = 0; index < 9; index += 1) api.put(scene(`old-${index}`, { updated: hoursAgo(100 - index) }));
    const unsorted = new ChangingStacApi({ canSort: false });
    const { ids } = await read({ limit: 3 });
    api.fault = (search) => ({
      status: 200,
      body: unsorted.pageFor({ ...search, parameters: { ...search.parameters } }),
    });
    for (let index = 0; index < 9; index += 1) unsorted.put(scene(`old-${index}`, { updated: hoursAgo(100 - index) }));
    unsorted.put(scene('new'));
    await eventually(() => ids().length === 1);
  });

  it('reads a sorted API only back to the last search', async () => {
    for (let index = 0; index < 50; index += 1) api.put(scene(`old-${index}`, { updated: hoursAgo(10 * index) }));
    await read({ limit: 5, lateness: '1h' });
    api.searches.length = 0;
    await afterSearches(5);
    expect(api.searches.some(({ parameters }) => Number(parameters['token'] ?? 0) > 5)).toBe(false);
  });

  it('continues where another worker stopped, and finds what changed meanwhile', async () => {
    const first = await read();
    api.put(scene('a'));
    await eventually(() => first.ids().length === 1);
    await stopAll();
    api.put(scene('b'));
    const second = await read();
    await eventually(() => second.ids().length === 1);
    await afterSearches();
    expect(second.ids()).toEqual([expect.stringMatching(/^stac:c:b:/)]);
    expect(second.source.status()).toEqual({ connected: true, dropped: 0 });
  });

  it('announces what changed since a time that the manifest names', async () => {
    api.put(scene('before', { updated: hoursAgo(60) }));
    api.put(scene('since', { updated: hoursAgo(40) }));
    const { ids } = await read({ since: hoursAgo(50) });
    await afterSearches();
    expect(ids()).toEqual([expect.stringMatching(/^stac:c:since:/)]);
  });

  it('announces nothing that was there before when its search is changed', async () => {
    api.put(scene('other', { updated: hoursAgo(1) }, { collection: 'd' }));
    const former = await read();
    await stopAll();
    api.put(scene('new', {}, { collection: 'd' }));
    const { ids } = await read({ collections: ['c', 'd'] });
    await eventually(() => ids().length === 1);
    await afterSearches();
    expect([...former.ids(), ...ids()]).toEqual([expect.stringMatching(/^stac:d:new:/)]);
  });

  it('sends the search and the credentials of its Secrets to the API', async () => {
    const intersects = { type: 'Point', coordinates: [1, 2] };
    const started = start(
      {
        intersects,
        cql2: 'a < 1',
        method: 'post',
        last: '2d',
        headers: { 'X-Client': 'sluice' },
        secureHeaders: [{ name: 'X-Key', valueFrom: { secretKeyRef: { name: 'stac', key: 'key' } } }],
        authSecret: { name: 'stac', key: 'token' },
      },
      { 'stac/key': 'k', 'stac/token': 't' },
    );
    await eventually(() => started.source.status().connected);
    expect(api.searches[0]?.parameters).toEqual({
      ...{ collections: ['c'], intersects, filter: 'a < 1', 'filter-lang': 'cql2-text', limit: 100 },
      sortby: [{ field: 'properties.updated', direction: 'desc' }],
      datetime: expect.stringMatching(/^\d{4}-.*Z\/\.\.$/) as string,
    });
    expect(api.searches[0]?.headers).toMatchObject({ 'x-client': 'sluice', 'x-key': 'k', authorization: 'Bearer t' });
  });

  it('waits as long as a busy API asks, and says so meanwhile', async () => {
    const { source, ids } = await read();
    let refusals = 0;
    api.fault = () =>
      (refusals += 1) > 1 ? undefined : { status: 429, headers: { 'retry-after': '2' }, body: 'slow down' };
    await eventually(() => source.status().problem?.includes('HTTP 429') === true);
    expect(source.status().connected).toBe(false);
    expect(refusals).toBe(1);
    api.put(scene('a'));
    await eventually(() => ids().length === 1);
    expect(source.status()).toEqual({ connected: true, dropped: 0 });
  });

  it.each([
    ['an address that is blocked', { url: 'http://169.254.169.254' }, /169\.254\.169\.254 is blocked/],
    ['an address that is none', { url: 'stac' }, /url is not an http or https address/],
    ['a password in the address', { url: 'http://user:secret-1@127.0.0.1' }, /url is not an http or https address/],
    [
      'a token that is no header',
      { authSecret: { name: 'stac', key: 'broken' } },
      /header "authorization" cannot be sent/,
    ],
    ['a token that the API refuses', { authSecret: { name: 'stac', key: 'token' } }, /HTTP 401/],
  ])('ends at once with what to repair at %s', async (_what, spec, message) => {
    api.password = 'another';
    const started = start(spec, { 'stac/broken': 'secret-1\nx', 'stac/token': 'secret-1' });
    const failure = await failureOf(started.ended);
    expect(failure).toMatchObject({
      code: 'EVENT_SOURCE_MISCONFIGURED',
      message: expect.stringMatching(message) as string,
    });
    expect(failure.fix).toBeDefined();
    expect(JSON.stringify([failure, failure.message, started.lines])).not.toContain('secret-1');
  });

  it('speaks TLS with the authority and the client certificate of its Secrets', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'sluice-stac-tls-'));
    const files = await createTlsFiles(folder);
    const text = (path: string): Promise<string> => readFile(path, 'utf8');
    const [ca, cert, key] = await Promise.all(
      [files.caPath, files.serverCertificatePath, files.serverKeyPath].map(text),
    );
    const secure = new ChangingStacApi({ tls: { ca, cert, key, requestCert: true, rejectUnauthorized: true } });
    await secure.start();
    const secrets = {
      'tls/ca': await text(files.caPath),
      'tls/cert': await text(files.clientCertificatePath),
      'tls/key': await text(files.clientKeyPath),
    };
    const select = (name: string) => ({ name: 'tls', key: name });
    const tls = { caCertSecret: select('ca'), clientCertSecret: select('cert'), clientKeySecret: select('key') };
    try {
      await expect(start({ url: secure.url }, secrets).ended).rejects.toMatchObject({
        code: 'EVENT_SOURCE_MISCONFIGURED',
        message: expect.stringContaining('the certificate of the server is not trusted') as string,
      });
      const trusted = start({ url: secure.url, tls }, secrets);
      await eventually(() => trusted.source.status().connected);
    } finally {
      await stopAll();
      await secure.stop();
      await rm(folder, { recursive: true });
    }
  });

  it('reads an API whole that refuses to sort although it says that it can', async () => {
    const { source, ids, lines } = await read();
    api.fault = ({ parameters }) => (parameters['sortby'] === undefined ? undefined : { status: 400, body: {} });
    api.put(scene('a'));
    await eventually(() => ids().length === 1);
    await afterSearches(6);
    expect(source.status().connected).toBe(true);
    expect(lines.filter((line) => line.includes('sorting is refused'))).toHaveLength(1);
  });

  it.each([
    ['longer', '1h', '10h'],
    ['shorter', '10h', '1h'],
  ])('repeats nothing when lateness becomes %s', async (_what, before, after) => {
    api.put(scene('timeless', { created: undefined, updated: undefined }));
    const first = await read({ lateness: before, since: hoursAgo(20) });
    for (const hours of [0, 2, 15]) api.put(scene(`old-${hours}`, { updated: hoursAgo(hours) }));
    await afterSearches(3);
    await stopAll();
    const count = first.ids().length;
    const second = await read({ lateness: after, since: hoursAgo(20) });
    await afterSearches(3);
    expect(second.ids()).toEqual([]);
    expect(count).toBeGreaterThan(0);
  });

  it('waits for a Secret that is missing', async () => {
    const secrets: Record<string, string> = {};
    const started = start({ authSecret: { name: 'stac', key: 'token' } }, secrets);
    await eventually(() => started.source.status().problem?.includes('stac has no key token') === true);
    secrets['stac/token'] = 't';
    await eventually(() => started.source.status().connected);
  });

  it('survives an API that answers nonsense after it was read', async () => {
    const { source, ids } = await read();
    for (const body of ['<html>', '[]', '{"features":{}}', '['.repeat(100_000)]) {
      api.fault = () => ({ status: 200, body });
      await eventually(() => !source.status().connected);
      api.fault = () => undefined;
      await eventually(() => source.status().connected);
    }
    api.put(scene('a'));
    await eventually(() => ids().length === 1);
  });

  it('records an entry that is no item once, and announces its neighbours', async () => {
    const { deliveries, ids } = await read();
    api.put({ type: 'Feature', properties: {} });
    api.put(scene('x'.repeat(2_000)));
    api.put(scene('a'));
    await eventually(() => ids().length === 1);
    await afterSearches();
    const reasons = deliveries.flatMap(({ rejected }) => rejected.map(({ reason }) => reason));
    expect(reasons.sort()).toEqual([
      'it has no id',
      expect.stringMatching(/^item "x{100}": its id has 2000 characters/),
    ]);
  });

  it('shows no control characters of an id in its position', async () => {
    const { deliveries } = await read();
    api.put(scene('a\u001b[31m\n', { updated: '2099-01-01T00:00:00Z' }));
    await eventually(() => deliveries.length > 0);
    expect(deliveries[0]?.position).toBe('c/a_[31m_@2099-01-01T00:00:00Z');
  });

  it('ends with what to narrow at a search that finds more than it can remember', async () => {
    let page = 0;
    api.fault = () => {
      page += 1;
      const features = Array.from({ length: 1_000 }, (_, index) => ({
        id: `${page}-${index}`,
        collection: 'c',
        properties: {},
      }));
      return {
        status: 200,
        body: { type: 'FeatureCollection', features, links: [{ rel: 'next', href: `/search?page=${page}` }] },
      };
    };
    const failure = await failureOf(start().ended);
    expect(failure).toMatchObject({
      code: 'EVENT_SOURCE_MISCONFIGURED',
      message: expect.stringContaining(`more than ${MAX_KNOWN_ITEMS} items`) as string,
    });
    expect(page).toBe(MAX_KNOWN_ITEMS / 1_000 + 1);
  });

  it('keeps its position within what the bus accepts, however much changes', async () => {
    const { source } = await read({ limit: 1_000 });
    const now = Date.now();
    const put = (from: number): void => {
      api.clear();
      for (let index = 0; index < 30_000; index += 1) {
        api.put({
          id: `${from + index}`,
          collection: 'c',
          properties: { updated: new Date(now + from + index).toISOString() },
        });
      }
    };
    put(0);
    await eventually(() => knownIn(position.stored) === 30_000);
    put(30_000);
    await eventually(() => source.status().problem?.includes('it looks for late ones back to') === true);
    await eventually(() => knownIn(position.stored) === MAX_KNOWN_ITEMS);
    expect(JSON.stringify(position.stored).length).toBeLessThan(700_000);
  });

  function knownIn(stored: JsonObject | undefined): number {
    return typeof stored?.['known'] === 'string' ? Buffer.from(stored['known'], 'base64').length / 10 : 0;
  }

  it.each([
    ['no position', { known: 7 }],
    ['an unknown time', { cursor: 'never', announceFrom: null, known: '' }],
    ['bytes that are no entries', { cursor: '2026-01-01T00:00:00Z', known: 'AAAA' }],
  ])('starts from a stored position that is %s', async (_what, stored) => {
    position.stored = stored;
    await read();
  });

  it('counts what waits without consuming it', async () => {
    await read();
    await stopAll();
    api.put(scene('a'));
    const source = createSource(stacSource, { spec: { url: api.url, collections: ['c'] } }, { position });
    const before = JSON.stringify(position.stored);
    expect(await source.backlog?.(new AbortController().signal)).toEqual({ entries: 1, pending: 0 });
    expect(JSON.stringify(position.stored)).toBe(before);
    await source.close();
  });

  it('counts without asking the API more often than a reader would', async () => {
    const { source } = await read({ interval: '1h' });
    const searches = api.searches.length;
    const signal = AbortSignal.timeout(60_000);
    for (let count = 0; count < 5; count += 1)
      expect(await source.backlog?.(signal)).toEqual({ entries: 0, pending: 0 });
    expect(api.searches).toHaveLength(searches);
    await stopAll();
    const paused = createSource(
      stacSource,
      { spec: { url: api.url, collections: ['c'], interval: '1h' } },
      { position },
    );
    await paused.backlog?.(signal);
    const stop = new AbortController();
    const second = paused.backlog?.(stop.signal);
    stop.abort();
    await expect(second).rejects.toMatchObject({ name: 'AbortError' });
    expect(api.searches).toHaveLength(searches + 1);
    await paused.close();
  });

  it('gives its events to the dependencies that read the same items from Redis', async () => {
    const { deliveries } = await read();
    api.put(scene('a', { 'eo:cloud_cover': 5 }));
    await eventually(() => deliveries.length > 0);
    const data = valueOf(deliveries[0]?.events[0]?.data ?? null);
    expect(isJsonObject(data) && data['values']).toMatchObject({ href: 'https://stac.example/a' });
    expect(isJsonObject(data) && data['body']).toMatchObject({ collection: 'c', properties: { 'eo:cloud_cover': 5 } });
  });
});
