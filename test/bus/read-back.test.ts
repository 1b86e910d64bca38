import { startNats, type RunningNats } from '../../dev/servers';
import type { Bus, EventRange } from '../../src/bus/bus';
import { connectTestBus, idsOf, sampleEvent, take } from './bus-fixture';

describe('reading events back from the bus', () => {
  let nats: RunningNats;
  let bus: Bus;
  let published: Array<{ id: string; publishedAt: number }>;

  beforeAll(async () => {
    nats = await startNats({ own: true });
    bus = await connectTestBus(nats);
    for (const id of ['a', 'b', 'c', 'd']) {
      await bus.publishEvents([sampleEvent(id, { subject: id === 'b' ? 'others' : 'scenes' })]);
    }
    published = [];
    for await (const { event, publishedAt } of bus.readEvents({})) published.push({ id: event?.id ?? '', publishedAt });
  });

  afterAll(async () => {
    await bus?.close();
    await nats?.stop();
  });

  async function read(range: EventRange): Promise<Array<string | undefined>> {
    const ids: Array<string | undefined> = [];
    for await (const stored of bus.readEvents(range)) ids.push(...idsOf([stored]));
    return ids;
  }

  it.each<[string, EventRange, string[]]>([
    ['everything', {}, ['a', 'b', 'c', 'd']],
    ['from a sequence', { fromSequence: 3 }, ['c', 'd']],
    ['between two sequences', { fromSequence: 2, toSequence: 3 }, ['b', 'c']],
    ['by subject', { paths: ['stac.scenes'] }, ['a', 'c', 'd']],
    ['by subject up to a sequence that is not on it', { paths: ['stac.scenes'], toSequence: 2 }, ['a']],
    ['by a subject without events', { paths: ['stac.nothing'] }, []],
    ['by text in an event', { containing: 'https://stac.example/c' }, ['c']],
    ['by text in no event', { containing: 'stac.example/e' }, []],
    ['up to a limit', { limit: 2 }, ['a', 'b']],
    ['beyond the end', { fromSequence: 100 }, []],
  ])('works %s', async (_, range, expected) => {
    expect(await read(range)).toEqual(expected);
  });

  it('works by time', async () => {
    const time = (index: number): string => new Date(published[index]?.publishedAt ?? 0).toISOString();
    const until = published.filter(({ publishedAt }) => publishedAt <= (published[1]?.publishedAt ?? 0));
    expect(await read({ toTime: time(1) })).toEqual(until.map(({ id }) => id));
    expect(await read({ fromTime: '2100-01-01T00:00:00Z' })).toEqual([]);
    expect(await read({ fromTime: '2000-01-01T00:00:00Z' })).toHaveLength(4);
  });

  it('changes no position of a sensor', async () => {
    const listener = await bus.openListener({
      namespace: 'argo',
      sensorName: 'reader',
      paths: ['stac.scenes'],
      startFrom: { kind: 'all' },
      maxBatch: 10,
    });
    await read({});
    expect(idsOf(await take(listener, 3))).toEqual(['a', 'c', 'd']);
    await listener.close();
  });

  it('can be cancelled midway', async () => {
    for await (const { sequence } of bus.readEvents({})) {
      if (sequence === 2) break;
    }
    expect(await bus.extent()).toMatchObject({
      ...{ first: 1, last: 4, events: 4 },
      firstAt: expect.stringMatching(/^\d{4}-\d{2}-\d{2}T/) as string,
    });
  });

  it('finds text in data that an event source of Argo Events has encoded', async () => {
    const hidden = { data_base64: Buffer.from('{"scene":"S2B"}').toString('base64'), data: undefined };
    await bus.publishEvents([sampleEvent('argo', { ...hidden, subject: 'encoded' })]);
    expect(await read({ paths: ['stac.encoded'], containing: 'S2B' })).toEqual(['argo']);
  });
});
