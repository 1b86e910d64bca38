import { ChangingStacApi } from '../../dev/changing-stac-api';
import { KnownItems } from '../../src/sources/stac-known-items';
import { StacWindow, type WindowOptions } from '../../src/sources/stac-window';
import { contextOf } from '../contract-suites/source-contract';

const DAY = '2026-01-02T00:00:00Z';
const NEXT_DAY = '2026-01-03T00:00:00Z';

function scene(id: string, properties: object): Record<string, unknown> {
  return { type: 'Feature', stac_version: '1.0.0', id, collection: 'c', geometry: null, properties, links: [], assets: {} }; // prettier-ignore
}

describe('a window of a back-fill', () => {
  let api: ChangingStacApi;
  beforeEach(async () => {
    api = new ChangingStacApi();
    await api.start();
  });
  afterEach(() => api.stop());

  function open(options: Partial<WindowOptions> = {}): StacWindow {
    const window = { from: Date.parse(DAY), to: Date.parse(NEXT_DAY), isFirst: false, isLast: false };
    const until = performance.now() + 60_000;
    const all = { window, known: new KnownItems(), mostItems: undefined, rate: undefined, until, ...options };
    return new StacWindow({ url: api.url, collections: ['c'] }, contextOf({ secrets: {} }), all);
  }

  async function read(source: StacWindow, settle: 'acknowledge' | 'release' = 'acknowledge'): Promise<string[]> {
    const ids: string[] = [];
    for await (const delivery of source.deliveries()) {
      ids.push(...delivery.events.map(({ transportId = '' }) => transportId.split(':')[2] ?? ''));
      if (settle === 'acknowledge') await delivery.acknowledge({ rejected: [] });
      else await delivery.release(new Error('the bus is away'));
    }
    await source.close();
    return ids;
  }

  it('leaves an item at the border of two windows to the later one', async () => {
    api.put(scene('first', { datetime: DAY }));
    api.put(scene('border', { datetime: NEXT_DAY }));
    expect(await read(open())).toEqual(['first']);
    const last = { from: Date.parse(DAY), to: Date.parse(NEXT_DAY), isFirst: false, isLast: true };
    expect(await read(open({ window: last }))).toEqual(['first', 'border']);
  });

  it('announces an item that an API finds in several windows once: in that of its acquisition', async () => {
    api.fault = ({ parameters }) => ({ status: 200, body: api.pageFor({ method: 'POST', headers: {}, parameters: { ...parameters, datetime: '../..' } }) }); // prettier-ignore
    api.put(scene('before', { datetime: null, start_datetime: '2025-12-31T23:00:00Z' }));
    api.put(scene('timeless', {}));
    api.put(scene('within', { datetime: '2026-01-02T12:00:00Z' }));
    api.put(scene('after', { datetime: '2026-01-03T12:00:00Z' }));
    expect(await read(open())).toEqual(['within']);
    const first = { from: Date.parse(DAY), to: Date.parse(NEXT_DAY), isFirst: true, isLast: false };
    expect(await read(open({ window: first }))).toEqual(['before', 'timeless', 'within']);
  });

  it('gives items that are on the bus no event again', async () => {
    for (const id of ['a', 'b', 'c']) api.put(scene(id, { datetime: DAY }));
    const known = new KnownItems();
    known.add('c/b', Date.parse(DAY));
    const source = open({ known });
    expect(await read(source)).toEqual(['a', 'c']);
    expect([source.result(), source.entries, source.settled]).toEqual(['complete', 3, 2]);
    expect(await read(open({ known }))).toEqual([]);
  });

  it('is not complete if the bus does not have all its events', async () => {
    api.put(scene('a', { datetime: DAY }));
    const known = new KnownItems();
    const source = open({ known });
    await read(source, 'release');
    expect(source.result()).toBe('partial');
    expect(await read(open({ known }))).toEqual(['a']);
  });

  it.each([
    ['before it reads any, if the API counts', true, 0],
    ['once it has read more', false, 30],
  ])('finds that it has too many items %s', async (_when, counts, read30) => {
    api.counts = counts;
    for (let index = 0; index < 40; index += 1) api.put(scene(`s${index}`, { datetime: DAY }));
    const source = new StacWindow({ url: api.url, collections: ['c'], limit: 10 }, contextOf({ secrets: {} }), {
      window: { from: Date.parse(DAY), to: Date.parse(NEXT_DAY), isFirst: true, isLast: true },
      ...{ known: new KnownItems(), mostItems: 20, rate: undefined, until: performance.now() + 60_000 },
    });
    expect(await read(source)).toHaveLength(read30);
    expect(source.result()).toBe('dense');
  });

  it('stops in the middle when its time is over, and continues there', async () => {
    for (let index = 0; index < 250; index += 1) api.put(scene(`s${index}`, { datetime: DAY }));
    const known = new KnownItems();
    const until = performance.now();
    const source = open({ known, until });
    expect(await read(source)).toHaveLength(100);
    expect(source.result()).toBe('partial');
    const next = open({ known, until });
    // Not earlier: it would never get beyond the pages that it knows.
    expect(await read(next)).toHaveLength(100);
    expect(await read(open({ known }))).toHaveLength(50);
  });

  it('records an entry that is no item', async () => {
    api.put({ type: 'Feature', properties: { note: 'without an id' } });
    const source = open();
    const reasons: string[] = [];
    for await (const delivery of source.deliveries()) {
      reasons.push(...delivery.rejected.map(({ reason }) => reason));
      await delivery.acknowledge({ rejected: delivery.rejected });
    }
    await source.close();
    expect(reasons).toEqual(['it has no id']);
  });
});
