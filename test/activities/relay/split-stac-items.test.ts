import { ReceivedEvents } from '../../../activities/relay/received-events';
import { splitStacItems } from '../../../activities/relay/split-stac-items';
import { isJsonText, readJson, textOf, valueOf, type JsonDocument } from '../../../src/event/json-text';
import type { Delivery, ReceivedEvent } from '../../../src/sources/source';
import { fieldOf } from '../../sources/field-of';

const item = (id: string) => ({
  type: 'Feature',
  stac_version: '1.0.0',
  id,
  collection: 'c',
  properties: { updated: 'u' },
});
const collection = (...features: unknown[]) => ({ type: 'FeatureCollection', features });
const sns = (message: unknown) => ({ Type: 'Notification', MessageId: 'm', Message: JSON.stringify(message) });
const cloudEvent = (data: unknown) => ({ specversion: '1.0', id: '1', source: 's', type: 't', data });

/** As `redis` gives it with `jsonBody`. */
function received(body: unknown, more: Partial<ReceivedEvent> = {}): ReceivedEvent {
  const document = readJson(JSON.stringify(body));
  return { data: { channel: 'scenes', body: valueOf(document) }, document, ...more };
}

function delivery(...events: ReceivedEvent[]): Delivery {
  return { events, rejected: [], acknowledge: () => Promise.resolve(), release: () => Promise.resolve() };
}

const split = (...events: ReceivedEvent[]): Delivery => splitStacItems(delivery(...events));
const bodies = ({ events }: Delivery): JsonDocument[] =>
  events.map(({ data }) => (isJsonText(data) ? textOf(data) : (data['body'] ?? null)));

describe('sluice.io/split: stac-items', () => {
  it.each<[string, unknown, string[]]>([
    ['an ItemCollection', collection(item('a'), item('b')), ['a', 'b']],
    ['an item in a CloudEvent', cloudEvent(item('a')), ['a']],
    ['an ItemCollection in a CloudEvent', cloudEvent(collection(item('a'), item('b'))), ['a', 'b']],
    ['an item in a message of SNS', sns(item('a')), ['a']],
    ['an ItemCollection in a CloudEvent in a message of SNS', sns(cloudEvent(collection(item('a')))), ['a']],
    ['what stac-server has ingested', sns({ record: item('a') }), ['a']],
    ['the same with an empty error', { record: item('a'), error: null }, ['a']],
    ['a text that is an item', JSON.stringify(item('a')), ['a']],
  ])('makes an event of each item in %s', (_what, body, ids) => {
    const { events, rejected } = split(received(body));
    expect(bodies({ ...delivery(), events })).toEqual(ids.map(item));
    expect(events.map(({ data }) => fieldOf(data, 'channel'))).toEqual(ids.map(() => 'scenes'));
    expect(rejected).toEqual([]);
  });

  it.each<[string, unknown]>([
    ['an item itself', item('a')],
    ['the flat form', { subject: 's', producer: 'p', href: 'https://stac.example/a' }],
    ['a CloudEvent with a link', cloudEvent({ href: 'https://stac.example/a' })],
    ['a CloudEvent without data', { specversion: '1.0', id: '1', source: 's', type: 't' }],
    ['GeoJSON that is no STAC', collection({ type: 'Feature', id: 'a', geometry: null })],
    ['a collection without features', collection()],
    ['what stac-server could not ingest', sns({ record: item('a'), error: { message: 'no' } })],
    ['a STAC Collection', { type: 'Collection', stac_version: '1.0.0', id: 'c' }],
    ['text', 'hello'],
    ['text that only looks like JSON', '{ not JSON'],
    ['null', null],
    ['a number', 7],
    ['a message of SNS without a text', { Type: 'Notification', Message: { a: 1 } }],
    ['an item within too many wrappers', cloudEvent(cloudEvent(cloudEvent(cloudEvent(cloudEvent(item('a'))))))],
    ['features that are no list', { type: 'FeatureCollection', features: { length: 1e9 } }],
  ])('leaves %s as it is', (_what, body) => {
    const event = received(body, { transportId: 'scenes:1-0' });
    expect(split(event).events).toEqual([event]);
  });

  it('rejects features that are no items, and keeps their neighbours', () => {
    const { events, rejected } = split(
      received(collection(item('a'), { type: 'Feature' }, null), { transportId: 't' }),
    );
    expect(events).toHaveLength(1);
    expect(rejected).toEqual([
      { transportId: 't', code: 'EVENT_UNDECODABLE', reason: '2 elements of the payload are not STAC items' },
    ]);
  });

  it('rejects a payload of more items than it may become events, and keeps the other payloads', () => {
    const many = collection(...Array.from({ length: 1_001 }, (_, index) => item(String(index))));
    const { events, rejected } = split(received(many), received(collection(item('a'))));
    expect(events).toHaveLength(1);
    expect(rejected).toMatchObject([{ reason: expect.stringContaining('holds 1001 STAC items') as string }]);
  });

  it('rejects a payload whose surroundings would become gigabytes with its items, and keeps the other payloads', () => {
    const many = received(collection(...Array.from({ length: 1_000 }, (_, index) => item(String(index)))));
    const data = { headers: { note: 'x'.repeat(100_000) }, body: valueOf(many.document ?? null) };
    const { events, rejected } = split({ ...many, data }, received(collection(item('a'))));
    expect(events).toHaveLength(1);
    expect(rejected).toMatchObject([
      { reason: expect.stringContaining('what surrounds the 1000 STAC items') as string },
    ]);
  });

  it('names an event by its item, whatever the transport calls the payload', () => {
    const { events } = split(received(collection(item('a'), item('b')), { transportId: 'm-1' }));
    const names = { namespace: 'n', eventSourceName: 's', eventName: 'e', cloudEventType: 'redis' };
    const ids = events.map((event) => new ReceivedEvents(names).toCloudEvent(event, '2026-01-01T00:00:00Z'));
    expect(ids).toMatchObject([{ id: 'e:stac:c:a:u' }, { id: 'e:stac:c:b:u' }]);
  });

  it('keeps digits beyond double precision', () => {
    const text = `{"type":"FeatureCollection","features":[${JSON.stringify({ ...item('a'), n: 0 }).replace('"n":0', '"n":12345678901234567890')}]}`;
    const body = readJson(text);
    if (!isJsonText(body)) throw new Error('JavaScript keeps these digits');
    expect(bodies(split({ data: { body: null }, document: body }))[0]).toContain('12345678901234567890');
  });

  it('finds items where a source names no document', () => {
    const { document: _none, ...hook } = received(sns(item('a')));
    expect(bodies(split(hook))).toEqual([item('a')]);
  });

  it('follows the trace of the CloudEvent that an item came in', () => {
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
    const { events } = split(received({ ...cloudEvent(item('a')), traceparent }));
    expect(events[0]?.traceparent).toBe(traceparent);
  });

  it('acknowledges and releases the delivery that was split', async () => {
    const calls: string[] = [];
    const whole: Delivery = {
      ...delivery(received(collection(item('a')))),
      acknowledge: () => Promise.resolve(void calls.push('acknowledge')),
      release: () => Promise.resolve(void calls.push('release')),
    };
    const parts = splitStacItems(whole);
    await parts.acknowledge({ rejected: [] });
    await parts.release(new Error('no'));
    expect(calls).toEqual(['acknowledge', 'release']);
  });
});
