import { connectAsync, type IClientOptions, type MqttClient } from 'mqtt';
import { readFile } from 'node:fs/promises';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { startMosquitto, type RunningMosquitto } from '../../dev/mosquitto';
import type { EventOptions } from '../../src/manifest/event-source';
import { mqttSource } from '../../src/sources/mqtt';
import type { PositionStore } from '../../src/sources/source';
import { createSource, describeSourceContract } from '../contract-suites/source-contract';
import { eventually } from '../setup/eventually';
import { failureOf } from '../setup/failure';
import { openMosquittoUsers } from '../setup/mosquitto-users';
import { startTcpGate } from '../setup/tcp-gate';
import { readSource, type SourceReading } from './read-source';

type MqttOptions = EventOptions<'mqtt'>;

const AUTH = { username: { name: 'mqtt', key: 'user' }, password: { name: 'mqtt', key: 'password' } };

describeSourceContract<MqttOptions>({
  factory: mqttSource,
  // The session begins with the first subscription, and MQTT does not tell how much waits in it.
  capabilities: {
    payload: 'sent',
    keepsBacklog: true,
    countsBacklog: false,
    deliversAgain: true,
    hasServer: true,
    beginsNow: true,
  },
  async start() {
    const server = await startMosquitto({
      users: [
        { name: 'admin', password: 'admin', topics: '#', isAdministrator: true },
        { name: 'sender', password: 'sender', topics: 'scenes/#' },
        { name: 'reader', password: 'secret-1', topics: 'scenes/#' },
      ],
    });
    const gate = await startTcpGate(server.port);
    const client = await connectClient(server, { username: 'sender', password: 'sender' });
    const users = await openMosquittoUsers(server.url, 'admin', 'admin');
    const secrets = { 'mqtt/user': 'reader', 'mqtt/password': 'secret-1' };
    return {
      spec: {
        url: `tcp://${gate.host}:${gate.port}`,
        topic: 'scenes/+',
        clientId: 'sluice',
        auth: AUTH,
        jsonBody: true,
      },
      unreachableSpec: { url: 'tcp://127.0.0.1:1', topic: 'scenes/+', clientId: 'sluice' },
      secrets,
      gate,
      async send(text) {
        await client.publishAsync('scenes/new', JSON.stringify({ text }), { qos: 1 });
      },
      async sendPoison() {
        await client.publishAsync('scenes/new', '{ not JSON', { qos: 1 });
      },
      textOf: (event) => (event.data as { body: { text: string } }).body.text,
      restartServer: () => server.restart(),
      async rotatePassword() {
        await users.setPassword('reader', 'secret-2');
        secrets['mqtt/password'] = 'secret-2';
      },
      withdrawRights: () => users.removeRole('reader'),
      hangServer() {
        server.outage.pause();
        return Promise.resolve(() => server.outage.resume());
      },
      async stop() {
        await client.endAsync(true);
        await users.close();
        await gate.stop();
        await server.stop();
      },
    };
  },
});

