import { startNats, type RunningNats } from '../../dev/servers';
import type { Bus, BusListener } from '../../src/bus/bus';
import { busNames, consumerName, type StreamKind } from '../../src/bus/bus-names';
import type { CloudEvent } from '../../src/event/cloud-event';
import type { DecisionRecord } from '../../src/records/decision-record';
import { eventually } from '../setup/eventually';
import { connectTestBus, idsOf, sampleEvent, sampleEvents, take, type TestBusOptions } from './bus-fixture';
import { FormerBus } from './former-bus';

const SENSOR = 'water';
const PATH = 'stac.scenes';

/** Of namespace argo, in Temporal's namespace default. */
const tenantNames = (kind: StreamKind) =>
  busNames({ temporalNamespace: 'default', namespace: 'argo', bus: 'default' }, kind);

describe('a bus that takes over from the stream of all tenants', () => {
  let nats: RunningNats;
  let former: FormerBus;
  const opened: Array<{ close(): Promise<void> }> = [];

  beforeEach(async () => {
    nats = await startNats({ own: true });
    former = await FormerBus.open(nats);
  });
  afterEach(async () => {
    for (const one of opened.splice(0).reverse()) await one.close();
    await former?.close();
    await nats?.stop();
  });

  async function connectBus(kind: StreamKind = 'own', options: TestBusOptions = {}): Promise<Bus> {
    const bus = await connectTestBus(nats, { takeoverGraceMs: 0, ...options, bus: { stream: kind, ...options.bus } });
    opened.push(bus);
    return bus;
  }
  async function listen(bus: Bus, sensorName = SENSOR): Promise<BusListener> {
    const listener = await bus.openListener({
      namespace: 'argo',
      ...{ sensorName, paths: [PATH], startFrom: { kind: 'time', time: new Date().toISOString() }, maxBatch: 10 },
    });
    opened.push(listener);
    return listener;
  }
  const ids = (events: readonly CloudEvent[]) => events.map(({ id }) => id);
  async function readIds(bus: Bus, range: Parameters<Bus['readEvents']>[0] = {}): Promise<Array<string | undefined>> {
    const found: Array<string | undefined> = [];
    for await (const stored of bus.readEvents(range)) found.push(stored.event?.id);
    return found;
  }

  it('delivers pending events of the old stream first, then later ones, each once and in order of arrival', async () => {
    const before = sampleEvents(30, 'before-');
    await former.listen(SENSOR, PATH);
    await former.publish(...before);
    await former.handle(SENSOR, 5);
    const bus = await connectBus();
    await bus.publishEvents(sampleEvents(10, 'after-'));
    const listener = await listen(bus);
    const expected = [...ids(before).slice(5), ...ids(sampleEvents(10, 'after-'))];
    expect(await listener.measureBacklog(true)).toMatchObject({ waiting: 35, expired: [] });
    expect(idsOf(await take(listener, 35))).toEqual(expected);
    await bus.publishEvents([sampleEvent('last')]);
    expect(idsOf(await take(listener, 1))).toEqual(['last']);
    await eventually(async () => (await listener.measureBacklog(true)).waiting === 0);
  });

  it('redelivers events that a worker of the earlier version had in hand when it died', async () => {
    await former.listen(SENSOR, PATH);
    await former.publish(...sampleEvents(4, 'e-'));
    await former.handle(SENSOR, 3, 2);
    const listener = await listen(await connectBus());
    const [never, ...again] = await take(listener, 3);
    expect(idsOf([...(never ? [never] : []), ...again]).sort()).toEqual(['e-1', 'e-2', 'e-3']);
    expect(again.map(({ deliveryCount }) => deliveryCount)).toEqual([2, 2]);
  }, 40_000);

  it('still reads events that a worker of the earlier version publishes there during the update', async () => {
    await former.listen(SENSOR, PATH);
    const bus = await connectBus('own', { takeoverGraceMs: 3_600_000 });
    const listener = await listen(bus);
    await bus.publishEvents([sampleEvent('new-1')]);
    expect(idsOf(await take(listener, 1))).toEqual(['new-1']);
    await listener.measureBacklog(true);
    await former.publish(sampleEvent('late'));
    expect(idsOf(await take(listener, 1))).toEqual(['late']);
    await eventually(async () => (await listener.measureBacklog(true)).waiting === 0);
    expect(await former.consumers()).toEqual([former.consumer(SENSOR)]);
  });

  it('is prepared by an operator long before the update, and still taken over', async () => {
    await former.listen(SENSOR, PATH);
    await (await connectBus()).prepare();
    await former.publish(...sampleEvents(2));
    expect(idsOf(await take(await listen(await connectBus()), 2))).toEqual(['e0', 'e1']);
  });

  it('removes the old consumer once nothing is pending, and works without the old stream', async () => {
    await former.listen(SENSOR, PATH);
    await former.publish(...sampleEvents(3));
    const bus = await connectBus();
    const listener = await listen(bus);
    const taken = await take(listener, 3, { ack: false });
    await listener.measureBacklog(true);
    expect(await former.consumers()).toEqual([former.consumer(SENSOR)]);
    for (const message of taken) message.ack();
    await eventually(async () => {
      await listener.measureBacklog(true);
      return (await former.consumers()).length === 0;
    });
    await former.manager.streams.delete('default');
    await bus.publishEvents([sampleEvent('alone')]);
    expect(idsOf(await take(listener, 1))).toEqual(['alone']);
    expect(await (await connectBus()).extent()).toMatchObject({ events: 1 });
  });

  it('keeps and counts the pending events of a paused sensor on both streams', async () => {
    await former.listen(SENSOR, PATH);
    await former.publish(...sampleEvents(2, 'before-'));
    const bus = await connectBus('own', {
      bus: { retention: 'until-handled' },
      streamConfig: 'replicas: 1\nmaxAge: 1s',
    });
    expect(await bus.sensorBacklog('argo', SENSOR, { record: true })).toMatchObject({ waiting: 2, expired: [] });
    const other = await listen(bus, 'other');
    await bus.publishEvents(sampleEvents(2, 'after-'));
    await take(other, 2);
    // Longer than events that all have handled are kept.
    const longAfter = Date.now() + 3_000;
    await eventually(() => Date.now() > longAfter);
    expect(await bus.sensorBacklog('argo', SENSOR, { record: true })).toMatchObject({ waiting: 4, expired: [] });
    expect(await bus.position('argo', SENSOR)).toMatchObject({ handledTo: 0, waiting: 4 });
    const resumed = await listen(bus);
    expect(idsOf(await take(resumed, 4))).toEqual(['before-0', 'before-1', 'after-0', 'after-1']);
  }, 30_000);

  it('reads back both streams as one, with positions that identify the stream', async () => {
    await former.publish(...sampleEvents(3, 'before-'));
    const bus = await connectBus();
    await bus.publishEvents(sampleEvents(3, 'after-'));
    expect(await readIds(bus)).toEqual(['before-0', 'before-1', 'before-2', 'after-0', 'after-1', 'after-2']);
    expect(await readIds(bus, { paths: [PATH], limit: 4 })).toEqual(['before-0', 'before-1', 'before-2', 'after-0']);
    const { first, last, events } = await bus.extent();
    expect({ first, events }).toEqual({ first: 1, events: 6 });
    expect(await readIds(bus, { fromSequence: 2, toSequence: last - 2 })).toEqual(['before-1', 'before-2', 'after-0']);
    expect(await readIds(bus, { fromSequence: last, toSequence: last })).toEqual(['after-2']);
    expect(await readIds(bus, { fromSequence: 2, toSequence: 2 })).toEqual(['before-1']);
    expect(await readIds(bus, { containing: 'before-2' })).toEqual(['before-2']);
  });

  it('finds decisions that were recorded before, those of its own namespace only', async () => {
    const record = (id: string, namespace = 'argo'): DecisionRecord => ({
      ...{ at: '2026-01-02T03:04:05.000Z', eventKey: `stac/${id}`, eventId: id, source: 'stac', subject: 'scenes' },
      ...{ namespace, sensor: SENSOR, decision: 'fired' },
    });
    await former.decide(record('old-1'));
    await former.decide(record('foreign', 'elsewhere'));
    await former.decide(record('old-2'));
    const bus = await connectBus();
    bus.recordDecisions([record('new')]);
    await bus.flushDecisions();
    const read = async (filter: Parameters<Bus['readDecisions']>[0]): Promise<string[]> => {
      const found: string[] = [];
      for await (const { eventId } of bus.readDecisions(filter)) found.push(eventId);
      return found;
    };
    expect(await read({})).toEqual(['old-1', 'old-2', 'new']);
    expect(await read({ newest: 2 })).toEqual(['old-2', 'new']);
    expect(await read({ newest: 1 })).toEqual(['new']);
  });

  it('finds and deletes held contents, and continues rate limits', async () => {
    await former.hold(SENSOR, 'one', sampleEvent('one'));
    await former.hold(SENSOR, 'two', sampleEvent('two'));
    await former.limit('argo.water.t', { used: 3 });
    const bus = await connectBus();
    await bus.storeHeld('argo', SENSOR, [{ name: 'three', event: sampleEvent('three') }]);
    const recall = async () =>
      (await bus.recallHeld('argo', SENSOR, ['one', 'two', 'three'])).map((event) => event?.id);
    expect(await recall()).toEqual(['one', 'two', 'three']);
    await bus.forgetHeld('argo', SENSOR, ['one']);
    expect(await recall()).toEqual([undefined, 'two', 'three']);
    await bus.forgetSensor('argo', SENSOR);
    expect(await recall()).toEqual([undefined, undefined, undefined]);
    const add = (before: { used: number } | undefined) => ({ used: (before?.used ?? 0) + 1 });
    expect(await bus.updateShared<{ used: number }>('rate-limits', 'argo.water.t', add)).toEqual({ used: 4 });
    expect(await bus.updateShared<{ used: number }>('rate-limits', 'argo.water.t', add)).toEqual({ used: 5 });
  });

  it('is found by a command before a worker of this version has connected, and creates nothing', async () => {
    await former.listen(SENSOR, PATH);
    await former.publish(...sampleEvents(3));
    await former.handle(SENSOR, 1);
    const bus = await connectBus('own', { readOnly: true });
    expect(await readIds(bus)).toEqual(['e0', 'e1', 'e2']);
    expect(await bus.position('argo', SENSOR)).toMatchObject({ handledTo: 1, waiting: 2 });
    expect(await bus.sensorBacklog('argo', SENSOR, { record: false })).toMatchObject({ waiting: 2, history: [] });
    const streams: string[] = [];
    for await (const { config } of former.manager.streams.list()) streams.push(config.name);
    expect(streams.sort()).toEqual(['default', 'sluice-decisions']);
  });

  it('deletes the consumer of a deleted sensor on both streams', async () => {
    await former.listen(SENSOR, PATH);
    const bus = await connectBus();
    await (await listen(bus)).close();
    await bus.forgetSensor('argo', SENSOR);
    expect(await former.consumers()).toEqual([]);
    expect(await bus.position('argo', SENSOR)).toBeUndefined();
  });

  it('deletes all consumers of a deleted sensor, including one that an old worker recreated', async () => {
    await former.listen(SENSOR, PATH);
    await (await listen(await connectBus('argo-events'))).close();
    await former.listen(SENSOR, PATH);
    await former.publish(sampleEvent('before'));
    const bus = await connectBus('own');
    expect(await former.consumers()).toHaveLength(2);
    await bus.forgetSensor('argo', SENSOR);
    expect(await former.consumers()).toEqual([]);
    const again = await listen(bus);
    await bus.publishEvents([sampleEvent('after')]);
    expect(idsOf(await take(again, 1))).toEqual(['after']);
  });

  it('does not take over a sensor whose namespace and name join to the same words', async () => {
    const other = await FormerBus.open(nats, 'argo-water');
    opened.push(other);
    // Both were called sluice-argo-water-s.
    await other.listen('s', PATH);
    await other.publish(sampleEvent('theirs'));
    const bus = await connectBus();
    const listener = await listen(bus, 'water-s');
    await bus.publishEvents([sampleEvent('ours')]);
    expect(idsOf(await take(listener, 1))).toEqual(['ours']);
    expect(await former.consumers()).toEqual(['sluice-argo-water-s']);
  });

  describe('and is shared with Argo Events', () => {
    const renamed = consumerName(tenantNames('argo-events'), SENSOR);

    it('renames the consumer at its position, and marks events that may have been handled', async () => {
      await former.listen(SENSOR, PATH);
      await former.publish(...sampleEvents(5));
      // The second one is still in hand: everything from there on may come again.
      await former.handle(SENSOR, 1);
      await former.handle(SENSOR, 1, 1);
      await former.handle(SENSOR, 1);
      const bus = await connectBus('argo-events');
      const listener = await listen(bus);
      expect(await former.consumers()).toEqual([renamed]);
      const taken = await take(listener, 4);
      expect(taken.map(({ event, deliveryCount }) => [event?.id, deliveryCount])).toEqual([
        ['e1', 2],
        ['e2', 2],
        ['e3', 1],
        ['e4', 1],
      ]);
      await eventually(async () => (await listener.measureBacklog(true)).waiting === 0);
    });

    it('continues on a work queue, where two consumers cannot share a subject', async () => {
      await former.manager.streams.delete('default');
      await former.manager.streams.add({ name: 'default', subjects: ['default.*.*'], retention: 'workqueue' });
      await former.listen(SENSOR, PATH);
      await former.publish(...sampleEvents(3));
      await former.handle(SENSOR, 1);
      const listener = await listen(await connectBus('argo-events', { streamConfig: 'replicas: 1\nretention: 2' }));
      expect(idsOf(await take(listener, 2))).toEqual(['e1', 'e2']);
      expect(await former.consumers()).toEqual([renamed]);
    });

    it('is taken over when its manifest later asks for a stream of its own', async () => {
      const shared = await connectBus('argo-events');
      const first = await listen(shared);
      await shared.publishEvents(sampleEvents(2, 'shared-'));
      expect(idsOf(await take(first, 1))).toEqual(['shared-0']);
      await eventually(async () => (await first.measureBacklog(true)).inHand <= 1);
      await first.close();
      const own = await connectBus('own');
      await own.publishEvents([sampleEvent('own')]);
      expect(idsOf(await take(await listen(own), 2))).toEqual(['shared-1', 'own']);
    });
  });
});

describe('a bus on a server that no earlier version has used', () => {
  let nats: RunningNats;
  beforeAll(async () => {
    nats = await startNats({ own: true });
  });
  afterAll(() => nats?.stop());

  it('ignores an existing stream of Argo Events', async () => {
    const argo = await connectTestBus(nats, { namespace: 'elsewhere', bus: { stream: 'argo-events' } });
    await argo.publishEvents([sampleEvent('foreign')]);
    const bus = await connectTestBus(nats, { bus: { stream: 'own' } });
    const listener = await bus.openListener({
      namespace: 'argo',
      ...{ sensorName: SENSOR, paths: [PATH], startFrom: { kind: 'all' }, maxBatch: 10 },
    });
    await bus.publishEvents([sampleEvent('ours')]);
    expect(idsOf(await take(listener, 1))).toEqual(['ours']);
    expect(await bus.extent()).toMatchObject({ first: 1, last: 1, events: 1 });
    for (const one of [listener, bus, argo]) await one.close();
  });
});
