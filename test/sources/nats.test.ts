import { connect, createInbox, headers as createHeaders, type NatsConnection } from '@nats-io/transport-node';
import { readFile } from 'node:fs/promises';
import { startNats, type RunningNats } from '../../dev/servers';
import type { EventOptions } from '../../src/manifest/event-source';
import { natsSource } from '../../src/sources/nats';
import { createSource, describeSourceContract } from '../contract-suites/source-contract';
import { eventually } from '../setup/eventually';
import { failureOf } from '../setup/failure';
import { startTcpGate } from '../setup/tcp-gate';
import { readSource, type SourceReading } from './read-source';

type NatsOptions = EventOptions<'nats'>;

const AUTH = { basic: { username: { name: 'nats', key: 'user' }, password: { name: 'nats', key: 'password' } } };

describeSourceContract<NatsOptions>({
  factory: natsSource,
  // Core NATS forgets a message once it is sent: nothing before the start, nothing twice.
  capabilities: { payload: 'sent', keepsBacklog: false, deliversAgain: false, hasServer: true },
  async start() {
    const access = { password: 'secret-1', rights: '"scenes.>"' };
    const server = await startNats({
      own: true,
      configuration: () => `authorization { users: [
        { user: sender, password: sender }
        { user: reader, password: "${access.password}", permissions: { subscribe: [${access.rights}] } }
      ] }`,
    });
    const gate = await startTcpGate(server.port);
    const client = await connectSender(server);
    const secrets = { 'nats/user': 'reader', 'nats/password': access.password };
    const send = (text: string): Promise<unknown> => eventually(() => publishToSomebody(client, 'scenes.new', text));
    return {
      spec: { url: `nats://${gate.host}:${gate.port}`, subject: 'scenes.*', auth: AUTH, jsonBody: true },
      unreachableSpec: { url: 'nats://127.0.0.1:1', subject: 'scenes.*' },
      secrets,
      gate,
      async send(text) {
        await send(JSON.stringify({ text }));
      },
      async sendPoison() {
        await send('{ not JSON');
      },
      textOf: (event) => (event.data as { body: { text: string } }).body.text,
      restartServer: () => server.restart(),
      async rotatePassword() {
        access.password = 'secret-2';
        await server.restart();
        secrets['nats/password'] = 'secret-2';
      },
      async withdrawRights() {
        access.rights = '"other.>"';
        await server.restart();
      },
      hangServer() {
        server.outage.pause();
        return Promise.resolve(() => server.outage.resume());
      },
      async stop() {
        await client.close();
        await gate.stop();
        await server.stop();
      },
    };
  },
});

