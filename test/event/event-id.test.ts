import { MAX_EVENT_ID_LENGTH, deriveEventId, type EventOrigin } from '../../src/event/event-id';

const item = {
  type: 'Feature',
  stac_version: '1.0.0',
  id: 'S2A_10TFK_20210708_0_L2A',
  collection: 'sentinel-2-l2a',
  properties: { updated: '2024-05-01T10:00:00Z', 'eo:cloud_cover': 3 },
};
const cloudEvent = { specversion: '1.0', source: 'https://stac.example/collections/s2', id: 'abc-1' };

function idOf(origin: Partial<EventOrigin>): string {
  return deriveEventId({ eventName: 'scenes', data: {}, receivedAt: '2026-01-01T00:00:00.000001Z', ...origin });
}

describe('the id of an event', () => {
  it.each<[string, Partial<EventOrigin>, string]>([
    ['a Redis stream entry', { transportId: 'stac-events:1647495121754-0' }, 'scenes:stac-events:1647495121754-0'],
    [
      'a stream entry that holds a STAC item',
      { transportId: 'stac-events:1-0', document: item },
      'scenes:stac-events:1-0',
    ],
    [
      'a STAC item without a transport id',
      { document: item },
      'scenes:stac:sentinel-2-l2a:S2A_10TFK_20210708_0_L2A:2024-05-01T10:00:00Z',
    ],
  ])('names %s', (_, origin, expected) => {
    expect(idOf(origin)).toBe(expected);
  });

  it('is the same each time a producer repeats its CloudEvent, and another for another source', () => {
    const id = idOf({ document: cloudEvent, receivedAt: 'now' });
    expect(id).toMatch(/^scenes:cloudevent:abc-1~[a-z0-9]{12}$/);
    expect(idOf({ document: { ...cloudEvent, data: 1 }, receivedAt: 'later' })).toBe(id);
    expect(idOf({ document: { ...cloudEvent, source: 'elsewhere' } })).not.toBe(id);
  });

  it('changes when a STAC item was processed again', () => {
    const updated = { ...item, properties: { updated: '2024-06-01T00:00:00Z' } };
    expect(idOf({ document: updated })).not.toBe(idOf({ document: item }));
  });

  it('is the same for an identical STAC item without "updated", and another for a changed one', () => {
    const bare = { ...item, properties: {} };
    expect(idOf({ document: bare, receivedAt: '1' })).toBe(idOf({ document: { ...bare }, receivedAt: '2' }));
    expect(idOf({ document: { ...bare, bbox: [1] } })).not.toBe(idOf({ document: bare }));
  });

  it('distinguishes two identical messages without an id by their time of receipt', () => {
    const data = { channel: 'c', body: 'hello' };
    expect(idOf({ data, receivedAt: '1' })).not.toBe(idOf({ data, receivedAt: '2' }));
  });

  it.each<[string, Partial<EventOrigin>]>([
    ['transport id', { transportId: '' }],
    ['transport id of blanks', { transportId: ' \t' }],
    ['id of a CloudEvent', { document: { ...cloudEvent, id: '' } }],
    ['source of a CloudEvent', { document: { ...cloudEvent, source: ' ' } }],
    ['id of a STAC item', { document: { ...item, id: '' } }],
  ])('is unique for each event with a blank %s', (_, origin) => {
    expect(idOf({ ...origin, receivedAt: '1' })).not.toBe(idOf({ ...origin, receivedAt: '2' }));
  });

  it('differs between two event names that read the same stream', () => {
    expect(idOf({ eventName: 'a', transportId: 's:1-0' })).not.toBe(idOf({ eventName: 'b', transportId: 's:1-0' }));
    expect(idOf({ eventName: 'a:b', transportId: 'c' })).not.toBe(idOf({ eventName: 'a', transportId: 'b:c' }));
  });

  it.each([
    ['blanks', 'my stream:1-0', 'my_stream:1-0'],
    ['slashes', 'a/b:1-0', 'a_b:1-0'],
    ['other scripts', 'szenen-für-alle', 'szenen-fuer-alle'],
    ['two long ones', `${'x'.repeat(500)}1`, `${'x'.repeat(500)}2`],
  ])('is short, legal and still unique with %s', (_, one, other) => {
    const ids = [one, other].map((transportId) => idOf({ transportId }));
    expect(new Set(ids).size).toBe(2);
    for (const id of ids) {
      expect(id).toMatch(/^[A-Za-z0-9._:@+~-]+$/);
      expect(id.length).toBeLessThanOrEqual(MAX_EVENT_ID_LENGTH);
    }
  });

  it('rejects a document that is nested too deeply, from any origin', () => {
    const deep = JSON.parse('['.repeat(50_000) + ']'.repeat(50_000)) as [];
    const derive = () => deriveEventId({ eventName: 'e', document: deep, data: { body: deep }, receivedAt: 'now' });
    expect(derive).toThrow('50001 levels deep');
  });
});
