import { readSensorOptions, type ItemFilter } from '../../src/manifest/annotations';
import { decideItemFilter } from '../../src/matching/item-filter';
import type { JsonObject, JsonValue } from '../../src/event/json';
import { cloudEvent } from '../setup/cloud-event';

/** Four corners around Lake Almanor. */
const SQUARE = { type: 'Polygon', coordinates: [[[-121.5, 40], [-121, 40], [-121, 40.5], [-121.5, 40.5], [-121.5, 40]]] }; // prettier-ignore

function item(properties: JsonObject = {}, more: JsonObject = {}): JsonObject {
  const said = { datetime: '2026-01-10T12:00:00Z', platform: 'sentinel-2a', 'eo:cloud_cover': 12.5, ...properties };
  return { type: 'Feature', stac_version: '1.0.0', id: 's', geometry: SQUARE, properties: said, ...more };
}

function filterOf(annotations: Readonly<Record<string, string>>): ItemFilter {
  const ours = Object.fromEntries(Object.entries(annotations).map(([name, value]) => [`sluice.io/${name}`, value]));
  const { options, findings } = readSensorOptions(ours, [], ['scene']);
  expect(findings).toEqual([]);
  return options.itemFilters?.['scene'] ?? {};
}

function decide(name: string, value: string, data: JsonValue, time = '2026-01-12T00:00:00Z') {
  const [clause] = decideItemFilter(filterOf({ [name]: value }), cloudEvent({ data, time }));
  return clause?.verdict ?? { outcome: 'none', reason: '' };
}

describe('a filter for STAC items', () => {
  it.each([
    ['at most', '12.5', 'passed'],
    ['at most', '12', 'refused'],
    ['a range', '10..20', 'passed'],
    ['a range', '13..20', 'refused'],
    ['nothing at all', '0', 'refused'],
  ])('compares the cloud cover with %s: %s', (_what, value, outcome) => {
    expect(decide('stac-cloud-cover', value, { body: item() }).outcome).toBe(outcome);
  });

  it('says what an item has and what is wanted', () => {
    expect(decide('stac-cloud-cover', '10', { body: item() }).reason).toBe(
      'eo:cloud_cover is 12.5, wanted is at most 10',
    );
    expect(decide('stac-platform', 'landsat-8', { body: item() }).reason).toBe('platform is "sentinel-2a", wanted is landsat-8'); // prettier-ignore
    expect(decide('stac-datetime', '2026-02-01T00:00:00Z/..', { body: item() }).reason).toBe(
      'datetime is 2026-01-10T12:00:00.000Z, wanted is 2026-02-01T00:00:00Z/..',
    );
    expect(decide('stac-intersects', '0,0,1,1', { body: item() }).reason).toBe('the geometry of the item does not intersect the area'); // prettier-ignore
  });

  it.each([
    ['stac-cloud-cover', '50', { 'eo:cloud_cover': null }],
    ['stac-cloud-cover', '50', { 'eo:cloud_cover': '12' }],
    ['stac-platform', 'sentinel-2a', { platform: null }],
    ['stac-datetime', '30d', { datetime: null }],
    ['stac-datetime', '30d', { datetime: 'yesterday' }],
  ])('does not let %s pass an item that does not say', (name, value, properties) => {
    expect(decide(name, value, { body: item(properties) }).outcome).toBe('refused');
  });

  it('compares platforms in upper and lower case', () => {
    expect(decide('stac-platform', 'Landsat-8, Sentinel-2A', { body: item() }).outcome).toBe('passed');
  });

  it.each([
    ['2026-01-10T12:00:00Z/2026-01-10T12:00:00Z', 'passed'],
    ['../2026-01-10T11:59:59Z', 'refused'],
    ['2d', 'passed'],
    ['1d', 'refused'],
  ])('compares the time of acquisition with %s', (value, outcome) => {
    expect(decide('stac-datetime', value, { body: item() }).outcome).toBe(outcome);
  });

  it('takes an item that was acquired over a while if a part of it is wanted', () => {
    const long = { datetime: null, start_datetime: '2026-01-01T00:00:00Z', end_datetime: '2026-01-31T00:00:00Z' };
    expect(decide('stac-datetime', '2026-01-15T00:00:00Z/2026-01-16T00:00:00Z', { body: item(long) }).outcome).toBe('passed'); // prettier-ignore
    expect(decide('stac-datetime', '2026-02-15T00:00:00Z/..', { body: item(long) }).outcome).toBe('refused');
  });

  it.each<[string, string, JsonObject, string]>([
    ['a box that overlaps', '-121.2,40.2,-120,41', {}, 'passed'],
    ['a box that touches', '-121,40.5,-120,41', {}, 'passed'],
    ['a box within', '-121.4,40.1,-121.3,40.2', {}, 'passed'],
    ['a box around', '-180,-90,180,90', {}, 'passed'],
    ['a box beside', '-120,40,-119,41', {}, 'refused'],
    ['a box with heights', '-121.2,40.2,0,-120,41,9000', {}, 'passed'],
    [
      'a box over the 180th meridian',
      '170,-20,-170,-10',
      { geometry: { type: 'Point', coordinates: [-175, -15] } },
      'passed',
    ],
    [
      'a box over the 180th meridian, beside',
      '170,-20,-170,-10',
      { geometry: { type: 'Point', coordinates: [0, -15] } },
      'refused',
    ],
    [
      'a geometry',
      JSON.stringify(SQUARE),
      {
        geometry: {
          type: 'LineString',
          coordinates: [
            [-122, 39],
            [-121.2, 40.2],
          ],
        },
      },
      'passed',
    ],
    [
      'the hole of a geometry',
      '-121.3,40.2,-121.2,40.3',
      {
        geometry: {
          ...SQUARE,
          coordinates: [
            ...SQUARE.coordinates,
            [
              [-121.4, 40.1],
              [-121.1, 40.1],
              [-121.1, 40.4],
              [-121.4, 40.4],
              [-121.4, 40.1],
            ],
          ],
        },
      },
      'refused',
    ],
    [
      'the bbox of an item without a geometry',
      '-121.2,40.2,-120,41',
      { geometry: null, bbox: [-121.5, 40, -121, 40.5] },
      'passed',
    ],
    ['an item without either', '-121.2,40.2,-120,41', { geometry: null }, 'refused'],
    [
      'a geometry that is none',
      '-121.2,40.2,-120,41',
      { geometry: { type: 'Polygon', coordinates: [['x']] } },
      'failed',
    ],
  ])('compares with %s', (_what, value, more, outcome) => {
    // prettier-ignore
    expect(decide('stac-intersects', value, { body: item({}, more) }).outcome).toBe(outcome);
  });

  it('compares no geometry that would hold up the worker', () => {
    const ring = Array.from({ length: 20_000 }, (_, index) => [index / 1_000, (index % 2) / 10]);
    const geometry = { type: 'Polygon', coordinates: [[...ring, [0, 0]]] };
    const { outcome, reason } = decide('stac-intersects', '0,0,1,1', { body: item({}, { geometry }) });
    expect([outcome, reason]).toEqual(['failed', expect.stringContaining('20001 positions')]);
  });

  it.each<[string, JsonValue]>([
    ['the body', { body: item() }],
    ['the body as text', { body: JSON.stringify(item()) }],
    ['a field of a stream', { values: { href: 'https://stac.example/s', item: JSON.stringify(item()) } }],
    ['the data itself', item()],
    ['a CloudEvent', { body: { specversion: '1.0', data: item() } }],
    ['a message of SNS', { body: { Type: 'Notification', Message: JSON.stringify(item()) } }],
    ['a collection of one', { body: { type: 'FeatureCollection', features: [item()] } }],
  ])('finds the item in %s', (_where, data) => {
    expect(decide('stac-cloud-cover', '20', data).outcome).toBe('passed');
  });

  it.each<[string, JsonValue, RegExp]>([
    ['a link only', { values: { href: 'https://stac.example/s' } }, /no STAC item/],
    [
      'several items',
      { body: { type: 'FeatureCollection', features: [item(), item()] } },
      /2 STAC items; sluice.io\/split/,
    ],
    ['no JSON', 'text', /no STAC item/],
  ])('does not pass an event with %s', (_what, data, reason) => {
    // prettier-ignore
    const verdict = decide('stac-cloud-cover', '20', data);
    expect(verdict).toEqual({ outcome: 'refused', reason: expect.stringMatching(reason) as unknown });
  });
});

