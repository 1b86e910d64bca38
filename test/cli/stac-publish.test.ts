import { appendFile, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import Redis from 'ioredis';
import { startRedis, startStacApi, type RunningRedis, type RunningStacApi } from '../../dev/servers';
import { eventually } from '../setup/eventually';
import { item, page, ScriptedApi } from '../stac/scripted-api';
import { jsonOf, runSluice } from './run-cli-for-test';

interface PublishAnswer {
  readonly found: number;
  readonly published: number;
  readonly alreadyPublished: number;
  readonly receivers?: number;
  readonly items: ReadonlyArray<{ readonly id: string; readonly href: string; readonly entryId?: string }>;
}

describe('sluice stac publish', () => {
  let redisServer: RunningRedis;
  let api: RunningStacApi;
  let redis: Redis;
  let folder: string;

  beforeAll(async () => {
    [redisServer, api] = await Promise.all([startRedis({ own: true }), startStacApi({ own: true })]);
    redis = new Redis(redisServer.url);
    folder = await mkdtemp(path.join(tmpdir(), 'sluice-stac-publish-'));
  });
  afterAll(async () => {
    redis?.disconnect();
    await Promise.all([redisServer?.stop(), api?.stop()]);
    if (folder) await rm(folder, { recursive: true });
  });
  beforeEach(() => redis.flushall());

  const search = (...more: string[]): string[] => [
    ...['stac', 'publish', '-o', 'json', '--api', api.url, '--collection', 'sentinel-2-l2a'],
    ...['--redis', redisServer.url, ...more],
  ];

  async function entriesOf(stream: string): Promise<Array<Record<string, string>>> {
    const entries = await redis.xrange(stream, '-', '+');
    return entries.map(([, fields]) =>
      Object.fromEntries(fields.flatMap((field, i) => (i % 2 === 0 ? [[field, fields[i + 1] ?? '']] : []))),
    );
  }

  it('adds one flat entry for each item of all pages, as the water-bodies publisher does', async () => {
    const run = await runSluice(
      search('--limit', '7', '--stream', 'STREAM', '--form', 'flat', '--producer', 'project-a'),
    );
    expect(run.exitCode).toBe(0);
    const answer = jsonOf<PublishAnswer>(run);
    const hrefs = api.items.map((item) => item.links.find((link) => link.rel === 'self')?.href);
    expect(answer).toMatchObject({ found: hrefs.length, published: hrefs.length, alreadyPublished: 0 });
    const entries = await entriesOf('STREAM');
    expect(entries.map((entry) => entry['href']).sort()).toEqual([...hrefs].sort());
    expect(entries.every((entry) => entry['producer'] === 'project-a' && entry['subject'] === entry['href'])).toBe(
      true,
    );
    expect(Object.keys(entries[0] ?? {})).toEqual(['subject', 'producer', 'href']);
  });

  it('adds the whole item to the flat fields with form item', async () => {
    await runSluice(search('--max-items', '1', '--stream', 'items'));
    const [entry] = await entriesOf('items');
    expect(Object.keys(entry ?? {})).toEqual(['subject', 'producer', 'href', 'item']);
    expect(JSON.parse(entry?.['item'] ?? '')).toMatchObject({ type: 'Feature', collection: 'sentinel-2-l2a' });
  });

  it('publishes whole items to a channel, and counts the subscribers', async () => {
    const listener = redis.duplicate();
    const received: string[] = [];
    listener.on('message', (_channel: string, message: string) => received.push(message));
    await listener.subscribe('stac-events');
    try {
      const run = await runSluice(search('--max-items', '3', '--channel', 'stac-events'));
      expect(jsonOf<PublishAnswer>(run)).toMatchObject({ published: 3, receivers: 1 });
      await eventually(() => Promise.resolve(received.length === 3));
      expect(received.map((message) => JSON.parse(message) as unknown)).toEqual(
        jsonOf<PublishAnswer>(run).items.map(({ id }) => expect.objectContaining({ type: 'Feature', id }) as unknown),
      );
    } finally {
      listener.disconnect();
    }
  });

  it('narrows the search by area and days', async () => {
    const days = '2021-07-04/2021-07-09';
    const inDays = api.items.filter((item) => {
      const day = item.properties.datetime.slice(0, 10);
      return day >= '2021-07-04' && day <= '2021-07-09';
    });
    expect(inDays.length).toBeGreaterThan(0);
    expect(inDays.length).toBeLessThan(api.items.length);
    const run = await runSluice(
      search('--datetime', days, '--bbox=-121.399,39.834,-120.74,40.472', '--stream', 's', '--dry-run'),
    );
    expect(
      jsonOf<PublishAnswer>(run)
        .items.map((item) => item.id)
        .sort(),
    ).toEqual(inDays.map((item) => item.id).sort());
    expect(await redis.exists('s')).toBe(0);
  });

  it('publishes an item once across restarts, even after a crash truncated the state file', async () => {
    const state = path.join(folder, 'state.txt');
    const again = () => runSluice(search('--stream', 'once', '--state', state));
    expect(
      jsonOf<PublishAnswer>(await runSluice(search('--stream', 'once', '--state', state, '--max-items', '10')))
        .published,
    ).toBe(10);
    expect(jsonOf<PublishAnswer>(await again())).toMatchObject({
      alreadyPublished: 10,
      published: api.items.length - 10,
    });
    await appendFile(state, 'sentinel-2-l2a/half-writ');
    expect(jsonOf<PublishAnswer>(await again())).toMatchObject({ published: 0 });
    expect(await redis.xlen('once')).toBe(api.items.length);
    expect(await readFile(state, 'utf8')).not.toContain(new URL(redisServer.url).password || '\u0000');
  });

  it('rejects the state file of another target', async () => {
    const state = path.join(folder, 'other.txt');
    await runSluice(search('--stream', 'one', '--state', state));
    const run = await runSluice(search('--stream', 'two', '--state', state));
    expect(run.exitCode).toBe(2);
    expect(await redis.exists('two')).toBe(0);
  });

  it('keeps publishing new items with --follow, and stops gracefully', async () => {
    const stop = new AbortController();
    const state = path.join(folder, 'follow.txt');
    const follow = runSluice(search('--stream', 'followed', '--follow', '--interval', '50ms', '--state', state), {
      signal: stop.signal,
    });
    await eventually(async () => (await redis.xlen('followed')) === api.items.length);
    // Forgetting one item in the stream does not bring it back: what counts is what was published.
    await redis.del('followed');
    await eventually(async () => (await readFile(state, 'utf8')).split('\n').length === api.items.length + 2);
    stop.abort();
    const run = await follow;
    expect(run.exitCode).toBe(0);
    expect(run.stdout.trim().split('\n')).toHaveLength(api.items.length);
    expect(await redis.exists('followed')).toBe(0);
  });

  it.each<[string, string[], number]>([
    ['no target', [], 2],
    ['two targets', ['--channel', 'a', '--stream', 'b'], 2],
    ['an invalid area', ['--stream', 's', '--bbox', '1,2,3'], 2],
    ['an invalid day', ['--stream', 's', '--datetime', '2021-13-41'], 2],
    ['an unreachable Redis', ['--stream', 's', '--redis', 'redis://127.0.0.1:1'], 3],
  ])('reports %s', async (_what, more, exitCode) => {
    const run = await runSluice([...search(), ...more]);
    expect({ exitCode: run.exitCode, stdout: run.stdout }).toEqual({ exitCode, stdout: '' });
    expect(run.stderr).not.toMatch(/\n\s+at /);
  });

  it('reports an address that is not a STAC API, and never shows the password of Redis', async () => {
    const run = await runSluice([
      ...['stac', 'publish', '--api', `http://${redisServer.host}:1`, '--collection', 'c', '--stream', 's'],
      ...['--redis', `redis://user:hunter2@${redisServer.host}:1`],
    ]);
    expect(run.exitCode).toBe(3);
    expect(run.stderr).not.toContain('hunter2');
  });

  describe('with a faulty API', () => {
    let faulty: ScriptedApi;
    beforeEach(async () => {
      faulty = new ScriptedApi();
      await faulty.listen();
    });
    afterEach(() => faulty.close());

    const publish = (...more: string[]): string[] => [
      ...['stac', 'publish', '--api', faulty.url, '--collection', 'c', '--redis', redisServer.url, ...more],
    ];
    /** Page 1 holds two items, page 2 is not found. */
    const breakPage2 = (): void => {
      faulty.answer = ({ path, query }) => {
        if (path === '/') return faulty.landing(['GET']);
        if (query.has('token')) return { status: 404, body: { detail: 'gone' } };
        return page([item('a'), item('b')], [{ rel: 'next', href: '/search?token=2' }]);
      };
    };

    it('reports the items published before page 2 failed, and how to continue', async () => {
      breakPage2();
      const run = await runSluice(publish('--stream', 's', '-o', 'json'));
      expect(run.exitCode).toBe(1);
      expect(jsonOf(run)).toMatchObject({
        ...{ complete: false, found: 2, published: 2 },
        error: { code: 'EVENT_SOURCE_MISCONFIGURED', message: expect.stringContaining('HTTP 404') as string },
        items: [{ id: 'a' }, { id: 'b' }],
      });
      expect(run.stderr).toContain('2 items were published to stream s before.');
      expect(run.stderr).toContain('--state FILE');
      expect(run.stderr).toMatch(/error: .*HTTP 404.*\[EVENT_SOURCE_MISCONFIGURED\]/);
      const table = await runSluice(publish('--stream', 's'));
      expect(table.stdout).toContain('2 of 2 items published to stream s');
    });

    it('publishes nothing twice after page 2 failed, with a state file', async () => {
      breakPage2();
      const state = path.join(folder, 'broken.txt');
      const run = await runSluice(publish('--stream', 's', '--state', state));
      expect(run.stderr).toContain('Run the same command again');
      faulty.answer = ({ path: asked }) =>
        asked === '/' ? faulty.landing(['GET']) : page([item('a'), item('b'), item('c')]);
      const again = await runSluice(publish('--stream', 's', '--state', state, '-o', 'json'));
      expect(jsonOf(again)).toMatchObject({ complete: true, published: 1, alreadyPublished: 2, items: [{ id: 'c' }] });
      expect(await redis.xlen('s')).toBe(3);
    });

    it('prints only the error if nothing was published before', async () => {
      faulty.answer = ({ path: asked }) => (asked === '/' ? faulty.landing() : { status: 404, body: 'no' });
      const run = await runSluice(publish('--stream', 's', '-o', 'json'));
      expect({ exitCode: run.exitCode, stdout: run.stdout }).toEqual({ exitCode: 1, stdout: '' });
    });

    it('reports the published items when it is interrupted', async () => {
      const stop = new AbortController();
      faulty.answer = ({ path: asked, query }) => {
        if (asked === '/') return faulty.landing(['GET']);
        if (!query.has('token')) return page([item('a')], [{ rel: 'next', href: '/search?token=2' }]);
        setImmediate(() => stop.abort());
        return { hangs: true };
      };
      const run = await runSluice(publish('--stream', 's', '-o', 'json'), { signal: stop.signal });
      expect(run.exitCode).toBe(1);
      expect(jsonOf(run)).toMatchObject({ complete: false, published: 1 });
    });

    it('skips and names an item that cannot be published, and publishes the others', async () => {
      faulty.answer = ({ path: asked }) =>
        asked === '/' ? faulty.landing() : page([item('a'), item('l8', { collection: 'landsat' }), item('b')]);
      const run = await runSluice(publish('--stream', 's', '-o', 'json'));
      expect(run.exitCode).toBe(1);
      expect(jsonOf(run)).toMatchObject({ complete: true, published: 2, skipped: [{ id: 'l8' }] });
      expect(run.stderr).toContain('1 item was skipped: "l8": it belongs to the collection "landsat"');
    });

    it('names the items that Redis rejected', async () => {
      await redis.set('text', 'no stream');
      faulty.answer = ({ path: asked }) => (asked === '/' ? faulty.landing() : page([item('a')]));
      const run = await runSluice(publish('--stream', 'text'));
      expect(run.exitCode).toBe(1);
      expect(run.stderr).toContain('refused the stream "text"');
    });

    it('searches by GET if POST is rejected, and by the given method', async () => {
      faulty.answer = ({ path: asked, method }) => {
        if (asked === '/') return faulty.landing();
        return method === 'POST' ? { status: 405 } : page([item('a')]);
      };
      const run = await runSluice(publish('--stream', 's'));
      expect({ exitCode: run.exitCode, stderr: run.stderr }).toEqual({
        exitCode: 0,
        stderr: 'POST is refused (HTTP 405): searching by GET\n',
      });
      expect((await runSluice(publish('--stream', 's', '--method', 'GET'))).stderr).toBe('');
      expect((await runSluice(publish('--stream', 's', '--method', 'post'))).exitCode).toBe(1);
      expect((await runSluice(publish('--stream', 's', '--method', 'put'))).exitCode).toBe(2);
    });

    it('sends the credentials in --api to the API, and omits them from results and messages', async () => {
      faulty.answer = ({ path: asked }) => (asked === '/' ? faulty.landing() : page([item('a')]));
      const address = faulty.url.replace('http://', 'http://user:hunter%402@');
      const run = await runSluice(publish('--stream', 's', '--api', address, '-o', 'json'));
      const basic = `Basic ${Buffer.from('user:hunter@2').toString('base64')}`;
      expect(faulty.requests.map(({ headers }) => headers.authorization)).toEqual([basic, basic]);
      faulty.answer = () => ({ status: 401 });
      const refused = await runSluice(publish('--stream', 's', '--api', address));
      expect(refused.exitCode).toBe(1);
      expect(run.stdout + run.stderr + refused.stderr).not.toContain('hunter');
    });

    it('keeps following an API that was temporarily busy', async () => {
      const stop = new AbortController();
      faulty.answer = ({ path: asked }, count) => {
        if (count === 1) return { status: 429, headers: { 'retry-after': '0' } };
        if (asked === '/') return faulty.landing();
        return page(count > 3 ? [item('a')] : []);
      };
      const state = path.join(folder, 'busy.txt');
      const following = runSluice(publish('--stream', 's', '--follow', '--interval', '20ms', '--state', state), {
        signal: stop.signal,
      });
      await eventually(async () => (await redis.xlen('s')) === 1);
      stop.abort();
      expect((await following).exitCode).toBe(0);
    });
  });
});
