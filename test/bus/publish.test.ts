import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { startNats, type RunningNats } from '../../dev/servers';
import type { Bus } from '../../src/bus/bus';
import { connectTestBus, idsOf, sampleEvent, sampleEvents, take } from './bus-fixture';

describe('publishing events', () => {
  let nats: RunningNats;
  let bus: Bus;
  let client: NatsConnection;

  beforeAll(async () => {
    nats = await startNats({ own: true, maxPayloadBytes: 8_192 });
    bus = await connectTestBus(nats);
    client = await connect({ servers: nats.url });
  });

  afterAll(async () => {
    await bus?.close();
    await client?.close();
    await nats?.stop();
  });

  it("does not treat events of another namespace's event source as duplicates", async () => {
    const [own, other, again] = await bus.publishEvents([
      sampleEvent('order-1', { sluicenamespace: 'tenant-a' }),
      sampleEvent('order-1', { sluicenamespace: 'tenant-b' }),
      sampleEvent('order-1', { sluicenamespace: 'tenant-a' }),
    ]);
    expect([own, other]).toMatchObject([
      { kind: 'published', duplicate: false },
      { kind: 'published', duplicate: false },
    ]);
    expect(again).toMatchObject({ kind: 'published', duplicate: true });
  });

  it('puts them on the stream and subjects of Argo Events, with their key as message id', async () => {
    const [outcome] = await bus.publishEvents([sampleEvent('first', { source: 'stac', subject: 'scenes' })]);
    expect(outcome).toMatchObject({ kind: 'published', duplicate: false });
    const manager = await jetstreamManager(client);
    const { config } = await manager.streams.info('default');
    expect(config.subjects).toEqual(['default.*.*']);
    const stored = await manager.streams.getMessage('default', { last_by_subj: 'default.stac.scenes' });
    expect(stored?.header.get('Nats-Msg-Id')).toBe('stac/first');
  });

  it('stores an event that is published twice once, and reports the duplicate', async () => {
    const { events } = await bus.extent();
    const again = [sampleEvent('twice'), sampleEvent('other')];
    await bus.publishEvents(again);
    const outcomes = await bus.publishEvents(again);
    expect(outcomes).toMatchObject([{ duplicate: true }, { duplicate: true }]);
    expect((await bus.extent()).events).toBe(events + 2);
  });

  it('keeps events of two sources with one id apart', async () => {
    const outcomes = await bus.publishEvents([
      sampleEvent('same', { source: 'one' }),
      sampleEvent('same', { source: 'two' }),
    ]);
    expect(outcomes).toMatchObject([{ duplicate: false }, { duplicate: false }]);
  });

  it('reports each result in the order of the events, including too large ones', async () => {
    const large = sampleEvent('large', { data: { text: 'x'.repeat(9_000) } });
    const outcomes = await bus.publishEvents([sampleEvent('before'), large, sampleEvent('after')]);
    expect(outcomes.map(({ kind }) => kind)).toEqual(['published', 'failed', 'published']);
    expect(outcomes[1]).toMatchObject({ error: { code: 'BUS_EVENT_TOO_LARGE', retryable: false } });
    expect(bus.isConnected()).toBe(true);
  });

  it('keeps the order of many events published together', async () => {
    const first = (await bus.extent()).last + 1;
    // More than are in flight at a time, and few enough that a busy server confirms each before it is sent again.
    const outcomes = await bus.publishEvents(sampleEvents(1_000, 'many'), { patienceMs: 60_000 });
    expect(outcomes.filter(({ kind }) => kind === 'failed')).toEqual([]);
    const sequences = outcomes.map((outcome) => (outcome.kind === 'published' ? outcome.sequence : -1));
    expect(sequences).toEqual(Array.from({ length: 1_000 }, (_, index) => first + index));
  });

  it('is read by sensors next to events that Argo Events published', async () => {
    const listener = await bus.openListener({
      namespace: 'argo',
      sensorName: 'mixed',
      paths: ['argo-source.hook'],
      startFrom: { kind: 'all' },
      maxBatch: 10,
    });
    const theirs = {
      specversion: '1.0',
      id: '0b3f6e0a8a7d4f2f9f0e1d2c3b4a5968',
      source: 'argo-source',
      subject: 'hook',
      type: 'webhook',
      datacontenttype: 'application/json',
      time: '2026-01-02T03:04:05.6789Z',
      data_base64: Buffer.from('{"body":{"a":1}}').toString('base64'),
    };
    await jetstream(client).publish('default.argo-source.hook', JSON.stringify(theirs), { msgID: theirs.id });
    await bus.publishEvents([sampleEvent('ours', { source: 'argo-source', subject: 'hook' })]);
    const messages = await take(listener, 2);
    expect(idsOf(messages)).toEqual([theirs.id, 'ours']);
    expect(messages[0]?.event?.data).toEqual({ body: { a: 1 } });
    await listener.close();
  });
});

describe('publishing during an outage of the bus', () => {
  it('succeeds once it is back, without duplicating events in flight', async () => {
    const nats = await startNats({ own: true });
    const bus = await connectTestBus(nats);
    await bus.publishEvents(sampleEvents(10, 'before'));
    await nats.stopKeepingData();
    const publishing = bus.publishEvents(sampleEvents(200, 'during'), { patienceMs: 30_000 });
    await nats.restart();
    const outcomes = await publishing;
    expect(outcomes.filter(({ kind }) => kind === 'published')).toHaveLength(200);
    expect((await bus.extent()).events).toBe(210);
    await bus.close();
    await nats.stop();
  });

  it('fails at its timeout with a transient error', async () => {
    const nats = await startNats({ own: true });
    const bus = await connectTestBus(nats);
    await nats.stopKeepingData();
    const [outcome] = await bus.publishEvents([sampleEvent('lost')], { patienceMs: 100 });
    expect(outcome).toMatchObject({ kind: 'failed', error: { code: 'BUS_UNREACHABLE', retryable: true } });
    await bus.close();
    await nats.stop();
  });

  it('reports a full stream that discards new events as transient', async () => {
    const nats = await startNats({ own: true });
    const bus = await connectTestBus(nats, { streamConfig: 'maxMsgs: 3\ndiscard: 1\nreplicas: 1' });
    const outcomes = await bus.publishEvents(sampleEvents(5), { patienceMs: 100 });
    expect(outcomes.filter(({ kind }) => kind === 'published')).toHaveLength(3);
    expect(outcomes.find(({ kind }) => kind === 'failed')).toMatchObject({ error: { code: 'BUS_REFUSED' } });
    await bus.close();
    await nats.stop();
  });
});
