import { EventQuota } from '../../../activities/relay/event-quota';
import { EventRelay, type EventRelayOptions } from '../../../activities/relay/event-relay';
import { splitStacItems } from '../../../activities/relay/split-stac-items';
import { RelayTelemetry } from '../../../activities/relay/relay-telemetry';
import { startNats, type RunningNats } from '../../../dev/servers';
import type { Bus } from '../../../src/bus/bus';
import { SluiceError } from '../../../src/errors/sluice-error';
import type { CloudEvent } from '../../../src/event/cloud-event';
import { Metrics } from '../../../src/metrics/metrics';
import type { Delivery, DeliveryOutcome, ReceivedEvent, Source } from '../../../src/sources/source';
import { connectTestBus } from '../../bus/bus-fixture';
import { RecordingMeter } from '../../metrics/recording-meter';
import { collect } from '../../setup/collect';
import { eventually } from '../../setup/eventually';
import { fieldOf } from '../../sources/field-of';

/** A source that delivers what it is given, one delivery for each list, and remembers what was said of it. */
class ScriptedSource implements Source {
  readonly acknowledged: number[] = [];
  readonly outcomes: DeliveryOutcome[] = [];
  readonly released: number[] = [];
  handedOn = 0;

  constructor(
    private readonly script: ReadonlyArray<readonly ReceivedEvent[]>,
    readonly patienceMs?: number,
  ) {}

  check = (): Promise<void> => Promise.resolve();
  close = (): Promise<void> => Promise.resolve();
  status = () => ({ connected: true, dropped: 0 });

  // eslint-disable-next-line @typescript-eslint/require-await
  async *deliveries(): AsyncIterable<Delivery> {
    for (const [index, events] of this.script.entries()) {
      this.handedOn += 1;
      yield {
        events,
        rejected: [],
        position: String(index),
        acknowledge: (outcome) => {
          this.outcomes.push(outcome);
          return Promise.resolve(void this.acknowledged.push(index));
        },
        release: () => Promise.resolve(void this.released.push(index)),
      };
    }
  }
}

