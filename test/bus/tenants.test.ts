import { jetstreamManager, type JetStreamManager } from '@nats-io/jetstream';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { startNats, type RunningNats } from '../../dev/servers';
import type { Bus, BusListener } from '../../src/bus/bus';
import { busNames, consumerName } from '../../src/bus/bus-names';
import type { DecisionRecord } from '../../src/records/decision-record';
import { collect } from '../setup/collect';
import { connectTestBus, idsOf, sampleEvent, sampleEvents, take, type TestBusOptions } from './bus-fixture';

describe('tenants with equal names on one NATS', () => {
  let nats: RunningNats;
  let client: NatsConnection;
  let manager: JetStreamManager;
  const opened: Array<{ close(): Promise<void> }> = [];

  beforeEach(async () => {
    nats = await startNats({ own: true });
    client = await connect({ servers: nats.url });
    manager = await jetstreamManager(client);
  });
  afterEach(async () => {
    for (const one of opened.splice(0).reverse()) await one.close();
    await client?.close();
    await nats?.stop();
  });

  /** The server is named by the worker, as SLUICE_BUS_URL does. */
  async function tenant(options: TestBusOptions): Promise<Bus> {
    const bus = await connectTestBus(nats, { url: nats.url, ...options });
    opened.push(bus);
    return bus;
  }
  async function listen(bus: Bus, namespace: string): Promise<BusListener> {
    const listener = await bus.openListener({
      ...{ namespace, sensorName: 'deploy', paths: ['stac.scenes'], startFrom: { kind: 'all' }, maxBatch: 10 },
    });
    opened.push(listener);
    return listener;
  }
  const both = () => Promise.all([tenant({ namespace: 'tenant-a' }), tenant({ namespace: 'tenant-b' })] as const);

  it('isolate consumers, and keep events of one id apart', async () => {
    const [a, b] = await both();
    const [ofA, ofB] = [await listen(a, 'tenant-a'), await listen(b, 'tenant-b')];
    const event = sampleEvent('order-1');
    expect(await a.publishEvents([event])).toMatchObject([{ kind: 'published', duplicate: false }]);
    expect(idsOf(await take(ofA, 1))).toEqual(['order-1']);
    const names = busNames({ temporalNamespace: 'default', namespace: 'tenant-b', bus: 'default' }, 'own');
    const { delivered, num_pending: pending } = await manager.consumers.info(
      names.events.stream,
      consumerName(names, 'deploy'),
    );
    expect({ delivered: delivered.consumer_seq, pending }).toEqual({ delivered: 0, pending: 0 });
    expect(await b.publishEvents([event])).toMatchObject([{ kind: 'published', duplicate: false }]);
    expect(idsOf(await take(ofB, 1))).toEqual(['order-1']);
    expect((await a.extent()).events + (await b.extent()).events).toBe(2);
  });

  it("can publish while the other's stream is full", async () => {
    const full = await tenant({ namespace: 'tenant-a', streamConfig: 'replicas: 1\nmaxMsgs: 5\ndiscard: new' });
    const other = await tenant({ namespace: 'tenant-b', streamConfig: 'replicas: 1\nmaxMsgs: 50\ndiscard: new' });
    await full.publishEvents(sampleEvents(5));
    const refused = await full.publishEvents([sampleEvent('one-more')], { patienceMs: 0 });
    expect(refused).toMatchObject([{ kind: 'failed', error: { code: 'BUS_REFUSED' } }]);
    const published = await other.publishEvents(sampleEvents(20));
    expect(published.filter(({ kind }) => kind !== 'published')).toEqual([]);
    expect([full.problem() !== undefined, other.problem()]).toEqual([true, undefined]);
  });

  it('keep decisions, held events and rate limits apart', async () => {
    const [a, b] = await both();
    const record: DecisionRecord = {
      ...{ at: '2026-01-02T03:04:05.000Z', eventKey: 'stac/1', eventId: '1', source: 'stac', subject: 'scenes' },
      ...{ namespace: 'tenant-a', sensor: 'deploy', decision: 'fired' },
    };
    a.recordDecisions([record]);
    await a.flushDecisions();
    const read = (bus: Bus): Promise<DecisionRecord[]> => collect(bus.readDecisions({}));
    expect([await read(a), await read(b)]).toEqual([[record], []]);
    // Even a tenant that asks for the other's namespace reads its own streams.
    await a.storeHeld('tenant-a', 'deploy', [{ name: 'n', event: sampleEvent('held') }]);
    expect(await b.recallHeld('tenant-a', 'deploy', ['n'])).toEqual([undefined]);
    await b.forgetHeld('tenant-a', 'deploy', ['n']);
    expect(idsOf((await a.recallHeld('tenant-a', 'deploy', ['n'])).map((event) => ({ event })))).toEqual(['held']);
    const add = (before: number | undefined) => (before ?? 0) + 1;
    await a.updateShared('rate-limits', 'k', add);
    expect(await b.updateShared('rate-limits', 'k', add)).toBe(1);
  });

  it.each(['own', 'argo-events'] as const)(
    'that differ only in their Temporal namespace each get every event, on a stream of kind %s',
    async (stream) => {
      const [live, staging] = await Promise.all([
        tenant({ namespace: 'argo', bus: { stream } }),
        tenant({ namespace: 'argo', bus: { stream }, temporalNamespace: 'staging' }),
      ]);
      const [one, other] = [await listen(live, 'argo'), await listen(staging, 'argo')];
      await live.publishEvents(sampleEvents(3, 'live-'));
      await staging.publishEvents(sampleEvents(3, 'staging-'));
      const ofLive = ['live-0', 'live-1', 'live-2'];
      const ofStaging = ['staging-0', 'staging-1', 'staging-2'];
      const expected =
        stream === 'own'
          ? [ofLive, ofStaging]
          : [
              [...ofLive, ...ofStaging],
              [...ofLive, ...ofStaging],
            ];
      for (const [index, listener] of [one, other].entries()) {
        expect(idsOf(await take(listener, expected[index]?.length ?? 0))).toEqual(expected[index]);
      }
    },
  );

  it('are found by a command that knows the server by the address in the manifest', async () => {
    const worker = await tenant({ namespace: 'tenant-a' });
    await worker.publishEvents([sampleEvent('mine')]);
    const command = await connectTestBus(nats, { namespace: 'tenant-a', readOnly: true });
    opened.push(command);
    const found: Array<string | undefined> = [];
    for await (const { event } of command.readEvents({})) found.push(event?.id);
    expect(found).toEqual(['mine']);
  });
});