describe('the annotations of a filter for STAC items', () => {
  it('apply to all dependencies, or to one by its name', () => {
    const annotations = { 'sluice.io/stac-cloud-cover': '20', 'sluice.io/stac-cloud-cover.cloudy': '50..100' };
    const { options, findings } = readSensorOptions(annotations, ['t'], ['clear', 'cloudy']);
    expect(findings).toEqual([]);
    expect(options.itemFilters).toEqual({
      clear: { cloudCover: { least: 0, most: 20 } },
      cloudy: { cloudCover: { least: 50, most: 100 } },
    });
  });

  it.each([
    ['stac-intersects', '1,2,3', 'west,south,east,north'],
    ['stac-intersects', '0,50,1,40', 'west,south,east,north'],
    ['stac-intersects', '0,0,200,10', 'west,south,east,north'],
    ['stac-intersects', '{"type":"Polygon","coordinates":[[[0,0],[1,1],[1,0]]]}', 'west,south,east,north'],
    ['stac-intersects', '{"type":"Polygon"', 'west,south,east,north'],
    [
      'stac-intersects',
      JSON.stringify({ type: 'MultiPoint', coordinates: Array.from({ length: 1_001 }, () => [0, 0]) }),
      'at most 1000 positions',
    ],
    ['stac-cloud-cover', 'low', 'percent'],
    ['stac-cloud-cover', '120', 'percent'],
    ['stac-cloud-cover', '60..10', 'percent'],
    ['stac-platform', 'a,,b', 'names of platforms'],
    ['stac-datetime', '2026-01-01', 'an interval'],
    ['stac-datetime', '../..', 'an interval'],
    ['stac-datetime', '2026-02-01T00:00:00Z/2026-01-01T00:00:00Z', 'an interval'],
    ['stac-cloud-cover.nobody', '20', 'one of scene'],
  ])('refuse sluice.io/%s: %s', (name, value, expected) => {
    // prettier-ignore
    const { findings } = readSensorOptions({ [`sluice.io/${name}`]: value }, ['t'], ['scene']);
    expect(findings).toMatchObject([{ severity: 'error', path: ['metadata', 'annotations', `sluice.io/${name}`] }]);
    expect(findings[0]?.expected).toContain(expected);
  });
});
