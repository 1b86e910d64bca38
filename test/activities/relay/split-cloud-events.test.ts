import { ReceivedEvents } from '../../../activities/relay/received-events';
import { splitCloudEvents } from '../../../activities/relay/split-cloud-events';
import { readJson, textOf, type JsonDocument } from '../../../src/event/json-text';
import type { Delivery, ReceivedEvent } from '../../../src/sources/source';

const cloudEvent = (id: string, data: unknown = {}) => ({ specversion: '1.0', id, source: 's', type: 't', data });

/** As a webhook gives it. */
function received(body: string, transportId?: string): ReceivedEvent {
  const document = readJson(body);
  return { data: { header: { Host: ['a'] }, body: JSON.parse(body) as never }, document, transportId };
}

function split(...events: ReceivedEvent[]): Delivery {
  const settled = () => Promise.resolve();
  return splitCloudEvents({ events, rejected: [], acknowledge: settled, release: settled });
}

const documents = ({ events }: Delivery): JsonDocument[] => events.map(({ document = null }) => document);

describe('sluice.io/split: cloudevents', () => {
  it('makes an event of each in a batch, with what surrounds it in the payload', () => {
    const { events, rejected } = split(received(JSON.stringify([cloudEvent('1'), cloudEvent('2')])));
    expect(events.map(({ data }) => data)).toEqual(
      ['1', '2'].map((id) => ({ header: { Host: ['a'] }, body: cloudEvent(id) })),
    );
    expect(rejected).toEqual([]);
  });

  it('gives each the id of its CloudEvent, not that of the request', () => {
    const names = { namespace: 'eo', eventSourceName: 'hooks', eventName: 'scenes', cloudEventType: 'webhook' };
    const idsOf = ({ events }: Delivery) =>
      events
        .map((event) => new ReceivedEvents(names).toCloudEvent(event, '2026-01-01T00:00:00Z'))
        .map((event) => 'id' in event && event.id);
    const together = idsOf(split(received(JSON.stringify([cloudEvent('1'), cloudEvent('2')]), 'request-1')));
    const again = idsOf(split(received(JSON.stringify([cloudEvent('2')]), 'request-2')));
    expect(new Set(together).size).toBe(2);
    expect(again).toEqual([together[1]]);
  });

  it('keeps numbers that JavaScript would round', () => {
    const text = '[{"specversion":"1.0","id":"1","source":"s","type":"t","data":{"n":12345678901234567890}}]';
    expect(documents(split(received(text))).map(textOf)).toEqual([text.slice(1, -1)]);
  });

  it.each(['{"specversion":"1.0","id":"1"}', '[]', '[1, 2]', '"text"', '{"a":[{"specversion":"1.0"}]}'])(
    'leaves %s as it is',
    (body) => {
      const event = received(body);
      expect(split(event).events).toEqual([event]);
    },
  );

  it('records elements that are none, and a batch that is too large', () => {
    const mixed = split(received(JSON.stringify([cloudEvent('1'), { id: '2' }]), 'r'));
    expect(mixed.events).toHaveLength(1);
    expect(mixed.rejected).toEqual([
      { transportId: 'r', code: 'EVENT_UNDECODABLE', reason: '1 elements of the payload are not CloudEvents' },
    ]);
    const large = split(received(JSON.stringify(Array.from({ length: 1_001 }, (_none, n) => cloudEvent(`${n}`)))));
    expect(large.events).toEqual([]);
    expect(large.rejected.map(({ reason }) => reason)).toEqual([
      'the payload holds 1001 CloudEvents; sluice.io/split accepts at most 1000',
    ]);
  });
});
