/** Events that link to items, through the relay to a real bus; the items come from a server that also fails. */
import { EventRelay, type EventRelayOptions } from '../../../activities/relay/event-relay';
import { ItemHydration, type ItemHydrationOptions } from '../../../activities/relay/item-hydration';
import { RelayTelemetry } from '../../../activities/relay/relay-telemetry';
import { startNats, type RunningNats } from '../../../dev/servers';
import type { Bus } from '../../../src/bus/bus';
import { jsonOf } from '../../../src/event/event-data';
import type { CloudEvent } from '../../../src/event/cloud-event';
import { joinObject, readJson, valueOf } from '../../../src/event/json-text';
import { Metrics } from '../../../src/metrics/metrics';
import type { Delivery, ReceivedEvent, Source } from '../../../src/sources/source';
import { LinkedItems } from '../../../src/stac/linked-items';
import { connectTestBus } from '../../bus/bus-fixture';
import { RecordingMeter } from '../../metrics/recording-meter';
import { collect } from '../../setup/collect';
import { eventually } from '../../setup/eventually';
import { fieldOf } from '../../sources/field-of';
import { item, ScriptedApi, type ApiAnswer } from '../../stac/scripted-api';

/** Delivers what it is told to, until it is stopped. */
class HandSource implements Source {
  readonly acknowledged: string[] = [];
  readonly released: string[] = [];
  private readonly queue: Delivery[] = [];
  private wake: () => void = () => undefined;

  constructor(
    private readonly signal: AbortSignal,
    readonly patienceMs?: number,
  ) {
    signal.addEventListener('abort', () => this.wake());
  }

  deliver(name: string, ...events: readonly ReceivedEvent[]): void {
    this.queue.push({
      events,
      rejected: [],
      acknowledge: () => Promise.resolve(void this.acknowledged.push(name)),
      release: () => Promise.resolve(void this.released.push(name)),
    });
    this.wake();
  }

  check = (): Promise<void> => Promise.resolve();
  close = (): Promise<void> => Promise.resolve();
  status = () => ({ connected: true, dropped: 0 });

  async *deliveries(): AsyncIterable<Delivery> {
    while (!this.signal.aborted) {
      const next = this.queue.shift();
      if (next) yield next;
      else await new Promise<void>((resolve) => (this.wake = resolve));
    }
  }
}

