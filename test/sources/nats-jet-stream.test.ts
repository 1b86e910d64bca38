import { AckPolicy, jetstream, jetstreamManager, RetentionPolicy, type JetStreamManager } from '@nats-io/jetstream';
import { connect, headers as createHeaders, type NatsConnection } from '@nats-io/transport-node';
import { join } from 'node:path';
import { startNats, type RunningNats } from '../../dev/servers';
import type { JsonObject } from '../../src/event/json';
import type { EventOptions } from '../../src/manifest/event-source';
import { natsJetStreamSource } from '../../src/sources/nats-jet-stream';
import type { Delivery, PositionStore, SourceContext } from '../../src/sources/source';
import { repoRoot } from '../../dev/repo-root';
import { runSluice } from '../cli/run-cli-for-test';
import { createSource, describeSourceContract } from '../contract-suites/source-contract';
import { eventually } from '../setup/eventually';
import { failureOf } from '../setup/failure';
import { startTcpGate } from '../setup/tcp-gate';
import { readSource, type SourceReading } from './read-source';

type JetStreamOptions = EventOptions<'natsJetStream'>;

const AUTH = { basic: { username: { name: 'nats', key: 'user' }, password: { name: 'nats', key: 'password' } } };
const STREAM = 'SCENES';
const CONSUMER = 'reader';
/** As docs/sources/nats-jet-stream.md lists them. */
const RIGHTS = [
  `$JS.API.STREAM.INFO.${STREAM}`,
  `$JS.API.CONSUMER.INFO.${STREAM}.${CONSUMER}`,
  `$JS.API.CONSUMER.CREATE.${STREAM}.${CONSUMER}.>`,
  `$JS.API.CONSUMER.CREATE.${STREAM}.${CONSUMER}`,
  `$JS.API.CONSUMER.MSG.NEXT.${STREAM}.${CONSUMER}`,
  `$JS.ACK.${STREAM}.${CONSUMER}.>`,
];

describeSourceContract<JetStreamOptions>({
  factory: natsJetStreamSource,
  capabilities: { payload: 'sent', keepsBacklog: true, deliversAgain: true, hasServer: true },
  async start() {
    const access = { password: 'secret-1', rights: RIGHTS };
    const server = await startNats({
      own: true,
      configuration: () => `authorization { users: [
        { user: sender, password: sender }
        { user: reader, password: "${access.password}", permissions: {
          publish: [${access.rights.map((subject) => `"${subject}"`).join(', ')}], subscribe: ["_INBOX.>"] } }
      ] }`,
    });
    const gate = await startTcpGate(server.port);
    const client = await connectSender(server);
    const manager = await jetstreamManager(client);
    await manager.streams.add({ name: STREAM, subjects: ['scenes.>'] });
    const secrets = { 'nats/user': 'reader', 'nats/password': access.password };
    let sent = 0;
    const send = async (text: string): Promise<void> => {
      const msgID = `message-${(sent += 1)}`;
      await eventually(() => jetstream(client).publish('scenes.new', text, { msgID, timeout: 2_000 }));
    };
    const named = { stream: STREAM, consumer: CONSUMER, auth: AUTH, jsonBody: true };
    return {
      spec: { url: `nats://${gate.host}:${gate.port}`, ...named },
      unreachableSpec: { url: 'nats://127.0.0.1:1', ...named },
      secrets,
      gate,
      send: (text) => send(JSON.stringify({ text })),
      sendPoison: () => send('{ not JSON'),
      textOf: (event) => (event.data as { body: { text: string } }).body.text,
      restartServer: () => server.restart(),
      async rotatePassword() {
        access.password = 'secret-2';
        await server.restart();
        secrets['nats/password'] = 'secret-2';
      },
      async withdrawRights() {
        access.rights = RIGHTS.filter((subject) => !subject.includes('MSG.NEXT'));
        await server.restart();
      },
      handedOut: async () => (await manager.consumers.info(STREAM, CONSUMER)).num_ack_pending,
      hangServer() {
        server.outage.pause();
        return Promise.resolve(() => server.outage.resume());
      },
      async stop() {
        server.outage.resume();
        await client.close();
        await gate.stop();
        await server.stop();
      },
    };
  },
});