describe('event source nats', () => {
  let server: RunningNats;
  let client: NatsConnection;
  const open: SourceReading[] = [];

  beforeAll(async () => {
    server = await startNats({ own: true });
    client = await connect({ servers: server.url });
  });

  afterEach(async () => {
    await Promise.all(open.splice(0).map((reading) => reading.stop()));
  });

  afterAll(async () => {
    await client?.close();
    await server?.stop();
  });

  /** Reads with a source of its own that has subscribed already. */
  async function read(spec: Partial<NatsOptions> = {}) {
    const reading = readSource(natsSource, { url: server.url, subject: 'level.*', ...spec });
    open.push(reading);
    const first = reading.next();
    await eventually(() => reading.source.status().connected);
    return { ...reading, first };
  }

  it.each<[string, Partial<NatsOptions>, string, unknown]>([
    ['base64', {}, 'hello', 'aGVsbG8='],
    ['base64, even if it is JSON', {}, '{"a":1}', 'eyJhIjoxfQ=='],
    ['JSON with jsonBody', { jsonBody: true }, '{"a":[1]}', { a: [1] }],
    ['JSON null with jsonBody', { jsonBody: true }, 'null', null],
  ])('gives messages the payload of Argo Events: %s', async (_, spec, message, body) => {
    const { first } = await read({ ...spec, metadata: { team: 'eo' } });
    client.publish('level.one', message);
    const { events, rejected } = await first;
    expect(rejected).toEqual([]);
    expect(events[0]?.data).toEqual({ subject: 'level.one', body, metadata: { team: 'eo' } });
    expect(events[0]?.transportId).toBeUndefined();
  });

  it('adds the headers of a message, and follows its trace', async () => {
    const { first } = await read();
    const headers = createHeaders();
    for (const [name, value] of [
      ['X-Mission', 'a'],
      ['X-Mission', 'b'],
      ['traceparent', '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'],
    ] as const) {
      headers.append(name, value);
    }
    client.publish('level.one', 'x', { headers });
    const event = (await first).events[0];
    expect(event?.data).toMatchObject({ header: { 'X-Mission': ['a', 'b'] } });
    expect(event?.traceparent).toBe('00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01');
  });

  it('finds the id of a STAC item in a message, even if the body stays base64', async () => {
    const { first } = await read();
    const item = { type: 'Feature', stac_version: '1.0.0', id: 'a', properties: {} };
    client.publish('level.one', JSON.stringify(item));
    expect((await first).events[0]?.document).toEqual(item);
  });

  it('shares the messages of a queue group, also with other readers', async () => {
    const one = await read({ queue: 'workers' });
    const two = await read({ queue: 'workers' });
    await two.source.check();
    const seen: unknown[] = [];
    const take = async ({ first, next }: typeof one): Promise<void> => {
      for (let delivery = await first; ; delivery = await next()) {
        seen.push(...delivery.events.map(({ data }) => (data as { body: string }).body));
        await delivery.acknowledge({ rejected: [] });
      }
    };
    for (const reading of [one, two]) take(reading).catch(() => undefined);
    for (let index = 0; index < 100; index += 1) client.publish('level.one', String(index));
    await eventually(() => seen.length >= 100);
    expect(new Set(seen).size).toBe(100);
    expect(seen).toHaveLength(100);
  });

  it('bounds its memory in bytes, and counts what it drops', async () => {
    const { source, first, next, lines } = await read();
    const megabyte = 'x'.repeat(1_000_000);
    for (let index = 0; index < 60; index += 1) client.publish('level.one', megabyte);
    await client.flush();
    await eventually(() => source.status().dropped > 0);
    expect(source.status().problem).toContain('messages were dropped at');
    await (await first).acknowledge({ rejected: [] });
    await (await next()).acknowledge({ rejected: [] });
    expect(lines.filter((line) => line.includes('drops messages'))).toHaveLength(1);
  });

  it.each<['token' | 'nkey', NatsOptions['auth'], (identity: RunningNats['identity']) => string | undefined]>([
    ['token', { token: { name: 'nats', key: 'secret' } }, ({ token }) => token],
    ['nkey', { nkey: { name: 'nats', key: 'secret' } }, ({ nkeySeed }) => nkeySeed],
  ])('connects with auth by %s, and ends with a clear error if it is wrong', async (kind, auth, secretOf) => {
    const strict = await startNats({ own: true, authentication: kind });
    const spec = { url: strict.url, subject: 'a', auth };
    const good = secretOf(strict.identity) ?? '';
    const source = createSource(natsSource, { spec, secrets: { 'nats/secret': good } });
    await succeeds(() => source.check());
    const wrong = createSource(natsSource, {
      spec: { url: strict.url, subject: 'a', auth: { token: { name: 'nats', key: 'secret' } } },
      secrets: { 'nats/secret': 'guessed' },
    });
    const failure = await failureOf(wrong.deliveries()[Symbol.asyncIterator]().next());
    expect(failure.code).toBe('EVENT_SOURCE_MISCONFIGURED');
    expect(failure.message).not.toContain('guessed');
    expect(await failureOf(wrong.check())).toMatchObject({ code: expect.stringMatching(/^EVENT_SOURCE_/) as string });
    await strict.stop();
  });

  it('connects with TLS, and checks the server', async () => {
    const strict = await startNats({ own: true, tls: true });
    const subject = 'a';
    const tls = { caCertSecret: { name: 'nats', key: 'ca' } };
    const secrets = { 'nats/ca': await readFile(strict.tls?.caPath ?? '', 'utf8') };
    const source = createSource(natsSource, { spec: { url: strict.url, subject, tls }, secrets });
    await succeeds(() => source.check());
    const unchecked = createSource(natsSource, { spec: { url: strict.url, subject } });
    expect((await failureOf(unchecked.check())).code).toBe('EVENT_SOURCE_UNREACHABLE');
    await strict.stop();
  });

  it('connects to no blocked address, and names no credentials of its url', async () => {
    const source = createSource(natsSource, { spec: { url: 'nats://me:secret-3@169.254.169.254:4222', subject: 'a' } });
    const failure = await failureOf(source.check());
    expect(failure.code).toBe('EVENT_SOURCE_MISCONFIGURED');
    expect(failure.message).toContain('169.254.169.254:4222');
    expect(failure.message).not.toContain('secret-3');
  });
});

/** NATS cuts off a client that is too slow to log in, as it may be while other tests run. */
async function succeeds(attempt: () => Promise<void>): Promise<void> {
  await eventually(async () => {
    await attempt();
    return true;
  });
}

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

/** Returns false if nobody has subscribed: the server says so before it answers the flush. */
async function publishToSomebody(client: NatsConnection, subject: string, text: string): Promise<boolean> {
  const reply = createInbox();
  let isAlone = false;
  const answers = client.subscribe(reply, {
    callback: () => {
      isAlone = true;
    },
  });
  client.publish(subject, text, { reply });
  await client.flush();
  answers.unsubscribe();
  return !isAlone;
}
