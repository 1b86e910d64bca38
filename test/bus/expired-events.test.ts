import { jetstreamManager, type JetStreamManager } from '@nats-io/jetstream';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { startNats, type RunningNats } from '../../dev/servers';
import type { Bus, BusListener, ListenerOptions, SensorBacklog } from '../../src/bus/bus';
import type { ExpiredEvents } from '../../src/bus/expired-events';
import { eventually } from '../setup/eventually';
import { connectTestBus, sampleEvent, sampleEvents, take } from './bus-fixture';

const SENSOR = { namespace: 'argo', sensorName: 'sensor' };

describe('events that leave the bus before their sensor has handled them', () => {
  let nats: RunningNats;
  let bus: Bus;
  let client: NatsConnection;
  let manager: JetStreamManager;

  beforeEach(async () => {
    nats = await startNats({ own: true });
    client = await connect({ servers: nats.url, maxReconnectAttempts: -1 });
    manager = await jetstreamManager(client);
  });

  afterEach(async () => {
    await bus?.close();
    await client?.close();
    await nats?.stop();
  });

  async function open(streamConfig = ''): Promise<void> {
    bus = await connectTestBus(nats, { streamConfig: `replicas: 1\n${streamConfig}` });
  }
  function listen(options: Partial<ListenerOptions> = {}): Promise<BusListener> {
    return bus.openListener({
      ...SENSOR,
      paths: ['stac.scenes'],
      startFrom: { kind: 'all' },
      maxBatch: 100,
      ...options,
    });
  }
  /** The sensor has listened once, and is paused. */
  async function pause(listener?: BusListener): Promise<void> {
    await (listener ?? (await listen())).close();
    await lookPaused();
  }
  async function lookPaused(): Promise<SensorBacklog> {
    const backlog = await bus.sensorBacklog(SENSOR.namespace, SENSOR.sensorName, { record: true });
    if (backlog === undefined) throw new Error('the sensor has no consumer');
    return backlog;
  }
  const untilEmpty = (): Promise<unknown> => eventually(async () => (await bus.extent()).events === 0);
  const only = ({ expired }: SensorBacklog): ExpiredEvents | undefined => {
    expect(expired.length).toBeLessThanOrEqual(1);
    return expired[0];
  };

  it('are found once, with their number, positions and times, when they expire during a pause', async () => {
    await open('maxAge: 2s');
    await pause();
    await bus.publishEvents(sampleEvents(5));
    const waiting = await lookPaused();
    expect(waiting).toMatchObject({ waiting: 5, maxAgeMs: 2_000, expired: [] });
    await untilEmpty();
    const found = only(await lookPaused());
    expect(found).toMatchObject({ fromSequence: 1, toSequence: 5, least: 5, most: 5, cause: 'age' });
    expect(found?.fromTime).toBe(new Date(waiting.oldestAt ?? 0).toISOString());
    const after = await lookPaused();
    expect(after).toMatchObject({ waiting: 0, expired: [] });
    expect(after.history).toEqual([found]);
  });

  it('are found when the sensor listens again, before its first pull', async () => {
    await open('maxAge: 2s');
    await pause();
    await bus.publishEvents(sampleEvents(5));
    await lookPaused();
    await untilEmpty();
    const listener = await listen();
    await bus.publishEvents([sampleEvent('later')]);
    await take(listener, 1);
    expect(only(await listener.measureBacklog(true))).toMatchObject({ least: 5, most: 5, cause: 'age' });
    expect((await listener.measureBacklog(true)).expired).toEqual([]);
    await listener.close();
  });

  it('are found if they were published and expired between two checks, as an upper bound', async () => {
    await open('maxAge: 1s');
    await pause();
    await bus.publishEvents(sampleEvents(4));
    await untilEmpty();
    expect(only(await lookPaused())).toMatchObject({ least: 0, most: 4, toSequence: 4 });
  });

  it('are found among those that a listener had fetched and returned when it was paused', async () => {
    await open('maxAge: 4s');
    const listener = await listen();
    await bus.publishEvents(sampleEvents(6));
    await take(listener, 2);
    await pause(listener);
    await eventually(async () => (await lookPaused()).waiting === 4);
    await untilEmpty();
    expect(only(await lookPaused())).toMatchObject({ least: 4, most: 4, cause: 'age' });
  });

  it('are found while a listener repeatedly naks them', async () => {
    await open('maxAge: 3s');
    const listener = await listen();
    await bus.publishEvents(sampleEvents(3));
    await listener.measureBacklog(true);
    for (const message of await take(listener, 3, { ack: false })) message.nak(60_000);
    await untilEmpty();
    const found = await eventually(async () => (await listener.measureBacklog(true)).expired[0]);
    expect(found).toMatchObject({ least: 3, cause: 'age' });
    await listener.close();
  });

  it('are none if every event was handled in time, even if the sensor is paused afterwards', async () => {
    await open('maxAge: 2s');
    const listener = await listen();
    await bus.publishEvents(sampleEvents(50));
    await listener.measureBacklog(true);
    await take(listener, 50);
    await eventually(async () => (await listener.measureBacklog(true)).waiting === 0);
    await untilEmpty();
    expect((await listener.measureBacklog(true)).expired).toEqual([]);
    await pause(listener);
    expect((await lookPaused()).history).toEqual([]);
  });

  it('are distinguished from those that were handled meanwhile', async () => {
    await open('maxMsgs: 10');
    const listener = await listen({ maxBatch: 2 });
    await bus.publishEvents(sampleEvents(10));
    await listener.measureBacklog(true);
    // Four are fetched ahead; the others wait on the bus and are pushed out.
    await take(listener, 1);
    await bus.publishEvents(sampleEvents(10, 'more'));
    await listener.measureBacklog(true);
    let handled = 1;
    for (;;) {
      const { waiting } = await listener.measureBacklog(true);
      if (waiting === 0) break;
      handled += (await take(listener, 1)).length;
    }
    const { history } = await listener.measureBacklog(true);
    const lost = history.reduce((sum, { least }) => sum + least, 0);
    expect(handled + lost).toBe(20);
    expect(history.every(({ cause }) => cause === 'removed')).toBe(true);
    await listener.close();
  });

  it.each<[string, () => Promise<unknown>, Partial<ExpiredEvents>]>([
    ['purged', () => manager.streams.purge('default'), { least: 5, most: 5, cause: 'removed' }],
    ['deleted one by one', () => manager.streams.deleteMessage('default', 3), { least: 1, most: 1, cause: 'removed' }],
    [
      'in a stream that is deleted and recreated',
      async () => {
        const { config } = await manager.streams.info('default');
        await manager.streams.delete('default');
        await manager.streams.add(config);
        await listen().then((listener) => listener.close());
      },
      { least: 5, cause: 'stream', fromSequence: 1, toSequence: 5 },
    ],
  ])('are found when they are %s', async (_, remove, expected) => {
    await open();
    await pause();
    await bus.publishEvents(sampleEvents(5));
    await lookPaused();
    await remove();
    const { history } = await lookPaused();
    expect(history).toMatchObject([expected]);
  });

  it('are only those of its own dependencies', async () => {
    await open('maxAge: 2s');
    await pause();
    await bus.publishEvents([sampleEvent('own'), sampleEvent('foreign', { subject: 'others' })]);
    await lookPaused();
    await untilEmpty();
    expect(only(await lookPaused())).toMatchObject({ least: 1, most: 1 });
  });

  it('are none if a dependency with pending events is removed', async () => {
    await open();
    await pause();
    await bus.publishEvents([sampleEvent('own'), sampleEvent('other', { subject: 'others' })]);
    await lookPaused();
    const listener = await listen({ paths: ['stac.others'] });
    expect((await listener.measureBacklog(true)).history).toEqual([]);
    await listener.close();
  });
});