describe('event source natsJetStream', () => {
  let server: RunningNats;
  let client: NatsConnection;
  let manager: JetStreamManager;
  let streams = 0;
  let stream: string;
  let position: PositionStore & { stored: JsonObject | undefined };
  const open: SourceReading[] = [];

  beforeAll(async () => {
    server = await startNats({ own: true });
    client = await connect({ servers: server.url });
    manager = await jetstreamManager(client);
  });

  beforeEach(async () => {
    stream = `S${(streams += 1)}`;
    await manager.streams.add({ name: stream, subjects: [`${stream}.>`] });
    position = {
      stored: undefined,
      read: () => Promise.resolve(position.stored),
      write: (value) => {
        position.stored = value;
        return Promise.resolve();
      },
    };
  });

  afterEach(async () => {
    await Promise.all(open.splice(0).map((reading) => reading.stop()));
    await manager.streams.delete(stream).catch(() => undefined);
  });

  afterAll(async () => {
    await client?.close();
    await server?.stop();
  });

  const publish = (text: string, subject = 'new', more = {}): Promise<unknown> =>
    jetstream(client).publish(`${stream}.${subject}`, text, more);

  function read(spec: Partial<JetStreamOptions> = {}, overrides: Partial<SourceContext> = {}): SourceReading {
    const reading = readSource(natsJetStreamSource, { url: server.url, stream, ...spec }, { position, ...overrides });
    open.push(reading);
    return reading;
  }

  const bodiesOf = ({ events }: Delivery): string[] =>
    events.map(({ data }) => Buffer.from((data as { body: string }).body, 'base64').toString());

  /** Reads and acknowledges until `count` messages have arrived. */
  async function take({ next }: SourceReading, count: number): Promise<string[]> {
    const bodies: string[] = [];
    while (bodies.length < count) {
      const delivery = await next();
      bodies.push(...bodiesOf(delivery));
      await delivery.acknowledge({ rejected: [] });
    }
    return bodies;
  }

  const consumerOf = async () => (await manager.consumers.list(stream).next())[0];

  it.each<[string, Partial<JetStreamOptions>, string, unknown]>([
    ['base64', {}, 'hello', 'aGVsbG8='],
    ['JSON with jsonBody', { jsonBody: true }, '{"a":[1]}', { a: [1] }],
  ])('gives messages the payload of the nats source, and their place: %s', async (_case, spec, message, body) => {
    const headers = createHeaders();
    headers.append('X-Mission', 'a');
    headers.append('traceparent', '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01');
    await publish(message, 'one', { headers });
    const [event] = (await read({ ...spec, metadata: { team: 'eo' } }).next()).events;
    expect(event?.data).toMatchObject({
      subject: `${stream}.one`,
      body,
      header: { 'X-Mission': ['a'] },
      stream,
      sequence: 1,
      metadata: { team: 'eo' },
    });
    expect(event?.transportId).toMatch(new RegExp(`^${stream}:1:\\d+$`));
    expect(event?.traceparent).toBe('00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01');
    expect(event?.time).toMatch(/^20\d\d-/);
  });

  it('reads the subjects of the manifest only, also after they changed', async () => {
    for (const subject of ['a.1', 'b.1', 'c.1']) await publish(subject, subject);
    const first = read({ consumer: 'mine', subjects: [`${stream}.a.*`, `${stream}.b.*`] });
    expect(await take(first, 2)).toEqual(['a.1', 'b.1']);
    await first.stop();
    for (const subject of ['a.2', 'b.2', 'c.2']) await publish(subject, subject);
    const second = read({ consumer: 'mine', subjects: [`${stream}.a.*`] });
    expect(await take(second, 1)).toEqual(['a.2']);
    expect((await manager.consumers.info(stream, 'mine')).config.filter_subjects).toEqual([`${stream}.a.*`]);
  });

  it.each<[string, SourceContext['startFrom'], string[]]>([
    ['all', { kind: 'all' }, ['one', 'two', 'three', 'last']],
    ['new', { kind: 'new' }, ['last']],
    ['a sequence', { kind: 'id', id: '2' }, ['two', 'three', 'last']],
  ])('begins where sluice.io/start-from says: %s', async (_case, startFrom, expected) => {
    for (const text of ['one', 'two', 'three']) await publish(text);
    const reading = read({}, { startFrom });
    const taking = take(reading, expected.length);
    await eventually(() => reading.source.status().connected);
    await publish('last');
    expect(await taking).toEqual(expected);
  });

  it('uses the consumer that an operator made, and leaves its settings alone', async () => {
    await manager.consumers.add(stream, {
      durable_name: 'theirs',
      ack_policy: AckPolicy.Explicit,
      filter_subject: `${stream}.a`,
      max_deliver: 7,
    });
    await publish('not this', 'b');
    await publish('this', 'a');
    expect(await take(read({ consumer: 'theirs' }), 1)).toEqual(['this']);
    expect((await manager.consumers.info(stream, 'theirs')).config).toMatchObject({ max_deliver: 7 });
  });

  it.each<[string, object, string]>([
    ['that pushes', { deliver_subject: 'elsewhere', ack_policy: AckPolicy.Explicit }, 'pushes its messages'],
    ['without acknowledgements', { ack_policy: AckPolicy.None }, 'ack policy none'],
  ])('ends with a clear error for a consumer %s', async (_case, config, reason) => {
    await manager.consumers.add(stream, { durable_name: 'theirs', ack_policy: AckPolicy.None, ...config });
    const failure = await failureOf(read({ consumer: 'theirs' }).next());
    expect(failure.code).toBe('EVENT_SOURCE_MISCONFIGURED');
    expect(failure.message).toContain(reason);
  });

  it('says that a stream does not exist, and reads once it does', async () => {
    await manager.streams.delete(stream);
    const reading = read();
    const next = reading.next();
    await eventually(() => reading.source.status().problem?.includes(`the stream "${stream}" does not exist`));
    expect(
      (await failureOf(createSource(natsJetStreamSource, { spec: { url: server.url, stream } }).check())).code,
    ).toBe('EVENT_SOURCE_UNREACHABLE');
    await manager.streams.add({ name: stream, subjects: [`${stream}.>`] });
    await publish('one');
    expect(bodiesOf(await next)).toEqual(['one']);
  });

  it('goes on after the last message on the bus when its consumer is deleted', async () => {
    for (const text of ['one', 'two']) await publish(text);
    const reading = read();
    expect(await take(reading, 2)).toEqual(['one', 'two']);
    await eventually(() => position.stored?.handledTo === 2);
    const next = reading.next();
    const { name = '' } = (await consumerOf()) ?? {};
    await manager.consumers.delete(stream, name);
    await eventually(async () => (await consumerOf()) !== undefined);
    await publish('three');
    expect(bodiesOf(await next)).toEqual(['three']);
    expect(reading.lines.join()).toContain('was gone; it was created again');
  });

  it('reads all of a stream that was made anew', async () => {
    await publish('one');
    const reading = read();
    expect(await take(reading, 1)).toEqual(['one']);
    await eventually(() => position.stored?.handledTo === 1);
    const next = reading.next();
    await manager.streams.delete(stream);
    await manager.streams.add({ name: stream, subjects: [`${stream}.>`] });
    await publish('one again');
    expect(bodiesOf(await next)).toEqual(['one again']);
  });

  it('reads a work queue, and removes a message once it is on the bus', async () => {
    await manager.streams.delete(stream);
    await manager.streams.add({ name: stream, subjects: [`${stream}.>`], retention: RetentionPolicy.Workqueue });
    await publish('one');
    const delivery = await read({}, { startFrom: { kind: 'new' } }).next();
    expect((await manager.streams.info(stream)).state.messages).toBe(1);
    await delivery.acknowledge({ rejected: [] });
    await eventually(async () => (await manager.streams.info(stream)).state.messages === 0);
  });

  it('keeps a message from other readers as long as the bus is away', async () => {
    await manager.consumers.add(stream, {
      durable_name: 'short',
      ack_policy: AckPolicy.Explicit,
      ack_wait: 3_000_000_000,
    });
    await publish('one');
    const reading = read({ consumer: 'short' });
    const delivery = await reading.next();
    const receivedAt = Date.now();
    await eventually(async () => {
      expect((await manager.consumers.info(stream, 'short')).num_redelivered).toBe(0);
      return Date.now() - receivedAt > 5_000;
    });
    await delivery.acknowledge({ rejected: [] });
    await eventually(async () => (await manager.consumers.info(stream, 'short')).num_ack_pending === 0);
  });

  it('gives back at once what is not on the bus when it stops', async () => {
    await publish('one');
    const first = read({ consumer: 'mine' });
    await first.next();
    await first.stop();
    expect(bodiesOf(await read({ consumer: 'mine' }).next())).toEqual(['one']);
  });

  it('fires as the example of its page says', async () => {
    const example = (file: string): string => join(repoRoot, 'examples', file);
    const run = await runSluice([
      ...['test', '-f', example('nats-jet-stream'), '--event', example('nats-jet-stream-test/events.yaml')],
      ...['--expect', example('nats-jet-stream-test/expected.yaml')],
    ]);
    expect(run.stdout).toContain('as expected');
    expect(run.exitCode).toBe(0);
  });

  it('names its consumer after namespace, source and event, also where those are no names for NATS', async () => {
    const own = read({}, { eventName: 'new scenes.*' });
    const next = own.next();
    const consumer = await eventually(consumerOf);
    expect(consumer.name).toMatch(/^sluice_argo_outside_new-scenes---[\da-z]+$/);
    expect(consumer.config.description).toBe('Sluice event source argo/outside, event new scenes.*');
    await publish('one');
    expect(bodiesOf(await next)).toEqual(['one']);
  });
});

/** Waits out the server's absences, as tests cause them. */
function connectSender(server: RunningNats): Promise<NatsConnection> {
  return connect({
    servers: server.url,
    user: 'sender',
    pass: 'sender',
    maxReconnectAttempts: -1,
    reconnectTimeWait: 50,
    reconnectJitter: 0,
  });
}
