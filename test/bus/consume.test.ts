import { jetstream, jetstreamManager, type ConsumerConfig, type JetStreamManager } from '@nats-io/jetstream';
import { connect, createInbox, headers, nanos, type NatsConnection } from '@nats-io/transport-node';
import { startNats, type RunningNats } from '../../dev/servers';
import type { Bus, BusListener, ListenerOptions } from '../../src/bus/bus';
import { consumerName } from '../../src/bus/bus-names';
import type { CloudEvent } from '../../src/event/cloud-event';
import { eventually } from '../setup/eventually';
import { connectTestBus, idsOf, sampleEvent, sampleEvents, take, testNames } from './bus-fixture';

describe('listening for a sensor', () => {
  let nats: RunningNats;
  let bus: Bus;
  let client: NatsConnection;
  let manager: JetStreamManager;
  const opened: BusListener[] = [];

  beforeAll(async () => {
    nats = await startNats({ own: true });
    bus = await connectTestBus(nats);
    client = await connect({ servers: nats.url, maxReconnectAttempts: -1 });
    manager = await jetstreamManager(client);
  });

  afterEach(async () => {
    await Promise.all(opened.splice(0).map((listener) => listener.close()));
    // A test may leave the server just restarted.
    await eventually(() => manager.streams.purge('default'));
  });

  afterAll(async () => {
    await bus?.close();
    await client?.close();
    await nats?.stop();
  });

  let sensors = 0;
  let batches = 0;
  /** Ids that no other test has used: the bus would take them for repetitions. */
  function freshEvents(count: number): CloudEvent[] {
    return sampleEvents(count, `batch-${(batches += 1)}-`);
  }
  async function listen(options: Partial<ListenerOptions> = {}): Promise<BusListener> {
    const listener = await bus.openListener({
      namespace: 'argo',
      sensorName: `sensor-${(sensors += 1)}`,
      paths: ['stac.scenes'],
      startFrom: { kind: 'all' },
      maxBatch: 100,
      ...options,
    });
    opened.push(listener);
    return listener;
  }

  it('reads earlier events with "all", only later ones with "new", and those since a time', async () => {
    await bus.publishEvents([sampleEvent('old')]);
    const since = await eventually(async () => {
      for await (const stored of bus.readEvents({})) return new Date(stored.publishedAt + 1).toISOString();
      return undefined;
    });
    await eventually(() => Date.now() > Date.parse(since));
    const [all, fresh, timed] = await Promise.all([
      listen(),
      listen({ startFrom: { kind: 'new' } }),
      listen({ startFrom: { kind: 'time', time: since } }),
    ]);
    await bus.publishEvents([sampleEvent('young')]);
    expect(idsOf(await take(all, 2))).toEqual(['old', 'young']);
    expect(idsOf(await take(fresh, 1))).toEqual(['young']);
    expect(idsOf(await take(timed, 1))).toEqual(['young']);
  });

  it('pulls single events at a low rate, and batches from a backlog', async () => {
    const listener = await listen();
    const trickling = listener.pull(100);
    await bus.publishEvents([sampleEvent('single')]);
    const [single] = await trickling;
    expect(single).toMatchObject({ deliveryCount: 1, pending: 0, subject: 'default.stac.scenes' });
    expect(Math.abs(Date.now() - (single?.publishedAt ?? 0))).toBeLessThan(60_000);
    single?.ack();

    await bus.publishEvents(freshEvents(300));
    await eventually(async () => (await listener.measureBacklog(true)).waiting === 300);
    const batch = await eventually(async () => {
      const messages = await listener.pull(100);
      for (const message of messages) message.ack();
      return messages.length > 50 && messages;
    });
    expect(batch.length).toBeLessThanOrEqual(100);
  });

  it('reports the age of the oldest unacknowledged event, even if later ones are acknowledged', async () => {
    const listener = await listen({ sensorName: 'waiting' });
    expect((await listener.measureBacklog(true)).oldestAt).toBeUndefined();
    await bus.publishEvents([sampleEvent('first')]);
    await bus.publishEvents([sampleEvent('second')]);
    const [first, second] = await take(listener, 2, { ack: false });
    second?.ack();
    await eventually(async () => (await listener.measureBacklog(true)).waiting === 1);
    expect((await listener.measureBacklog(true)).oldestAt).toBe(first?.publishedAt);
    first?.ack();
    await eventually(async () => (await listener.measureBacklog(true)).oldestAt === undefined);
  });

  it('delivers every event exactly once to several listeners of one sensor, and answers all pulls', async () => {
    const sensorName = 'scaled-out';
    const listeners = await Promise.all([listen({ sensorName }), listen({ sensorName })]);
    const seen: Array<string | undefined> = [];
    const pulls = [...listeners, ...listeners].map(async (listener) => {
      for (let batch = await listener.pull(20); batch.length > 0; batch = await listener.pull(20)) {
        for (const message of batch) message.ack();
        seen.push(...idsOf(batch));
      }
    });
    await bus.publishEvents(freshEvents(1_000));
    await eventually(() => seen.length >= 1_000);
    expect(new Set(seen).size).toBe(1_000);
    expect(seen).toHaveLength(1_000);
    await Promise.all(listeners.map((listener) => listener.close()));
    await Promise.all(pulls);
  });

  it('continues at its position, naks prefetched events, and does not get acknowledged events again', async () => {
    const sensorName = 'continued';
    await bus.publishEvents(freshEvents(50));
    const first = await listen({ sensorName });
    await take(first, 20);
    await first.close();
    expect(await first.pull(1)).toEqual([]);
    const second = await listen({ sensorName });
    const rest = await take(second, 30);
    expect(new Set(idsOf(rest)).size).toBe(30);
    await eventually(async () => (await second.measureBacklog(true)).waiting === 0);
  });

  it('redelivers a returned event immediately or after the requested delay, with its delivery count', async () => {
    const listener = await listen();
    await bus.publishEvents([sampleEvent('again')]);
    const [first] = await take(listener, 1, { ack: false });
    first?.nak();
    const [second] = await take(listener, 1, { ack: false });
    expect(second).toMatchObject({ deliveryCount: 2, event: { id: 'again' } });
    second?.nak(50);
    const [third] = await take(listener, 1);
    expect(third).toMatchObject({ deliveryCount: 3, event: { id: 'again' } });
  });

  it('reports the position of a sensor, and none for a sensor that never listened', async () => {
    const name = 'far';
    expect(await bus.position('argo', name)).toBeUndefined();
    await bus.publishEvents([sampleEvent('far1'), sampleEvent('far2'), sampleEvent('far3')]);
    const { last } = await bus.extent();
    const options = { namespace: 'argo', sensorName: name, paths: ['stac.scenes'], maxBatch: 1 };
    const listener = await bus.openListener({ ...options, startFrom: { kind: 'new' } });
    expect(await bus.position('argo', name)).toEqual({ handledTo: last, deliveredTo: last, waiting: 0 });
    await bus.publishEvents([sampleEvent('far4'), sampleEvent('far5', { subject: 'others' }), sampleEvent('far6')]);
    const [first] = await take(listener, 2, { ack: false });
    const inHand = await bus.position('argo', name);
    expect(inHand).toMatchObject({ deliveredTo: last + 3, waiting: 2 });
    expect(inHand?.handledTo).toBeLessThanOrEqual(last);
    first?.ack();
    await eventually(async () => (await bus.position('argo', name))?.waiting === 1);
    expect((await bus.position('argo', name))?.handledTo).toBeLessThan(last + 3);
    await listener.close();
  });

  it('keeps its position when the subjects of its dependencies change', async () => {
    const sensorName = 'changed';
    await bus.publishEvents(freshEvents(5));
    const before = await listen({ sensorName });
    await take(before, 5);
    await eventually(async () => (await before.measureBacklog(true)).waiting === 0);
    await before.close();

    const after = await listen({ sensorName, paths: ['stac.scenes', 'hooks.push'] });
    await bus.publishEvents([sampleEvent('push', { source: 'hooks', subject: 'push' }), sampleEvent('later')]);
    expect(idsOf(await take(after, 2))).toEqual(['push', 'later']);
    expect((await after.measureBacklog(true)).waiting).toBeLessThanOrEqual(2);
  });

  it('passes on a malformed message with the reason, without blocking later ones', async () => {
    const listener = await listen();
    await jetstream(client).publish('default.stac.scenes', 'not an event');
    await bus.publishEvents([sampleEvent('good')]);
    const [poison, good] = await take(listener, 2);
    expect(poison?.event).toBeUndefined();
    expect(poison?.undecodable).toContain('CloudEvent');
    expect(good?.event?.id).toBe('good');
  });

  it.each([
    ['no responders', 503, 'No Responders'],
    ['a deleted consumer', 409, 'Consumer Deleted'],
    ['a heartbeat', 100, 'Idle Heartbeat'],
  ])('treats an empty message as a message, even with the status of %s', async (_, code, description) => {
    const listener = await listen();
    await jetstream(client).publish('default.stac.scenes', '', { headers: headers(code, description) });
    const [good] = freshEvents(1);
    await bus.publishEvents(good ? [good] : []);
    const [empty, next] = await take(listener, 2);
    expect(empty?.undecodable).toContain('CloudEvent');
    expect(next?.event?.id).toBe(good?.id);
    await eventually(async () => (await listener.measureBacklog(true)).waiting === 0);
  });

  it.each<[string, Partial<ConsumerConfig>]>([
    ['bounds requests', { max_batch: 1, max_expires: nanos(1_000) }],
    ['bounds the bytes of a request', { max_bytes: 1_000 }],
  ])(
    'restores its consumer when someone %s, and does not flood the server with requests',
    async (what, change) => {
      const sensorName = `changed-${what.replaceAll(' ', '-')}`;
      const name = consumerName(testNames(), sensorName);
      const listener = await listen({ sensorName });
      const [one, two] = freshEvents(2);
      await bus.publishEvents(one ? [one] : []);
      await take(listener, 1);
      let requests = 0;
      const watching = client.subscribe(`$JS.API.CONSUMER.MSG.NEXT.default.${name}`, {
        callback: () => void (requests += 1),
      });
      await manager.consumers.update('default', name, change);
      const taking = take(listener, 1);
      await bus.publishEvents(two ? [two] : []);
      expect(idsOf(await taking)).toEqual([two?.id]);
      watching.unsubscribe();
      expect(requests).toBeLessThan(20);
      await eventually(async () => {
        const { config } = await manager.consumers.info('default', name);
        return !config.max_batch && !config.max_expires && !config.max_bytes;
      });
    },
    60_000,
  );

  it('asks more rarely after requests without an event, and often again after one', async () => {
    const sensorName = 'quiet';
    const listener = await listen({ sensorName });
    const asked: number[] = [];
    // As the server does when a request expires.
    const expire = (reply = ''): void => client.publish(reply, '', { headers: headers(408, 'Request Timeout') });
    let waiting: string | undefined;
    const watching = client.subscribe(`$JS.API.CONSUMER.MSG.NEXT.default.${consumerName(testNames(), sensorName)}`, {
      callback: (_, message) => {
        asked.push(message.json<{ expires: number }>().expires / nanos(1_000));
        if (asked.length < 12) expire(message.reply);
        else waiting = message.reply;
      },
    });
    await client.flush();
    const taking = take(listener, 1);
    await eventually(() => asked.length === 12);
    expect(asked).toEqual([...Array.from({ length: 8 }, () => 8), ...Array.from({ length: 4 }, () => 24)]);
    await bus.publishEvents(freshEvents(1));
    await taking;
    expire(waiting);
    await eventually(() => asked.length > 12);
    expect(asked.at(-1)).toBe(8);
    watching.unsubscribe();
  }, 60_000);

  it('restores content and unlimited deliveries of a changed consumer', async () => {
    const sensorName = 'headers-only';
    const name = consumerName(testNames(), sensorName);
    await (await listen({ sensorName })).close();
    await manager.consumers.update('default', name, { headers_only: true, max_deliver: 3 });
    const [event] = freshEvents(1);
    await bus.publishEvents(event ? [event] : []);
    const listener = await listen({ sensorName });
    expect(idsOf(await take(listener, 1))).toEqual([event?.id]);
    expect((await manager.consumers.info('default', name)).config).toMatchObject({ max_deliver: -1 });
  });

  it('reads large events that exceed one prefetch', async () => {
    const listener = await listen({ startFrom: { kind: 'new' } });
    const text = 'x'.repeat(900_000);
    const events = freshEvents(40).map((event) => ({ ...event, data: { text } }));
    await bus.publishEvents(events);
    expect(new Set(idsOf(await take(listener, 40)))).toEqual(new Set(events.map(({ id }) => id)));
  });

  it('resolves a waiting pull when its signal aborts', async () => {
    const stop = new AbortController();
    const listener = await listen({ signal: stop.signal });
    const pull = listener.pull(10);
    stop.abort();
    expect(await pull).toEqual([]);
  });

  it('pulls no event for an owner that ended before the listener was open', async () => {
    const sensorName = 'left-behind';
    const stale = new AbortController();
    const opening = listen({ sensorName, signal: stale.signal });
    stale.abort(new Error('a stale attempt'));
    const leftBehind = await opening;
    const listener = await listen({ sensorName });
    const events = freshEvents(40);
    await bus.publishEvents(events);
    expect(new Set(idsOf(await take(listener, 40)))).toEqual(new Set(events.map(({ id }) => id)));
    expect(await leftBehind.pull(10)).toEqual([]);
    await eventually(async () => (await listener.measureBacklog(false)).waiting === 0);
  });

  it('fetches no event before the first pull', async () => {
    const sensorName = 'not-pulled';
    const idle = await listen({ sensorName });
    await bus.publishEvents(freshEvents(5));
    await eventually(async () => (await idle.measureBacklog(false)).waiting === 5);
    expect(await idle.measureBacklog(false)).toMatchObject({ waiting: 5, inHand: 0 });
    const listener = await listen({ sensorName });
    await take(listener, 5);
    await eventually(async () => (await idle.measureBacklog(false)).waiting === 0);
  });

  it('naks prefetched events when its signal aborts, without being closed', async () => {
    const sensorName = 'aborted';
    const stop = new AbortController();
    const first = await listen({ sensorName, signal: stop.signal });
    const events = freshEvents(20);
    const one = take(first, 1);
    await bus.publishEvents(events);
    await one;
    await eventually(async () => (await first.measureBacklog(false)).inHand === 19);
    stop.abort();
    const second = await listen({ sensorName });
    expect(new Set(idsOf(await take(second, 19))).size).toBe(19);
    await eventually(async () => (await second.measureBacklog(false)).waiting === 0);
  });

  it('extends the ack wait of events in hand, and redelivers those of a dead worker', async () => {
    const sensorName = 'slow';
    const slow = await listen({ sensorName });
    await bus.publishEvents([sampleEvent('of-the-dead')]);
    // What a process that is killed took: nobody answers for it.
    await client.request(
      `$JS.API.CONSUMER.MSG.NEXT.default.${consumerName(testNames(), sensorName)}`,
      JSON.stringify({ batch: 1, expires: nanos(30_000) }),
      { timeout: 30_000, noMux: true, reply: createInbox() },
    );
    await bus.publishEvents([sampleEvent('of-the-living')]);
    const [inHand] = await take(slow, 1, { ack: false });
    const longAfter = Date.now() + 13_000;
    const [again] = await take(slow, 1);
    expect(again).toMatchObject({ event: { id: 'of-the-dead' }, deliveryCount: 2 });
    // The one that is still being handled does not come a second time meanwhile.
    await eventually(() => Date.now() > longAfter);
    await bus.publishEvents([sampleEvent('after-the-slow')]);
    expect(idsOf(await take(slow, 1))).toEqual(['after-the-slow']);
    inHand?.ack();
    await eventually(async () => (await slow.measureBacklog(false)).waiting === 0);
  }, 60_000);

  it('updates the ack wait of a consumer of an earlier version, and keeps its position', async () => {
    const sensorName = 'earlier-version';
    await bus.publishEvents(freshEvents(3));
    const before = await listen({ sensorName });
    await take(before, 2);
    await eventually(async () => (await before.measureBacklog(false)).waiting === 1);
    await before.close();
    const name = consumerName(testNames(), sensorName);
    await manager.consumers.update('default', name, { ack_wait: nanos(30_000) });
    const after = await listen({ sensorName });
    expect((await manager.consumers.info('default', name)).config.ack_wait).toBe(nanos(10_000));
    expect(await take(after, 1)).toHaveLength(1);
    await eventually(async () => (await after.measureBacklog(false)).waiting === 0);
  });

  it('recreates its consumer when it is deleted, and misses nothing', async () => {
    const sensorName = 'deleted';
    const listener = await listen({ sensorName, startFrom: { kind: 'new' } });
    await bus.publishEvents([sampleEvent('one')]);
    expect(idsOf(await take(listener, 1))).toEqual(['one']);
    await manager.consumers.delete('default', consumerName(testNames(), sensorName));
    await bus.publishEvents([sampleEvent('two')]);
    expect(idsOf(await take(listener, 1))).toEqual(['two']);
  });

  it('continues after a restart of the server, without losing events or repeating acknowledged ones', async () => {
    const listener = await listen({ sensorName: 'restarted' });
    await bus.publishEvents(freshEvents(20));
    await take(listener, 20);
    await eventually(async () => (await listener.measureBacklog(true)).waiting === 0);
    const waiting = take(listener, 20);
    await nats.restart();
    const events = freshEvents(20);
    await bus.publishEvents(events, { patienceMs: 20_000 });
    const after = await waiting;
    expect(idsOf(after)).toEqual(events.map(({ id }) => id));
  });

  it('continues after the stream was lost with the disk of the server', async () => {
    const listener = await listen({ sensorName: 'wiped' });
    await bus.publishEvents(freshEvents(3));
    await take(listener, 3);
    await manager.streams.delete('default');
    const waiting = take(listener, 1);
    const [message] = await eventually(async () => {
      await bus.publishEvents([sampleEvent('after-loss')], { patienceMs: 200 });
      return Promise.race([waiting, Promise.resolve(undefined)]);
    });
    expect(message?.event?.id).toBe('after-loss');
  });
});

describe('a bus that is a work queue', () => {
  it('delivers each event to its sensor once, from the first one on, and removes handled events', async () => {
    const nats = await startNats({ own: true });
    const bus = await connectTestBus(nats, { streamConfig: 'retention: 2\nreplicas: 1' });
    await bus.publishEvents(sampleEvents(3));
    const listener = await bus.openListener({
      namespace: 'argo',
      sensorName: 'worker',
      paths: ['stac.scenes'],
      startFrom: { kind: 'new' },
      maxBatch: 10,
    });
    expect(idsOf(await take(listener, 3))).toEqual(['e0', 'e1', 'e2']);
    await eventually(async () => (await bus.extent()).events === 0);
    await listener.close();
    await bus.close();
    await nats.stop();
  });
});
