import { startStacApi, type RunningStacApi } from '../../dev/servers';
import { generateStacItems, type StacItem } from '../../dev/stac-items';

interface Page {
  features: StacItem[];
  links: { rel: string; href: string; body?: object }[];
}

describe('the STAC API of the launcher', () => {
  const bbox = [-121.399, 39.834, -120.74, 40.472];
  let api: RunningStacApi;

  beforeAll(async () => {
    api = await startStacApi({ own: true });
  });
  afterAll(() => api.stop());

  const post = async (url: string, query: object): Promise<Page> => {
    const headers = { 'content-type': 'application/json' };
    const response = await fetch(url, { method: 'POST', headers, body: JSON.stringify(query) });
    expect(response.status).toBe(200);
    return (await response.json()) as Page;
  };
  const search = (query: object) => post(`${api.url}/search`, { collections: ['sentinel-2-l2a'], limit: 50, ...query });

  it('finds the scenes of a day in an area', async () => {
    const { features } = await search({ bbox, datetime: '2021-07-04T00:00:00Z/2021-07-05T00:00:00Z' });
    expect(features).toHaveLength(6);
    for (const item of features) expect(item.properties.datetime).toMatch(/^2021-07-04T/);
  });

  it('finds nothing outside the area and days of its scenes', async () => {
    expect((await search({ bbox: [0, 0, 1, 1] })).features).toEqual([]);
    expect((await search({ bbox, datetime: '2021-07-05T00:00:00Z/2021-07-08T00:00:00Z' })).features).toEqual([]);
  });

  it('pages through all scenes by its next links', async () => {
    const ids: string[] = [];
    let page = await search({ bbox, limit: 25 });
    for (;;) {
      ids.push(...page.features.map(({ id }) => id));
      const next = page.links.find(({ rel }) => rel === 'next');
      if (next === undefined) break;
      page = await post(next.href, next.body ?? {});
    }
    expect(ids.sort()).toEqual(api.items.map(({ id }) => id).sort());
  });

  it('serves each scene at its self link', async () => {
    const { features } = await search({ bbox, limit: 1 });
    const self = features[0]?.links.find(({ rel }) => rel === 'self')?.href ?? '';
    const response = await fetch(self);
    expect(await response.json()).toMatchObject({ id: features[0]?.id, collection: 'sentinel-2-l2a' });
  });
});

describe('generated scenes', () => {
  it('are the same for the same seed, and others for another', () => {
    expect(generateStacItems({ seed: 7 })).toEqual(generateStacItems({ seed: 7 }));
    expect(generateStacItems({ seed: 7 })).not.toEqual(generateStacItems({ seed: 8 }));
  });

  it('have unique ids, cloud covers in percent and the bands that water detection reads', () => {
    const items = generateStacItems();
    expect(new Set(items.map(({ id }) => id)).size).toBe(items.length);
    for (const { properties, assets } of items) {
      expect(properties['eo:cloud_cover']).toBeGreaterThanOrEqual(0);
      expect(properties['eo:cloud_cover']).toBeLessThanOrEqual(100);
      expect(Object.keys(assets)).toEqual(expect.arrayContaining(['green', 'nir']));
    }
  });
});
