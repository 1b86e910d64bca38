/** Two users of one account on a real server, each with the permissions of its tenant and no other. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { jetstream } from '@nats-io/jetstream';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { repoRoot } from '../../dev/repo-root';
import { startNats, type RunningNats } from '../../dev/servers';
import type { Bus, BusListener } from '../../src/bus/bus';
import { bucketName, bucketStream, busNames, eventSubject, type BusNames } from '../../src/bus/bus-names';
import { encodeEvent } from '../../src/event/encode-event';
import { isPermissionViolation } from '../../src/bus/stream';
import { formatPermissions, tenantPermissions } from '../../src/bus/tenant-permissions';
import { eventually } from '../setup/eventually';
import { connectTestBus, idsOf, sampleEvent, sampleEvents, take, type TestBusOptions } from './bus-fixture';

const [A, B] = ['tenant-a', 'tenant-b'].map((namespace) =>
  busNames({ temporalNamespace: 'default', namespace, bus: 'default' }, 'own'),
) as [BusNames, BusNames];
const PATH = 'stac.scenes';

describe('NATS users with the permissions of one tenant each', () => {
  let nats: RunningNats;
  let ofB: Bus;
  let listenerOfB: BusListener;
  let client: NatsConnection;
  const opened: Array<{ close(): Promise<void> }> = [];

  const urlOf = (user: string) => `nats://${user}:secret@127.0.0.1:${nats.port}`;

  async function openBus(user: string, namespace: string, options: TestBusOptions = {}): Promise<Bus> {
    const bus = await connectTestBus(nats, { namespace, url: urlOf(user), ...options });
    opened.push(bus);
    return bus;
  }

  async function listen(bus: Bus, namespace: string): Promise<BusListener> {
    const listener = await bus.openListener({
      ...{ namespace, sensorName: 's', paths: [PATH], startFrom: { kind: 'all' }, maxBatch: 10 },
    });
    opened.push(listener);
    return listener;
  }

  beforeAll(async () => {
    const [ofUserA, ofUserB] = [A, B].map((names) => formatPermissions(tenantPermissions(names)));
    nats = await startNats({
      own: true,
      configuration: `authorization { users: [
        { user: operator, password: secret }
        { user: a, password: secret, ${ofUserA} }
        { user: b, password: secret, ${ofUserB} }
      ] }`,
    });
    for (const namespace of ['tenant-a', 'tenant-b']) {
      await (await openBus('operator', namespace)).prepare();
    }
    ofB = await openBus('b', 'tenant-b');
    listenerOfB = await listen(ofB, 'tenant-b');
    await ofB.publishEvents([sampleEvent('of-b')]);
    client = await connect({ servers: urlOf('a').replace(/a:secret@/, ''), user: 'a', pass: 'secret', inboxPrefix: A.inboxPrefix }); // prettier-ignore
  });
  afterAll(async () => {
    for (const one of opened.splice(0).reverse()) await one.close();
    await client?.close();
    await nats?.stop();
  });

  it('are those of docs/security.md', () => {
    const page = readFileSync(join(repoRoot, 'docs', 'security.md'), 'utf8');
    expect(page).toContain(formatPermissions(tenantPermissions(A)).replaceAll(A.tenant, 'TENANT'));
  });

  it('suffice for all operations of workers and commands', async () => {
    const log: string[] = [];
    const bus = await openBus('a', 'tenant-a', {
      streamConfig: 'replicas: 1\nmaxMsgs: 100',
      log: (level, line) => void (level === 'warn' && log.push(line)),
    });
    expect(await bus.publishEvents(sampleEvents(3))).toMatchObject(Array(3).fill({ kind: 'published' }));
    const listener = await listen(bus, 'tenant-a');
    expect(idsOf(await take(listener, 3))).toEqual(['e0', 'e1', 'e2']);
    await eventually(async () => (await listener.measureBacklog(true)).waiting === 0);
    await listener.close();
    expect(await bus.sensorBacklog('tenant-a', 's', { record: true })).toMatchObject({ waiting: 0, expired: [] });
    expect(await bus.position('tenant-a', 's')).toMatchObject({ handledTo: 3 });
    const at = new Date().toISOString();
    bus.recordDecisions([
      { at, eventKey: 'stac/e0', eventId: 'e0', source: 'stac', subject: 'scenes', namespace: 'tenant-a', sensor: 's', decision: 'fired' }, // prettier-ignore
    ]);
    await bus.flushDecisions();
    await bus.storeHeld('tenant-a', 's', [{ name: 'n', event: sampleEvent('held') }]);
    expect(idsOf((await bus.recallHeld('tenant-a', 's', ['n'])).map((event) => ({ event })))).toEqual(['held']);
    expect(await bus.updateShared('rate-limits', 'k', (before: number | undefined) => (before ?? 0) + 1)).toBe(1);

    const command = await openBus('a', 'tenant-a', { readOnly: true });
    const read: Array<string | undefined> = [];
    for await (const { event } of command.readEvents({ paths: [PATH] })) read.push(event?.id);
    for await (const { eventId } of command.readDecisions({ newest: 5 })) read.push(eventId);
    for await (const { eventId } of command.readDecisions({ namespace: 'tenant-a' })) read.push(eventId);
    expect(read).toEqual(['e0', 'e1', 'e2', 'e0', 'e0']);
    expect(await command.extent()).toMatchObject({ events: 3 });
    await bus.forgetSensor('tenant-a', 's');
    expect(await bus.position('tenant-a', 's')).toBeUndefined();
    expect([bus.problem(), ...log.filter((line) => !line.includes('differs from the manifest'))]).toEqual([undefined]);
  });

  it('can keep events until they are handled, on a stream created for it', async () => {
    const options: TestBusOptions = { bus: { retention: 'until-handled' }, streamConfig: 'replicas: 1\nmaxAge: 1s' };
    await openBus('operator', 'tenant-a', options);
    const bus = await openBus('a', 'tenant-a', options);
    const listener = await listen(bus, 'tenant-a');
    await bus.publishEvents([sampleEvent('handled')]);
    await take(listener, (await listener.measureBacklog(true)).waiting);
    await eventually(async () => (await bus.extent()).events === 0);
  }, 30_000);

  it.each<[string, string]>([
    ["publish the other's events", eventSubject(B.events, PATH)],
    ["publish the other's decisions", `${B.decisions.prefix}.tenant-b.s.fired`],
    ["replace the contents that the other's sensors hold", `${B.held.prefix}.tenant-b.s.n.0`],
    ["change the other's buckets", `$KV.${bucketName(B, 'positions')}.k`],
    ["write to the other's inboxes", `${B.inboxPrefix}.forged`],
    ["look at the other's stream", `$JS.API.STREAM.INFO.${B.events.stream}`],
    ["read the other's messages", `$JS.API.STREAM.MSG.GET.${B.events.stream}`],
    ["read the other's buckets", `$JS.API.DIRECT.GET.${bucketStream(bucketName(B, 'positions'))}`],
    ["purge the other's stream", `$JS.API.STREAM.PURGE.${B.events.stream}`],
    ["delete the other's stream", `$JS.API.STREAM.DELETE.${B.events.stream}`],
    ["listen on the other's stream", `$JS.API.CONSUMER.CREATE.${B.events.stream}.c`],
    ["delete the other's consumers", `$JS.API.CONSUMER.DELETE.${B.events.stream}.c`],
    ["pull from the other's consumers", `$JS.API.CONSUMER.MSG.NEXT.${B.events.stream}.c`],
    ["acknowledge the other's events", `$JS.ACK.${B.events.stream}.c.1.1.1.1.0`],
    ['list streams', '$JS.API.STREAM.NAMES'],
    ["create a stream with the other's as its source", `$JS.API.STREAM.CREATE.${A.events.stream}`],
    ['give its own stream such a source', `$JS.API.STREAM.UPDATE.${A.events.stream}`],
    [
      'have the raw text of its own bucket sent to any subject',
      `$JS.API.DIRECT.GET.${bucketStream(bucketName(A, 'positions'))}`,
    ],
    ['use the stream of Argo Events', 'default.stac.scenes'],
  ])('cannot %s', async (_, subject) => {
    const refused: unknown = await client.request(subject, '{}', { timeout: 5_000 }).catch((error: unknown) => error);
    expect(isPermissionViolation(refused)).toBe(true);
  });

  it.each([
    ['events', `${B.events.prefix}.>`],
    ['replies to others', '_INBOX.>'],
    ["replies to the other's", `${B.inboxPrefix}.>`],
    ['buckets', '$KV.>'],
    ['everything', '>'],
  ])('cannot listen to %s', async (_, subject) => {
    const refused = await new Promise((resolve) => {
      client.subscribe(subject, { callback: (error, message) => resolve(error ?? message) });
    });
    expect(isPermissionViolation(refused)).toBe(true);
  });

  it("cannot make the server forge an event on the other's subject by any reply", async () => {
    const forged = encodeEvent(sampleEvent('forged', { sluicenamespace: 'tenant-b' }));
    const victim = eventSubject(B.events, PATH);
    const js = jetstream(client);
    const manager = await js.jetstreamManager();
    await js.publish(eventSubject(A.events, PATH), forged);
    await manager.consumers.add(A.events.stream, { durable_name: 'thief', ack_policy: 'explicit' });
    const next = `$JS.API.CONSUMER.MSG.NEXT.${A.events.stream}.thief`;
    client.publish(next, JSON.stringify({ batch: 10 }), { reply: victim });
    client.publish(`$JS.API.STREAM.MSG.GET.${A.events.stream}`, JSON.stringify({ seq: 1 }), { reply: victim });
    client.publish(eventSubject(A.events, PATH), forged, { reply: victim });
    await manager.consumers.add(A.events.stream, { name: 'pushed', ack_policy: 'none', deliver_subject: victim });
    await client.flush();
    await ofB.publishEvents([sampleEvent('after')]);
    const seen: Array<string | undefined> = [];
    while (!seen.includes('after')) seen.push(...idsOf(await take(listenerOfB, 1)));
    // Answers of the server are no events; each is recorded as one that cannot be read.
    expect(seen.filter((id) => id !== undefined)).toEqual(['of-b', 'after']);
    expect(seen.length).toBeGreaterThan(2);
  });
});
