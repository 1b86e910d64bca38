/** The example of docs/sources/stac.md, with a STAC API that others wrote. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ReceivedEvents } from '../../activities/relay/received-events';
import { repoRoot } from '../../dev/repo-root';
import { startStacApi, type RunningStacApi } from '../../dev/stac-api';
import type { EventOptions } from '../../src/manifest/event-source';
import { stacSource } from '../../src/sources/stac';
import type { ReceivedEvent } from '../../src/sources/source';
import { jsonOf, runSluice } from '../cli/run-cli-for-test';
import { readSource, type SourceReading } from './read-source';

describe('event source stac with rustac', () => {
  let api: RunningStacApi;
  let folder: string;
  const open: SourceReading[] = [];

  beforeAll(async () => {
    [api, folder] = await Promise.all([startStacApi({ own: true }), mkdtemp(join(tmpdir(), 'sluice-stac-'))]);
  });
  afterEach(() => Promise.all(open.splice(0).map((reading) => reading.stop())));
  afterAll(async () => {
    await api?.stop();
    await rm(folder, { recursive: true });
  });

  /** The first `count` events of what changed since 2021. */
  async function announced(count: number, spec: Partial<EventOptions<'stac'>> = {}): Promise<ReceivedEvent[]> {
    const reading = readSource(stacSource, {
      ...{ url: api.url, collections: ['sentinel-2-l2a'], since: '2021-01-01T00:00:00Z', interval: '1s' },
      ...spec,
    });
    open.push(reading);
    const events: ReceivedEvent[] = [];
    while (events.length < count) {
      const delivery = await reading.next();
      expect(delivery.rejected).toEqual([]);
      events.push(...delivery.events);
      await delivery.acknowledge({ rejected: [] });
    }
    return events;
  }

  const idsOf = (events: readonly ReceivedEvent[]) => events.map(({ transportId = '' }) => transportId).sort();
  const expectedIds = () =>
    api.items.map(({ collection, id, properties }) => `stac:${collection}:${id}:${properties.updated}`).sort();

  it.each([
    ['over several pages', { limit: 7 }],
    ['by GET', { method: 'get' as const }],
    ['within an area', { bbox: [-122, 39, -120, 41] }],
    ['within a geometry', { intersects: { type: 'Polygon', coordinates: [[[-122, 39], [-120, 39], [-120, 41], [-122, 41], [-122, 39]]] } }], // prettier-ignore
    ['within a time of acquisition', { datetime: '2021-01-01T00:00:00Z/2022-01-01T00:00:00Z' }],
  ])('announces each scene once, %s', async (_what, spec) => {
    expect(idsOf(await announced(api.items.length, spec))).toEqual(expectedIds());
  });

  it('announces only what the search is for', async () => {
    const passes = api.items.filter(({ properties }) => properties.datetime < '2021-07-05');
    const events = await announced(passes.length, { datetime: '2021-07-04T00:00:00Z/2021-07-04T23:59:59Z' });
    expect(events).toHaveLength(passes.length);
  });

  it('gives the Sensor of examples/water-bodies what it reads, unchanged', async () => {
    const [first] = await announced(1, { limit: 1 });
    if (first === undefined) throw new Error('nothing was announced');
    const names = { namespace: 'default', eventSourceName: 'sentinel2-scenes', eventName: 'scene-announced' };
    const event = new ReceivedEvents({ ...names, cloudEventType: 'stac' }).toCloudEvent(
      first,
      new Date().toISOString(),
    );
    const file = join(folder, 'event.json');
    await writeFile(file, JSON.stringify(event));
    const sensor = join(repoRoot, 'examples/water-bodies/sensor.yaml');
    const run = await runSluice(['test', '-f', sensor, '--event', file, '-o', 'json']);
    const href = api.items
      .find(({ id }) => first.transportId?.includes(id))
      ?.links.find(({ rel }) => rel === 'self')?.href;
    expect(run.exitCode).toBe(0);
    expect(JSON.stringify(jsonOf(run))).toContain(JSON.stringify(JSON.stringify([href])));
  });

  it('fires as the page says', async () => {
    const example = (file: string): string => join(repoRoot, 'examples', file);
    const run = await runSluice([
      ...['test', '-f', example('stac'), '-f', example('water-bodies/sensor.yaml')],
      ...['--event', example('stac-test/events.yaml'), '--expect', example('stac-test/expected.yaml')],
    ]);
    expect(run.stdout).toContain('as expected');
    expect(run.exitCode).toBe(0);
  });
});