describe('the relay', () => {
  let nats: RunningNats;
  let bus: Bus;

  beforeEach(async () => {
    nats = await startNats({ own: true });
    bus = await connectTestBus(nats);
  });

  afterEach(async () => {
    await bus?.close();
    await nats?.stop();
  });

  function relay(source: Source, options: Partial<EventRelayOptions> = {}): EventRelay {
    return new EventRelay({
      namespace: 'argo',
      eventSourceName: 'stac',
      eventName: 'scenes',
      cloudEventType: 'redis',
      source,
      bus,
      log: () => undefined,
      maxInFlight: 1_000,
      ...options,
    });
  }

  async function eventsOnBus(): Promise<CloudEvent[]> {
    const events: CloudEvent[] = [];
    for await (const { event } of bus.readEvents({})) if (event) events.push(event);
    return events;
  }

  const run = (source: Source, options?: Partial<EventRelayOptions>) =>
    relay(source, options).run(new AbortController().signal);

  it('publishes events that pass the filter, and records the reason for the others', async () => {
    const source = new ScriptedSource([['good', 'cloudy', 'odd'].map((body) => ({ data: { body } }))]);
    const counts = await run(source, {
      filter: (payloads) =>
        Promise.resolve(
          payloads.map((payload) => {
            const body = fieldOf(payload, 'body');
            if (body === 'good') return { pass: true };
            if (body === 'cloudy') return { pass: false, reason: 'the expression is false' };
            return { pass: false, reason: 'body.x is not there', code: 'EXPRESSION_FAILED' };
          }),
        ),
    });
    expect(counts).toMatchObject({ received: 3, published: 1, filtered: 2, rejected: 0, failed: 0, position: '0' });
    expect((await eventsOnBus()).map(({ data }) => data)).toEqual([{ body: 'good' }]);
    expect(source.acknowledged).toEqual([0]);

    await bus.flushDecisions();
    const records = await collect(bus.readDecisions({ owner: 'stac' }));
    expect(records).toMatchObject([
      { decision: 'filtered', clause: 'filter.expression', reason: 'the expression is false', eventSource: 'stac' },
      { decision: 'filtered', code: 'EXPRESSION_FAILED' },
    ]);
  });

  it('tells when the quota of its namespace holds it back, and loses nothing when it is stopped then', async () => {
    const quota = new EventQuota(1);
    // Another source of the namespace has used it for the next minute.
    await quota.take(60, new AbortController().signal);
    const source = new ScriptedSource([[{ data: { body: 'first' } }], [{ data: { body: 'second' } }]]);
    const stopped = new AbortController();
    const held = relay(source, { quota });
    const running = held.run(stopped.signal);
    await eventually(() => held.counts().problem !== undefined);
    expect(held.counts().problem).toContain('1 events a second (SLUICE_EVENTS_PER_SECOND)');
    // What was brought before is paid for before more is read.
    expect(held.counts()).toMatchObject({ received: 1, connected: true });
    stopped.abort();
    const { received, published } = await running;
    expect(published).toBe(received);
    expect(source.acknowledged).toHaveLength(received);
  });

  it('pays for what it brought before it ends, so that many short readers keep to the quota as well', async () => {
    const quota = new EventQuota(1_000);
    const take = jest.spyOn(quota, 'take');
    const events = Array.from({ length: 200 }, (_, n) => ({ data: { body: String(n) } }));
    await run(new ScriptedSource([events]), { quota });
    expect(take.mock.calls.reduce((sum, [taken]) => sum + taken, 0)).toBe(events.length);
  });

  it('publishes the items of a payload under their own ids, filters each, and acknowledges once', async () => {
    const item = (id: string) => ({ type: 'Feature', stac_version: '1.0.0', id, collection: 'c', properties: { updated: 'u' } }); // prettier-ignore
    const payload = { type: 'FeatureCollection', features: ['a', 'b', 'cloudy'].map(item) };
    const source = new ScriptedSource([[{ data: { body: payload }, transportId: '1-0' }]]);
    const counts = await run(source, {
      split: splitStacItems,
      filter: (payloads) =>
        Promise.resolve(
          payloads.map((each) =>
            fieldOf(fieldOf(each, 'body') ?? null, 'id') === 'cloudy'
              ? { pass: false, reason: 'cloudy' }
              : { pass: true },
          ),
        ),
    });
    expect(counts).toMatchObject({ received: 3, published: 2, filtered: 1, rejected: 0 });
    expect((await eventsOnBus()).map(({ id }) => id)).toEqual(['scenes:stac:c:a:u', 'scenes:stac:c:b:u']);
    expect(source.acknowledged).toEqual([0]);
  });

  it('returns events if the filter cannot be evaluated at all, and ends with the reason', async () => {
    const source = new ScriptedSource([[{ data: {} }]]);
    await expect(run(source, { filter: () => Promise.reject(new Error('no engine')) })).rejects.toThrow('no engine');
    expect(source).toMatchObject({ acknowledged: [], released: [0] });
  });

  it('rejects a payload that breaks the filter, and evaluates the others', async () => {
    const source = new ScriptedSource([['good', 'breaks it', 'good too'].map((body) => ({ data: { body } }))]);
    const counts = await run(source, {
      filter: (payloads) =>
        payloads.some((payload) => fieldOf(payload, 'body') === 'breaks it')
          ? Promise.reject(new Error('the engine could not read it'))
          : Promise.resolve(payloads.map(() => ({ pass: true }))),
    });
    expect(counts).toMatchObject({ published: 2, filtered: 1, failed: 0 });
    expect((await eventsOnBus()).map(({ data }) => data)).toEqual([{ body: 'good' }, { body: 'good too' }]);
  });

  it('rejects only the payload that is nested too deeply, not those around it', async () => {
    const deep = JSON.parse('['.repeat(5_000) + ']'.repeat(5_000)) as [];
    const source = new ScriptedSource([
      [{ data: { body: 'before' } }, { data: { body: deep }, document: deep }, { data: { body: 'beside' } }],
      [{ data: {}, document: deep, transportId: 's:1-0' }],
      [{ data: { body: 'after' } }],
    ]);
    const counts = await run(source, {
      maxInFlight: 1,
      filter: (payloads) => Promise.resolve(payloads.map(() => ({ pass: true }))),
    });
    expect(counts).toMatchObject({ received: 5, published: 3, rejected: 2, failed: 0 });
    expect((await eventsOnBus()).map(({ data }) => data)).toEqual(
      ['before', 'beside', 'after'].map((body) => ({ body })),
    );
    expect(source.acknowledged).toEqual([0, 1, 2]);
    expect(source.outcomes.map(({ rejected }) => rejected.map(({ code }) => code))).toEqual([
      ['EVENT_UNDECODABLE'],
      ['EVENT_UNDECODABLE'],
      [],
    ]);
    await bus.flushDecisions();
    const records = await collect(bus.readDecisions({ decision: 'rejected' }));
    expect(records.every(({ reason }) => reason?.includes('levels deep; at most'))).toBe(true);
    expect(records.map(({ eventId }) => eventId)).toContain('scenes:s:1-0');
  });

  it('reports to the source what the bus refuses permanently', async () => {
    const source = new ScriptedSource([[{ data: { body: 'x'.repeat(2_000_000) } }]]);
    expect(await run(source)).toMatchObject({ published: 0, rejected: 1 });
    expect(source.outcomes).toMatchObject([{ rejected: [{ code: 'BUS_EVENT_TOO_LARGE' }] }]);
  });

  it('returns a rejected event if its record cannot be written while the caller waits', async () => {
    const source = new ScriptedSource([[{ data: { body: 'x'.repeat(2_000_000) } }]], 50);
    const counts = await run(source, {
      bus: {
        recordDecisions: () => undefined,
        flushDecisions: () => new Promise(() => undefined),
        publishEvents: (events) => bus.publishEvents(events),
      },
    });
    expect(counts).toMatchObject({ rejected: 0, failed: 1 });
    expect(source).toMatchObject({ acknowledged: [], released: [0] });
  });

  it.each<[string, Partial<Source>, Partial<Delivery>]>([
    ['does not end', {}, {}],
    ['never closes', { close: () => new Promise(() => undefined) }, {}],
    ['never acknowledges', {}, { acknowledge: () => new Promise(() => undefined) }],
    [
      'cannot return events',
      {},
      { acknowledge: () => Promise.reject(new Error('gone')), release: () => Promise.reject(new Error('gone')) },
    ],
    [
      'never returns events',
      {},
      { acknowledge: () => Promise.reject(new Error('gone')), release: () => new Promise(() => undefined) },
    ],
  ])(
    'ends when it is stopped, even with a source that %s',
    async (_, source, delivery) => {
      const stop = new AbortController();
      let handedOn = 0;
      const stubborn: Source = {
        ...new ScriptedSource([]),
        async *deliveries() {
          for (; handedOn < 4; handedOn += 1) {
            const acknowledged = { acknowledge: () => Promise.resolve(), release: () => Promise.resolve() };
            yield { events: [{ data: {} }], rejected: [], ...acknowledged, ...delivery };
          }
          await new Promise(() => undefined);
        },
        ...source,
      };
      const running = relay(stubborn, { maxInFlight: 2, stopWithinMs: 200 }).run(stop.signal);
      await eventually(() => handedOn > 0);
      stop.abort();
      expect(await running).toMatchObject({ connected: true });
    },
    60_000,
  );

  it('creates CloudEvents with source and time, and the id of the payload or transport', async () => {
    const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';
    const time = '2026-01-02T03:04:05.678Z';
    await run(
      new ScriptedSource([
        [{ transportId: 's:1-0', data: { body: 1 }, time, traceparent }],
        [{ transportId: 's:2-0', data: { body: 2 }, traceparent: 'nonsense' }],
        [{ transportId: 's:3-0', data: { scene: 'S2A' } }],
      ]),
      {
        idOf: (payload) => {
          const scene = fieldOf(payload, 'scene');
          return typeof scene === 'string' ? scene : undefined;
        },
      },
    );
    const [first, second, third] = await eventsOnBus();
    expect(first).toEqual({
      specversion: '1.0',
      id: 'scenes:s:1-0',
      source: 'stac',
      sluicenamespace: 'argo',
      subject: 'scenes',
      type: 'redis',
      datacontenttype: 'application/json',
      time,
      data: { body: 1 },
      traceparent,
    });
    expect(second?.id).toBe('scenes:s:2-0');
    expect(second?.traceparent).toBeUndefined();
    expect(Math.abs(Date.parse(second?.time ?? '') - Date.now())).toBeLessThan(60_000);
    expect(third?.id).toBe('scenes:S2A');
  });

  it('treats simultaneous identical messages as separate events', async () => {
    await run(new ScriptedSource([Array.from({ length: 500 }, () => ({ data: { body: 'same' } }))]));
    expect(await eventsOnBus()).toHaveLength(500);
  });

  it('counts and records events that the bus already had as duplicates', async () => {
    const script = [[{ transportId: 's:1-0', data: {} }], [{ transportId: 's:1-0', data: {} }]];
    const counts = await run(new ScriptedSource(script), { maxInFlight: 1 });
    expect(counts).toMatchObject({ received: 2, published: 1, duplicates: 1 });
    await bus.flushDecisions();
    const records = await collect(bus.readDecisions({ decision: 'duplicate' }));
    expect(records).toMatchObject([{ eventKey: 'stac/scenes:s:1-0', eventSource: 'stac', sequence: 1 }]);
  });

  it('reads ahead within its limit, and returns every event when it is stopped meanwhile', async () => {
    await nats.stopKeepingData();
    const source = new ScriptedSource(Array.from({ length: 10 }, () => [{ data: {} }, { data: {} }]));
    const stop = new AbortController();
    const running = relay(source, { maxInFlight: 4 }).run(stop.signal);
    await eventually(() => source.handedOn === 2);
    stop.abort();
    const counts = await running;
    expect(counts.failed).toBe(counts.received);
    expect(source.acknowledged).toEqual([]);
    expect(source.released).toHaveLength(source.handedOn);
  });

  it('counts each failed publish while it retries', async () => {
    const recording = new RecordingMeter();
    const metrics = new Metrics(() => recording.meter);
    const telemetry = new RelayTelemetry(metrics, { namespace: 'argo', eventSourceName: 'stac', eventName: 'scenes' });
    let outages = 2;
    const source = new ScriptedSource([[{ data: { body: 1 } }, { data: { body: 2 } }]]);
    const counts = await run(source, {
      telemetry,
      bus: {
        recordDecisions: () => undefined,
        flushDecisions: () => Promise.resolve(),
        publishEvents: (events) => {
          if (outages-- <= 0) return bus.publishEvents(events);
          const error = new SluiceError('BUS_UNREACHABLE', { message: 'away' });
          return Promise.resolve(events.map(() => ({ kind: 'failed', error })));
        },
      },
    });
    metrics.flush();
    expect(counts).toMatchObject({ published: 2, failed: 0 });
    expect(recording.total('argo_events_events_sent_failed_total')).toBe(4);
    expect(recording.total('argo_events_events_sent_total')).toBe(2);
  });

  it('reports its position each time an event is settled', async () => {
    const seen: number[] = [];
    const source = new ScriptedSource([[{ data: {} }], [{ data: {} }]]);
    await relay(source, { maxInFlight: 1 }).run(new AbortController().signal, ({ published }) => seen.push(published));
    expect(seen).toEqual([1, 2, 2]);
  });
});
