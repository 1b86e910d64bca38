import { jetstream, jetstreamManager, type JetStreamManager } from '@nats-io/jetstream';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { startNats, type RunningNats } from '../../dev/servers';
import type { Bus, BusListener } from '../../src/bus/bus';
import { eventually } from '../setup/eventually';
import { connectTestBus, idsOf, sampleEvent, sampleEvents, take } from './bus-fixture';

describe('a bus that keeps events until they are handled', () => {
  let nats: RunningNats;
  let bus: Bus;
  let client: NatsConnection;
  let manager: JetStreamManager;
  const opened: BusListener[] = [];

  beforeEach(async () => {
    nats = await startNats({ own: true });
    client = await connect({ servers: nats.url, maxReconnectAttempts: -1 });
    manager = await jetstreamManager(client);
  });

  afterEach(async () => {
    await Promise.all(opened.splice(0).map((listener) => listener.close()));
    await bus?.close();
    await client?.close();
    await nats?.stop();
  });

  async function open(streamConfig: string): Promise<void> {
    bus = await connectTestBus(nats, {
      streamConfig: `replicas: 1\n${streamConfig}`,
      bus: { retention: 'until-handled' },
    });
  }
  async function listen(sensorName = 'sensor', eventName = 'scenes'): Promise<BusListener> {
    const listener = await bus.openListener({
      namespace: 'argo',
      sensorName,
      paths: [`stac.${eventName}`],
      startFrom: { kind: 'all' },
      maxBatch: 100,
    });
    opened.push(listener);
    return listener;
  }
  const events = async (): Promise<number> => (await bus.extent()).events;

  it('keeps unhandled events of a paused sensor far beyond maxAge, and removes events that all have handled', async () => {
    await open('maxAge: 2s');
    const paused = await listen('paused');
    await paused.close();
    const other = await listen('other', 'others');
    await bus.publishEvents([sampleEvent('o1', { subject: 'others' }), ...sampleEvents(3)]);
    await bus.publishEvents([sampleEvent('o2', { subject: 'others' })]);
    await take(other, 2);
    // The first is before all that waits, the last behind it.
    await eventually(async () => (await bus.extent()).first === 2);
    const backlog = await bus.sensorBacklog('argo', 'paused', { record: true });
    expect(backlog).toMatchObject({ waiting: 3, maxAgeMs: 0, expired: [] });
    expect(await events()).toBe(4);

    const resumed = await listen('paused');
    expect(idsOf(await take(resumed, 3))).toEqual(['e0', 'e1', 'e2']);
    await eventually(async () => (await events()) === 0);
    expect((await resumed.measureBacklog(true)).history).toEqual([]);
  });

  it('holds sources back while it is full of unhandled events, and accepts more when some are handled', async () => {
    await open('maxMsgs: 10');
    const listener = await listen();
    const [first] = await bus.publishEvents(sampleEvents(10));
    expect(first?.kind).toBe('published');
    const refused = await bus.publishEvents([sampleEvent('eleventh')], { patienceMs: 300 });
    expect(refused).toMatchObject([{ kind: 'failed', error: { code: 'BUS_REFUSED', retryable: true } }]);
    expect(bus.problem()).toContain('the stream accepts no events: maximum messages exceeded');
    const waiting = bus.publishEvents([sampleEvent('twelfth')], { patienceMs: 60_000 });
    expect(idsOf(await take(listener, 10))).toEqual(idsOf(sampleEvents(10).map((event) => ({ event }))));
    expect(await waiting).toMatchObject([{ kind: 'published' }]);
    expect(bus.problem()).toBeUndefined();
    expect(idsOf(await take(listener, 1))).toEqual(['twelfth']);
    expect((await listener.measureBacklog(true)).history).toEqual([]);
  });

  it('removes nothing to free space before a sensor has listened', async () => {
    await open('maxMsgs: 10');
    await bus.publishEvents(sampleEvents(10));
    await bus.publishEvents([sampleEvent('eleventh')], { patienceMs: 3_000 });
    expect(await events()).toBe(10);
  });

  it('counts durable consumers of Argo Events, too, and no temporary readers', async () => {
    await open('maxAge: 1s');
    await manager.consumers.add('default', {
      durable_name: 'group-of-argo',
      ack_policy: 'explicit',
      filter_subject: 'default.stac.scenes',
    });
    await manager.consumers.add('default', { ack_policy: 'none', inactive_threshold: 60e9 });
    await bus.publishEvents(sampleEvents(3));
    const own = await listen();
    await take(own, 3);
    const group = await jetstream(client).consumers.get('default', 'group-of-argo');
    await (await group.next())?.ackAck();
    await eventually(async () => (await bus.extent()).first === 2);
    expect(await events()).toBe(2);
  });

  it('changes a stream that removes events by age, as the manifest requests', async () => {
    const before = await connectTestBus(nats, { streamConfig: 'replicas: 1\nmaxAge: 1h' });
    await before.publishEvents([sampleEvent('kept')]);
    await before.close();
    await open('maxAge: 1h');
    const { config } = await manager.streams.info('default');
    expect(config).toMatchObject({ max_age: 0, discard: 'new' });
    expect(await events()).toBe(1);
  });
});
