import { jetstream } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import { startNats, type RunningNats } from '../../dev/servers';
import type { Bus, DecisionFilter } from '../../src/bus/bus';
import { decisionSubject } from '../../src/bus/bus-names';
import type { DecisionRecord } from '../../src/records/decision-record';
import { shortEventId } from '../../src/event/short-id';
import { connectTestBus, testNames } from './bus-fixture';

const at = '2026-01-02T03:04:05.000Z';

function record(id: string, overrides: Partial<DecisionRecord> = {}): DecisionRecord {
  return {
    at,
    eventKey: `stac/${id}`,
    eventId: id,
    source: 'stac',
    subject: 'scenes',
    namespace: 'argo',
    sensor: 'water-bodies',
    decision: 'fired',
    ...overrides,
  };
}

describe('the journal of decisions', () => {
  let nats: RunningNats;
  let bus: Bus;

  beforeAll(async () => {
    nats = await startNats({ own: true });
    bus = await connectTestBus(nats);
    bus.recordDecisions([
      record('a', { triggers: ['detect'], runId: 'run/argo/water-bodies/stac/a' }),
      record('b', { decision: 'filtered', clause: 'filters.data[0]', reason: 'eo:cloud_cover is 80' }),
      record('b', { sensor: 'other.sensor', decision: 'joined' }),
      record('c', { sensor: undefined, eventSource: 'stac', decision: 'rejected', code: 'EVENT_UNDECODABLE' }),
    ]);
    await bus.flushDecisions();
  });

  afterAll(async () => {
    await bus?.close();
    await nats?.stop();
  });

  async function read(filter: DecisionFilter): Promise<string[]> {
    const found: string[] = [];
    for await (const { eventId, decision } of bus.readDecisions(filter)) found.push(`${eventId} ${decision}`);
    return found.sort();
  }

  it.each<[string, DecisionFilter, string[]]>([
    ['an event by its key', { event: 'stac/b' }, ['b filtered', 'b joined']],
    ['an event by its id', { event: 'a' }, ['a fired']],
    ['an event by its short id', { event: shortEventId('stac/a') }, ['a fired']],
    ['a sensor', { owner: 'water-bodies' }, ['a fired', 'b filtered']],
    ['a sensor with a dot in its name', { owner: 'other.sensor' }, ['b joined']],
    ['an event source', { namespace: 'argo', owner: 'stac' }, ['c rejected']],
    ['any text in it', { containing: 'cloud_cover is 8' }, ['b filtered']],
    ['a kind of decision', { decision: 'filtered' }, ['b filtered']],
    ['another namespace', { namespace: 'elsewhere' }, []],
    ['a time in the future', { since: '2100-01-01T00:00:00Z' }, []],
  ])('is read by %s', async (_, filter, expected) => {
    expect(await read(filter)).toEqual(expected);
  });

  it('keeps every field of a record', async () => {
    for await (const found of bus.readDecisions({ event: 'b', decision: 'filtered' })) {
      expect(found).toEqual(
        record('b', { decision: 'filtered', clause: 'filters.data[0]', reason: 'eo:cloud_cover is 80' }),
      );
    }
  });

  it('is read from its end for the newest decisions', async () => {
    // One message each: more than is looked at in the first step back.
    for (let index = 0; index < 450; index += 1) {
      bus.recordDecisions([record(`n${index}`, { sensor: index === 3 ? 'rare' : 'often' })]);
      await bus.flushDecisions();
    }
    expect(await read({ owner: 'often', newest: 2 })).toEqual(['n448 fired', 'n449 fired']);
    expect(await read({ owner: 'rare', newest: 2 })).toEqual(['n3 fired']);
    expect(await read({ owner: 'often', newest: 1_000 })).toHaveLength(449);
    expect(await read({ owner: 'often', newest: 2, since: '2100-01-01T00:00:00Z' })).toEqual([]);
    let messages = 0;
    for await (const found of bus.readDecisions({ newest: 10 }, (count) => (messages = count)))
      expect(found.sensor).toBe('often');
    expect(messages).toBeLessThan(450);
  });

  it('distinguishes a sensor from an event source of the same name', async () => {
    bus.recordDecisions([
      record('d', { sensor: 'same' }),
      record('e', { sensor: undefined, eventSource: 'same', decision: 'filtered' }),
    ]);
    await bus.flushDecisions();
    expect(await read({ owner: 'same', ownerKind: 'sensor' })).toEqual(['d fired']);
    expect(await read({ owner: 'same', ownerKind: 'event source', newest: 5 })).toEqual(['e filtered']);
  });

  it('writes many records in few messages, and counts them', async () => {
    const { recorded } = bus.decisionCounts();
    bus.recordDecisions(Array.from({ length: 5_000 }, (_, index) => record(`m${index}`, { sensor: 'busy' })));
    await bus.flushDecisions();
    expect(bus.decisionCounts()).toEqual({ recorded: recorded + 5_000, lost: 0 });
    expect(await read({ owner: 'busy' })).toHaveLength(5_000);
  });

  it('is read past foreign messages in it', async () => {
    const client = await connect({ servers: nats.url });
    const subject = decisionSubject(testNames().decisions, 'argo', 'shared', 'fired');
    const future = { ...record('later'), decision: 'postponed' };
    for (const text of ['no JSON', 'null', '{}', JSON.stringify([future, 7])]) {
      await jetstream(client).publish(subject, text);
    }
    await client.close();
    bus.recordDecisions([record('ours', { sensor: 'shared' })]);
    await bus.flushDecisions();
    expect(await read({ owner: 'shared' })).toEqual(['ours fired']);
  });

  it('is written before the bus is closed', async () => {
    const other = await connectTestBus(nats);
    other.recordDecisions([record('last', { sensor: 'closing' })]);
    await other.close();
    expect(await read({ owner: 'closing' })).toEqual(['last fired']);
  });

  it('keeps decisions made during an outage of the bus', async () => {
    await nats.stopKeepingData();
    bus.recordDecisions([record('away', { sensor: 'away' })]);
    const flushed = bus.flushDecisions();
    await nats.restart();
    await flushed;
    expect(await read({ owner: 'away' })).toContain('away fired');
  });
});
