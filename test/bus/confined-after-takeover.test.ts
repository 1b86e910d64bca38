/** A server that an earlier version has used for all tenants, and users who are confined to one tenant since. */
import type { StreamConfig } from '@nats-io/jetstream';
import { startNats, type RunningNats } from '../../dev/servers';
import type { Bus } from '../../src/bus/bus';
import { busNames } from '../../src/bus/bus-names';
import { formatPermissions, tenantPermissions } from '../../src/bus/tenant-permissions';
import { connectTestBus, idsOf, sampleEvent, take, type TestBusOptions } from './bus-fixture';
import { FormerBus } from './former-bus';

const PATH = 'stac.scenes';
const NAMES = busNames({ temporalNamespace: 'default', namespace: 'argo', bus: 'default' }, 'own');

describe('a NATS user who is confined to one tenant, on a server that an earlier version has used', () => {
  let nats: RunningNats;
  let former: FormerBus;
  const opened: Array<{ close(): Promise<void> }> = [];

  beforeAll(async () => {
    nats = await startNats({
      own: true,
      configuration: `no_auth_user: operator, authorization { users: [
        { user: operator, password: secret }
        { user: confined, password: secret, ${formatPermissions(tenantPermissions(NAMES))} }
      ] }`,
    });
    former = await FormerBus.open(nats);
    await (await openBus('operator')).prepare();
  });
  afterAll(async () => {
    for (const one of opened.splice(0).reverse()) await one.close();
    await former?.close();
    await nats?.stop();
  });

  async function openBus(user: string, options: TestBusOptions = {}): Promise<Bus> {
    const url = `nats://${user}:secret@127.0.0.1:${nats.port}`;
    const bus = await connectTestBus(nats, { url, signal: AbortSignal.timeout(20_000), ...options });
    opened.push(bus);
    return bus;
  }

  it('can do all work of a worker, and is logged as taking nothing over', async () => {
    const log: string[] = [];
    const bus = await openBus('confined', { log: (level, line) => void log.push(`${level}: ${line}`) });
    expect(log).toEqual([
      'info: event bus argo/default: its NATS user cannot read stream "default", so events that an earlier version left there, or still publishes there, are not taken over',
    ]);
    await bus.publishEvents([sampleEvent('one')]);
    const listener = await bus.openListener({
      ...{ namespace: 'argo', sensorName: 's', paths: [PATH], startFrom: { kind: 'all' }, maxBatch: 10 },
    });
    opened.push(listener);
    expect(idsOf(await take(listener, 1))).toEqual(['one']);
    await listener.close();
    expect(await bus.sensorBacklog('argo', 's', { record: true })).toMatchObject({ expired: [] });
    expect(await bus.position('argo', 's')).toBeDefined();
    expect(await bus.updateShared('rate-limits', 'k', (before: number | undefined) => (before ?? 0) + 1)).toBe(1);
    await bus.storeHeld('argo', 's', [{ name: 'n', event: sampleEvent('held') }]);
    const held = await bus.recallHeld('argo', 's', ['n', 'missing']);
    expect(held.map((event) => event?.id)).toEqual(['held', undefined]);
    await bus.forgetSensor('argo', 's');
    expect(bus.problem()).toBeUndefined();
  });

  it.each<[string, Partial<StreamConfig>]>([
    ['another stream as its source', { sources: [{ name: 'default' }] }],
    ['a republish of its messages', { republish: { src: '>', dest: 'elsewhere.>' } }],
    ['subjects of others', { subjects: ['sluice.other.events.*.*'] }],
  ])('is not prepared with an existing stream that has %s', async (_what, extra) => {
    const { events } = busNames({ temporalNamespace: 'default', namespace: 'rogue', bus: 'default' }, 'own');
    const own = `${events.prefix}.*.*`;
    await former.manager.streams.add({ name: events.stream, ...extra, subjects: [own, ...(extra.subjects ?? [])] });
    const bus = await openBus('operator', { namespace: 'rogue', bus: { stream: 'own' } });
    await expect(bus.prepare()).rejects.toMatchObject({
      code: 'BUS_MISCONFIGURED',
      message: expect.stringContaining(`stream "${events.stream}" was not created by Sluice`) as string,
    });
    await former.manager.streams.delete(events.stream);
    await expect(openBus('operator', { namespace: 'rogue' }).then((again) => again.prepare())).resolves.toBeUndefined();
    await former.manager.streams.delete(events.stream);
  });

  it('reads events and decisions back', async () => {
    const bus = await openBus('confined', { readOnly: true });
    const read: Array<string | undefined> = [];
    for await (const { event } of bus.readEvents({ paths: [PATH] })) read.push(event?.id);
    for await (const { eventId } of bus.readDecisions({})) read.push(eventId);
    for await (const { eventId } of bus.readDecisions({ newest: 5 })) read.push(eventId);
    expect(read).toEqual(['one']);
    expect(await bus.extent()).toMatchObject({ events: 1 });
  });
});