describe('with sluice.io/hydrate', () => {
  let nats: RunningNats;
  let bus: Bus;
  let api: ScriptedApi;
  let items: LinkedItems;
  let stop: AbortController;
  let running: Promise<unknown> = Promise.resolve();
  const recording = new RecordingMeter();
  const metrics = new Metrics(() => recording.meter);

  beforeEach(async () => {
    nats = await startNats({ own: true });
    bus = await connectTestBus(nats);
    api = new ScriptedApi();
    await api.listen();
    items = new LinkedItems({ origins: [api.url] });
    stop = new AbortController();
  });

  afterEach(async () => {
    stop.abort();
    await running;
    await items.close();
    await api.close();
    await bus?.close();
    await nats?.stop();
  });

  interface Setup {
    readonly patienceMs?: number;
    readonly hydration?: Partial<ItemHydrationOptions>;
    readonly relay?: Partial<EventRelayOptions>;
  }

  function start({ patienceMs, hydration, relay }: Setup = {}): { source: HandSource; eventRelay: EventRelay } {
    const source = new HandSource(stop.signal, patienceMs);
    const read = (link: string, signal: AbortSignal) => items.read(link, signal);
    const name = { namespace: 'argo', eventSourceName: 'stac', eventName: 'scenes' };
    const telemetry = new RelayTelemetry(metrics, name);
    telemetry.open();
    const eventRelay = new EventRelay({
      ...name,
      cloudEventType: 'sqs',
      source,
      bus,
      log: () => undefined,
      maxInFlight: 1_000,
      telemetry,
      hydration: new ItemHydration({ place: 'auto', read, firstPauseMs: 10, ...hydration }),
      ...relay,
    });
    running = eventRelay.run(stop.signal);
    return { source, eventRelay };
  }

  const serve = (answers: Readonly<Record<string, (count: number) => ApiAnswer>>): void => {
    const counts = new Map<string, number>();
    api.answer = ({ path }) => {
      const count = (counts.get(path) ?? 0) + 1;
      counts.set(path, count);
      return answers[path]?.(count) ?? { status: 410 };
    };
  };
  const scene = (id: string, more: object = {}): ApiAnswer => ({ body: item(id, { geometry: null, ...more }) });
  const linkTo = (path: string, transportId?: string): ReceivedEvent => {
    const body = { href: api.url + path };
    return {
      data: { body, metadata: { team: 'eo' } },
      document: body,
      ...(transportId !== undefined && { transportId }),
    };
  };

  async function eventsOnBus(): Promise<CloudEvent[]> {
    const events: CloudEvent[] = [];
    for await (const { event } of bus.readEvents({})) if (event) events.push(event);
    return events;
  }
  const bodyOf = (event: CloudEvent | undefined) => fieldOf(valueOf((event && jsonOf(event)) ?? null), 'body');
  const idsOnBus = async (): Promise<unknown[]> =>
    (await eventsOnBus()).map((event) => fieldOf(bodyOf(event) ?? null, 'id'));
  async function failures() {
    await bus.flushDecisions();
    return await collect(bus.readDecisions({ decision: 'failed' }));
  }

  it('an event gets the item that it links to, and keeps its id and what came', async () => {
    serve({ '/a': () => scene('a') });
    const { source } = start();
    source.deliver('1', linkTo('/a', 'm-1'));
    await eventually(() => source.acknowledged.length === 1);
    expect(await eventsOnBus()).toMatchObject([
      {
        id: 'scenes:m-1',
        data: { body: { id: 'a', geometry: null }, announcement: { href: `${api.url}/a` }, metadata: { team: 'eo' } },
      },
    ]);
    metrics.flush();
    expect(recording.total('sluice_hydrations_total')).toBe(1);
  });

  it('filters see the whole item', async () => {
    serve({ '/a': () => scene('a'), '/b': () => scene('b') });
    const { source } = start({
      relay: {
        filter: (payloads) =>
          Promise.resolve(
            payloads.map((payload) => {
              const pass = fieldOf(fieldOf(valueOf(payload), 'body') ?? null, 'id') === 'b';
              return pass ? { pass } : { pass, reason: 'not b' };
            }),
          ),
      },
    });
    source.deliver('1', linkTo('/a', '1'), linkTo('/b', '2'));
    await eventually(() => source.acknowledged.length === 1);
    expect(await idsOnBus()).toEqual(['b']);
  });

  it('the link may be anywhere in the data, and events without one go on at once', async () => {
    serve({ '/a': () => scene('a') });
    const { source } = start({ hydration: { place: 'body.detail.0.where' } });
    source.deliver('1', { data: { body: { detail: [{ where: `${api.url}/a` }] } } });
    source.deliver('2', { data: { body: { detail: [], href: `${api.url}/a` } } });
    await eventually(() => source.acknowledged.length === 2);
    expect((await idsOnBus()).sort()).toEqual(['a', undefined]);
    expect(api.requests).toHaveLength(1);
  });

  it('an item that is there already is not fetched', async () => {
    const whole = item('a', {
      geometry: null,
      properties: { datetime: null },
      links: [{ rel: 'self', href: `${api.url}/a` }],
    });
    const { source } = start();
    source.deliver('1', { data: joinObject({ body: readJson(JSON.stringify(whole)) }) });
    await eventually(() => source.acknowledged.length === 1);
    expect(await idsOnBus()).toEqual(['a']);
    expect(api.requests).toEqual([]);
  });

  it('a catalogue that fails for a while is asked again, and neighbours do not wait for it', async () => {
    let isUp = false;
    serve({ '/slow': () => (isUp ? scene('slow') : { status: 503 }), '/b': () => scene('b') });
    const { source, eventRelay } = start();
    source.deliver('1', linkTo('/slow', '1'), linkTo('/b', '2'), { data: { body: { id: 'no link' } } });
    source.deliver('2', linkTo('/b', '3'));
    await eventually(async () => (await idsOnBus()).length === 3);
    expect(source.acknowledged).toEqual(['2']);
    await eventually(() => eventRelay.counts().problem !== undefined);
    expect(eventRelay.counts().problem).toMatch(
      /^1 events wait for the item that they link to: GET .*\/slow: HTTP 503$/,
    );
    isUp = true;
    await eventually(() => source.acknowledged.length === 2);
    expect((await idsOnBus()).at(-1)).toBe('slow');
    expect(eventRelay.counts().problem).toBeUndefined();
    expect(await failures()).toEqual([]);
  });

  it.each<[string, (count: number) => ApiAnswer, string]>([
    ['is gone', () => ({ status: 410 }), 'HTTP 410'],
    ['is not JSON, again and again', () => ({ body: 'Service is being updated' }), 'is not JSON'],
    ['is huge', () => ({ body: `"${'x'.repeat(2_000_000)}"` }), 'larger than'],
    ['never comes', () => ({ hangs: true }), 'did not answer within'],
    ['fails for too long', () => ({ status: 500 }), 'HTTP 500'],
    // The bus takes a megabyte, with what surrounds the item.
    ['is too large for the bus', () => scene('a', { x: 'x'.repeat(1_048_200) }), 'too large'],
  ])('an event whose item %s goes on without it, and the record says why', async (_what, answer, reason) => {
    serve({ '/a': answer, '/b': () => scene('b') });
    const { source } = start({ hydration: { forMs: 1_500 } });
    source.deliver('1', linkTo('/a', '1'), linkTo('/b', '2'));
    await eventually(() => source.acknowledged.length === 1);
    const [without] = (await eventsOnBus()).filter(({ id }) => id === 'scenes:1');
    expect(bodyOf(without)).toEqual({ href: `${api.url}/a` });
    expect(await idsOnBus()).toHaveLength(2);
    const records = await failures();
    expect(records).toMatchObject([{ eventId: 'scenes:1', eventSource: 'stac', clause: 'sluice.io/hydrate' }]);
    expect(records[0]?.reason).toContain(reason);
  });

  it('a redelivery is recognised, whether its item could be fetched or not', async () => {
    serve({ '/a': (count) => (count === 1 ? { status: 410 } : scene('a')) });
    const { source, eventRelay } = start();
    for (const name of ['1', '2']) {
      source.deliver(name, linkTo('/a', 'same'));
      await eventually(() => source.acknowledged.includes(name));
    }
    expect(await eventsOnBus()).toHaveLength(1);
    expect(eventRelay.counts()).toMatchObject({ published: 1, duplicates: 1 });
  });

  it('a caller that waits for an answer is answered in time', async () => {
    serve({ '/a': () => ({ hangs: true }) });
    const { source } = start({ patienceMs: 4_000 });
    source.deliver('1', linkTo('/a', '1'));
    await eventually(() => source.acknowledged.length === 1);
    expect(await failures()).toHaveLength(1);
  });

  it('events that wait for their items are returned when the relay stops', async () => {
    serve({ '/a': () => ({ hangs: true }), '/b': () => ({ status: 503 }) });
    const { source } = start();
    source.deliver('1', linkTo('/a', '1'));
    source.deliver('2', linkTo('/b', '2'), { data: { body: 1 } });
    await eventually(() => api.requests.length >= 3);
    stop.abort();
    await running;
    expect(source.released.sort()).toEqual(['1', '2']);
    expect(source.acknowledged).toEqual([]);
    expect(await failures()).toEqual([]);
  });

  it('a server that hangs leaves places for others, and no more is read than the limit', async () => {
    serve({ '/hang': () => ({ hangs: true }), '/b': () => scene('b') });
    const other = new ScriptedApi();
    await other.listen();
    other.answer = () => scene('c');
    await items.close();
    items = new LinkedItems({ origins: [api.url, other.url] });
    const { source } = start({ relay: { maxInFlight: 31 } });
    for (let at = 0; at < 30; at += 1) source.deliver(`hang ${at}`, linkTo('/hang', `h${at}`));
    const body = { href: `${other.url}/c` };
    source.deliver('c', { data: { body }, document: body });
    await eventually(() => source.acknowledged.includes('c') && api.requests.length >= 8);
    expect(api.requests).toHaveLength(8);
    source.deliver('last', { data: { body: 1 } });
    source.deliver('one more', { data: { body: 2 } });
    source.deliver('held back', linkTo('/hang', 'x'));
    await eventually(() => source.acknowledged.includes('one more'));
    await other.close();
  });

  it('a filter that cannot be evaluated at all ends the relay with the reason', async () => {
    serve({ '/a': () => scene('a') });
    const { source } = start({ relay: { filter: () => Promise.reject(new Error('no engine')) } });
    const ended = expect(running).rejects.toThrow('no engine');
    running = Promise.resolve();
    source.deliver('1', linkTo('/a', '1'));
    await eventually(() => source.released.length === 1);
    // As a source does with what was released.
    source.deliver('again', linkTo('/a', '1'));
    await ended;
    expect(source).toMatchObject({ acknowledged: [], released: ['1', 'again'] });
  });
});