describe('event source mqtt', () => {
  let server: RunningMosquitto;
  let client: MqttClient;
  let clients = 0;
  const open: SourceReading[] = [];

  beforeAll(async () => {
    server = await startMosquitto();
    client = await connectClient(server);
  });

  afterEach(async () => {
    await Promise.all(open.splice(0).map((reading) => reading.stop()));
  });

  afterAll(async () => {
    await client?.endAsync(true);
    await server?.stop();
  });

  /** Reads with a source of its own that has subscribed already. */
  async function read(spec: Partial<MqttOptions> = {}, position?: PositionStore) {
    clients += 1;
    const options = { url: server.url, topic: 'level/+', clientId: `reader-${clients}`, ...spec };
    const reading = readSource(mqttSource, options, position && { position });
    open.push(reading);
    const first = reading.next();
    first.catch(() => undefined);
    await eventually(() => reading.source.status().connected);
    return { ...reading, first, options };
  }

  it.each<[string, Partial<MqttOptions>, string, unknown]>([
    ['base64', {}, 'hello', 'aGVsbG8='],
    ['base64, even if it is JSON', {}, '{"a":1}', 'eyJhIjoxfQ=='],
    ['JSON with jsonBody', { jsonBody: true }, '{"a":[1]}', { a: [1] }],
    ['JSON null with jsonBody', { jsonBody: true }, 'null', null],
    ['an empty message', {}, '', ''],
  ])('gives messages the payload of Argo Events: %s', async (_, spec, message, body) => {
    const { first } = await read({ ...spec, metadata: { team: 'eo' } });
    await client.publishAsync('level/one', message, { qos: 1 });
    const { events, rejected } = await first;
    expect(rejected).toEqual([]);
    expect(JSON.stringify(events[0]?.data)).toBe(
      JSON.stringify({ topic: 'level/one', messageId: 1, body, metadata: { team: 'eo' } }),
    );
  });

  it('reads messages of quality of service 0, with the message id 0 of Argo Events', async () => {
    const { first } = await read();
    await client.publishAsync('level/one', 'x', { qos: 0 });
    const [event] = (await first).events;
    expect(event?.data).toEqual({ topic: 'level/one', messageId: 0, body: 'eA==' });
    expect(event?.deliveryId).toBeUndefined();
  });

  it('finds the id of a STAC item in a message, even if the body stays base64', async () => {
    const { first } = await read();
    const item = { type: 'Feature', stac_version: '1.0.0', id: 'a', properties: {} };
    await client.publishAsync('level/one', JSON.stringify(item), { qos: 1 });
    expect((await first).events[0]?.document).toEqual(item);
  });

  it('gives a message that is delivered again its former id, also to the next reader', async () => {
    const position = keptPosition();
    const crashed = await read({}, position);
    await client.publishAsync('level/one', 'again', { qos: 1 });
    const before = (await crashed.first).events[0]?.deliveryId;
    expect(before).toBeDefined();
    await crashed.stop();
    const next = await read(crashed.options, position);
    const delivery = await next.first;
    expect(delivery.events[0]?.deliveryId).toBe(before);
    await delivery.acknowledge({ rejected: [] });
    await client.publishAsync('level/one', 'again', { qos: 1 });
    expect((await next.next()).events[0]?.deliveryId).not.toBe(before);
  });

  it('receives retained messages once, however often it subscribes', async () => {
    const retained = await connectClient(server);
    await retained.publishAsync('state/one', 'kept', { qos: 1, retain: true });
    const position = keptPosition({ epoch: 'e', topic: 'state/+', isSettled: true });
    const options = { topic: 'state/+', clientId: 'state-reader' };
    const first = await read(options);
    expect((await first.first).events[0]?.data).toMatchObject({ topic: 'state/one' });
    await (await first.first).acknowledge({ rejected: [] });
    await first.stop();
    const next = await read(options, position);
    await client.publishAsync('state/two', 'new', { qos: 1 });
    expect((await next.first).events.map(({ data }) => data)).toMatchObject([{ topic: 'state/two' }]);
    await retained.endAsync(true);
  });

  it('leaves the former topic of its session when the manifest names another', async () => {
    const position = keptPosition();
    const options = { clientId: 'changing' };
    const first = await read({ ...options, topic: 'former/+' }, position);
    await first.stop();
    const next = await read({ ...options, topic: 'later/+' }, position);
    await client.publishAsync('former/one', 'x', { qos: 1 });
    await client.publishAsync('later/one', 'y', { qos: 1 });
    expect((await next.first).events.map(({ data }) => data)).toMatchObject([{ topic: 'later/one' }]);
  });

  it('says so when the broker has forgotten its session', async () => {
    const position = keptPosition({ epoch: 'e', topic: 'level/+', isSettled: true });
    const { lines } = await read({ clientId: 'forgotten' }, position);
    expect(lines.some((line) => line.includes('no session of client "forgotten"'))).toBe(true);
  });

  it('rejects a message that no bus would accept, and reads on', async () => {
    const { first, next } = await read();
    await client.publishAsync('level/one', Buffer.alloc(17 * 1024 * 1024), { qos: 1 });
    await client.publishAsync('level/two', 'x', { qos: 1 });
    const deliveries = [await first];
    while (deliveries.every(({ events }) => events.length === 0)) deliveries.push(await next());
    expect(deliveries.flatMap(({ rejected }) => rejected)).toMatchObject([{ code: 'BUS_EVENT_TOO_LARGE' }]);
    expect(deliveries.flatMap(({ events }) => events)).toMatchObject([{ data: { topic: 'level/two' } }]);
  });

  it('bounds its memory, counts what it drops of quality of service 0, and asks again for the rest', async () => {
    const { source, first, next, lines } = await read();
    const megabyte = Buffer.alloc(1_000_000, 'x');
    for (let index = 0; index < 60; index += 1) await client.publishAsync('level/zero', megabyte, { qos: 0 });
    await eventually(() => source.status().dropped > 0);
    expect(source.status().problem).toContain('quality of service 0');
    await client.publishAsync('level/one', 'must arrive', { qos: 1 });
    const topics: unknown[] = [];
    for (let delivery = await first; !topics.includes('level/one'); delivery = await next()) {
      topics.push(...delivery.events.map(({ data }) => Reflect.get(data, 'topic') as unknown));
      await delivery.acknowledge({ rejected: [] });
      if (topics.includes('level/one')) break;
    }
    expect(topics.filter((topic) => topic === 'level/zero').length).toBeLessThan(60);
    expect(lines.filter((line) => line.includes('drops messages'))).toHaveLength(1);
  });

  it('connects with TLS and a client certificate, and checks the broker', async () => {
    const strict = await startMosquitto({ tls: true, requireClientCertificate: true });
    const files = strict.tls;
    if (files === undefined) throw new Error('the broker has no TLS');
    const [ca, cert, key] = await Promise.all(
      [files.caPath, files.clientCertificatePath, files.clientKeyPath].map((path) => readFile(path, 'utf8')),
    );
    const select = (name: string) => ({ name: 'mqtt', key: name });
    const tls = { caCertSecret: select('ca'), clientCertSecret: select('cert'), clientKeySecret: select('key') };
    const secrets = { 'mqtt/ca': ca ?? '', 'mqtt/cert': cert ?? '', 'mqtt/key': key ?? '' };
    const url = `ssl://${strict.host}:${strict.port}`;
    const spec = { topic: 'a', clientId: 'strict' };
    await createSource(mqttSource, { spec: { ...spec, url, tls }, secrets }).check();
    for (const unfit of [{ url }, { url: `tcp://${strict.host}:${strict.port}` }]) {
      const failure = await failureOf(createSource(mqttSource, { spec: { ...spec, ...unfit } }).check());
      expect(failure.code).toBe('EVENT_SOURCE_UNREACHABLE');
    }
    await strict.stop();
  });

  it('ends with a clear error, without secrets, if the broker refuses the login', async () => {
    const strict = await startMosquitto({ users: [{ name: 'reader', password: 'right', topics: '#' }] });
    const spec = { url: strict.url, topic: 'a', clientId: 'guessing', auth: AUTH };
    const secrets = { 'mqtt/user': 'reader', 'mqtt/password': 'guessed' };
    const wrong = createSource(mqttSource, { spec, secrets });
    const failure = await failureOf(wrong.deliveries()[Symbol.asyncIterator]().next());
    expect(failure.code).toBe('EVENT_SOURCE_MISCONFIGURED');
    expect(failure.message).toMatch(/refused|authorized/i);
    expect(failure.message).not.toContain('guessed');
    await wrong.close();
    await strict.stop();
  });

  it.each(['tcp://user:%zz@127.0.0.1:1883', 'wss://127.0.0.1:1883', 'tcp://'])(
    'ends with a clear error if its url leads nowhere: %s',
    async (url) => {
      const failure = await failureOf(createSource(mqttSource, { spec: { url, topic: 'a', clientId: 'c' } }).check());
      expect(failure).toMatchObject({ code: 'EVENT_SOURCE_MISCONFIGURED', fix: 'Correct url' });
      expect(failure.message).not.toContain('%zz');
    },
  );

  it('connects to no blocked address, and names no credentials of its url', async () => {
    const spec = { url: 'tcp://me:secret-3@169.254.169.254:1883', topic: 'a', clientId: 'c' };
    const failure = await failureOf(createSource(mqttSource, { spec }).check());
    expect(failure.code).toBe('EVENT_SOURCE_MISCONFIGURED');
    expect(failure.message).toContain('169.254.169.254');
    expect(failure.message).not.toContain('secret-3');
  });

  describe('with a server that speaks no MQTT', () => {
    let hostile: Server | undefined;

    afterEach(() => hostile?.close());

    it.each<[string, Buffer]>([
      ['a packet of 200 MB', Buffer.from([0x20, 0x80, 0x80, 0x80, 0x60, 0, 0])],
      ['a length without an end', Buffer.from([0x20, 0xff, 0xff, 0xff, 0xff, 0xff])],
      ['another protocol', Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n')],
      ['zeros', Buffer.alloc(2048)],
    ])('reports it as unreachable: %s', async (_, bytes) => {
      hostile = createServer((socket) => socket.on('error', () => undefined).write(bytes));
      await new Promise<void>((resolve) => hostile?.listen(0, '127.0.0.1', resolve));
      const { port } = hostile.address() as AddressInfo;
      const spec = { url: `tcp://127.0.0.1:${port}`, topic: 'a', clientId: 'c' };
      const failure = await failureOf(createSource(mqttSource, { spec }).check());
      expect(failure.code).toBe('EVENT_SOURCE_UNREACHABLE');
    });
  });
});

/** Waits out the broker's absences, as tests cause them. */
async function connectClient(server: RunningMosquitto, options: IClientOptions = {}): Promise<MqttClient> {
  const client = await connectAsync(server.url, { reconnectPeriod: 50, ...options });
  client.on('error', () => undefined);
  return client;
}

function keptPosition(kept?: Awaited<ReturnType<PositionStore['read']>>): PositionStore {
  return {
    read: () => Promise.resolve(kept),
    write: (position) => {
      kept = position;
      return Promise.resolve();
    },
  };
}
