import {
  AclOperationTypes,
  AclPermissionTypes,
  AclResourceTypes,
  CompressionTypes,
  Kafka,
  logLevel,
  ResourcePatternTypes,
  type IHeaders,
} from 'kafkajs';
import { readFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { startKafka, type RunningKafka } from '../../dev/kafka';
import { textOf } from '../../src/event/json-text';
import type { EventOptions } from '../../src/manifest/event-source';
import { kafkaSource } from '../../src/sources/kafka';
import type { Delivery, Source } from '../../src/sources/source';
import { createSource, describeSourceContract } from '../contract-suites/source-contract';
import { eventually } from '../setup/eventually';
import { failureOf } from '../setup/failure';
import { startTcpGate } from '../setup/tcp-gate';
import { readSource, type SourceReading } from './read-source';

jest.setTimeout(120_000);

type KafkaOptions = EventOptions<'kafka'>;

const ADMIN = { username: 'admin', password: 'admin' };
const selector = (key: string) => ({ name: 'kafka', key });

function connectSender(broker: string, sasl?: typeof ADMIN): Kafka {
  return new Kafka({
    brokers: [broker],
    logLevel: logLevel.NOTHING,
    retry: { retries: 2, initialRetryTime: 50 },
    ...(sasl && { sasl: { mechanism: 'plain' as const, ...sasl } }),
  });
}

describeSourceContract<KafkaOptions>({
  factory: kafkaSource,
  capabilities: { payload: 'sent', keepsBacklog: true, deliversAgain: true, hasServer: true },
  async start() {
    const reader = { username: 'reader', password: 'secret-1' };
    const gate = await startTcpGate(1);
    const server = await startKafka({
      topic: 'scenes',
      advertisedPort: gate.port,
      sasl: { mechanism: 'PLAIN', ...ADMIN },
      reader: () => reader,
      keepsData: true,
    });
    gate.leadTo(server.port);
    // The sender goes through the gate, too: the broker names no other address. It waits while the gate is shut.
    const kafka = connectSender(`${gate.host}:${gate.port}`, ADMIN);
    const producer = kafka.producer({ allowAutoTopicCreation: false });
    const secrets = { 'kafka/user': reader.username, 'kafka/password': reader.password };
    const send = (value: string): Promise<unknown> =>
      eventually(async () => {
        await producer.connect();
        return await producer.send({ topic: 'scenes', messages: [{ value }] });
      });
    return {
      spec: {
        url: `${gate.host}:${gate.port}`,
        topic: 'scenes',
        jsonBody: true,
        consumerGroup: { groupName: 'sluice', oldest: true },
        sasl: { mechanism: 'PLAIN', userSecret: selector('user'), passwordSecret: selector('password') },
      },
      unreachableSpec: { url: '127.0.0.1:1', topic: 'scenes', consumerGroup: { groupName: 'sluice' } },
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
        reader.password = 'secret-2';
        await server.restart();
        secrets['kafka/password'] = 'secret-2';
      },
      async withdrawRights() {
        const admin = kafka.admin();
        await admin.connect();
        await admin.deleteAcls({
          filters: [
            {
              resourceType: AclResourceTypes.TOPIC,
              resourceName: '*',
              resourcePatternType: ResourcePatternTypes.ANY,
              principal: 'User:reader',
              host: '*',
              operation: AclOperationTypes.ANY,
              permissionType: AclPermissionTypes.ANY,
            },
          ],
        });
        await admin.disconnect();
      },
      hangServer() {
        server.outage.pause();
        return Promise.resolve(() => server.outage.resume());
      },
      async stop() {
        server.outage.resume();
        await producer.disconnect().catch(() => undefined);
        await gate.stop();
        await server.stop();
      },
    };
  },
});

// The broker is a fake that speaks the real protocol: see dev/kafka.ts.
describe('event source kafka', () => {
  let server: RunningKafka;
  let kafka: Kafka;
  let topics = 0;
  const open: SourceReading[] = [];

  beforeAll(async () => {
    server = await startKafka({ autoCreateTopics: true });
    kafka = connectSender(server.broker);
  });

  afterEach(async () => {
    await Promise.all(open.splice(0).map((reading) => reading.stop()));
  });

  afterAll(() => server?.stop());

  interface Sent {
    readonly key?: string;
    readonly value: string | Buffer | null;
    readonly headers?: IHeaders;
    readonly partition?: number;
    readonly timestamp?: string;
  }

  async function send(topic: string, messages: Sent[], compression = CompressionTypes.None): Promise<void> {
    const producer = kafka.producer({ allowAutoTopicCreation: true });
    await producer.connect();
    await producer.send({ topic, compression, messages });
    await producer.disconnect();
  }

  /** With two partitions, both of which begin at 0. */
  async function createTopic(): Promise<string> {
    const topic = `topic-${(topics += 1)}`;
    const admin = kafka.admin();
    await admin.connect();
    await admin.createTopics({ topics: [{ topic, numPartitions: 2 }], waitForLeaders: true });
    await admin.disconnect();
    return topic;
  }

  async function committed(groupId: string, topic: string): Promise<Record<number, string>> {
    const admin = kafka.admin();
    await admin.connect();
    const [of] = await admin.fetchOffsets({ groupId, topics: [topic] });
    await admin.disconnect();
    return Object.fromEntries((of?.partitions ?? []).map(({ partition, offset }) => [partition, offset]));
  }

  function read(spec: Partial<KafkaOptions> & { topic: string }): SourceReading {
    const group = { groupName: `group-${spec.topic}`, oldest: true };
    const reading = readSource(kafkaSource, { url: server.broker, consumerGroup: group, ...spec });
    open.push(reading);
    return reading;
  }

  async function readAll({ next }: SourceReading, count: number): Promise<Delivery[]> {
    const deliveries: Delivery[] = [];
    for (let seen = 0; seen < count;) {
      const delivery = await next();
      deliveries.push(delivery);
      seen += delivery.events.length + delivery.rejected.length;
    }
    return deliveries;
  }

  it.each<[string, Partial<KafkaOptions>, Omit<Sent, 'timestamp'>, string]>([
    [
      'base64',
      {},
      { value: 'hello' },
      '"key":"","partition":0,"body":"aGVsbG8=","timestamp":"2026-01-31 12:00:00.25 +0000 UTC","headers":{}}',
    ],
    [
      'JSON with jsonBody, as it was sent',
      { jsonBody: true, metadata: { team: 'eo' } },
      { key: 'tile', value: '{"b":1.0,"a":[12345678901234567890]}', headers: { z: 'last', a: ['one', 'two'] } },
      '"key":"tile","partition":0,"body":{"b":1.0,"a":[12345678901234567890]},"timestamp":"2026-01-31 12:00:00.25 +0000 UTC","headers":{"a":"two","z":"last"},"metadata":{"team":"eo"}}',
    ],
    [
      'null for a record without a value',
      { jsonBody: true },
      { key: 'gone', value: null },
      '"key":"gone","partition":0,"body":null,"timestamp":"2026-01-31 12:00:00.25 +0000 UTC","headers":{}}',
    ],
  ])('gives records the payload of Argo Events: %s', async (_case, spec, message, expected) => {
    const topic = await createTopic();
    await send(topic, [{ ...message, partition: 0, timestamp: String(Date.UTC(2026, 0, 31, 12, 0, 0, 250)) }]);
    const { events } = await read({ topic, ...spec }).next();
    expect(events.map(({ data }) => textOf(data))).toEqual([`{"topic":"${topic}",${expected}`]);
    expect(events[0]).toMatchObject({
      transportId: `${topic}:0:0:1769860800250`,
      time: '2026-01-31T12:00:00.250Z',
    });
  });

  it('follows the trace of a record, and finds a STAC item in it', async () => {
    const topic = await createTopic();
    const item = { type: 'Feature', stac_version: '1.0.0', id: 'a', properties: {} };
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
    await send(topic, [{ value: JSON.stringify(item), headers: { traceparent } }]);
    expect((await read({ topic }).next()).events[0]).toMatchObject({ traceparent, document: item });
  });

  it('reads a record with thousands of headers, and a name that objects have', async () => {
    const topic = await createTopic();
    const headers = Object.fromEntries(Array.from({ length: 5_000 }, (_, index) => [`header-${index}`, 'x']));
    await send(topic, [{ value: 'x', headers: Object.assign(headers, { constructor: 'y' }) }]);
    const { events } = await read({ topic }).next();
    const { headers: found } = events[0]?.data as { headers: Record<string, string> };
    expect(Object.keys(found)).toHaveLength(5_001);
    expect(found.constructor).toBe('y');
  });

  it('leaves a broker that announces a reply of two gigabytes, and says so', async () => {
    const hostile = createServer((socket) => {
      socket.on('error', () => undefined);
      socket.on('data', () => socket.write(Buffer.from([0x77, 0, 0, 0, 0, 0, 0, 0])));
    });
    await new Promise<void>((resolve) => hostile.listen(0, '127.0.0.1', resolve));
    const url = `127.0.0.1:${(hostile.address() as AddressInfo).port}`;
    const reading = readSource(kafkaSource, { url, topic: 'a', consumerGroup: { groupName: 'g' } });
    open.push(reading);
    reading.next().catch(() => undefined);
    await eventually(() => reading.source.status().problem?.includes(url));
    expect(reading.source.status().connected).toBe(false);
    await reading.stop();
    hostile.close();
  });

  it.each([
    ['gzip', CompressionTypes.GZIP],
    ['snappy', CompressionTypes.Snappy],
  ])('reads records that are compressed with %s', async (_name, compression) => {
    const topic = await createTopic();
    await send(topic, [{ value: 'water '.repeat(10_000) }], compression);
    const { events } = await read({ topic }).next();
    expect(events[0]?.data).toMatchObject({ body: Buffer.from('water '.repeat(10_000)).toString('base64') });
  });

  it('commits the records before the first that is not on the bus, however they are acknowledged', async () => {
    const topic = await createTopic();
    const reading = read({ topic, limitEventsPerSecond: 10 });
    await send(
      topic,
      Array.from({ length: 4 }, (_, index) => ({ value: String(index), partition: 1 })),
    );
    const [first, second, ...others] = await readAll(reading, 4);
    const group = `group-${topic}`;
    for (const delivery of others) await delivery.acknowledge({ rejected: [] });
    expect(await committed(group, topic)).toMatchObject({ 1: '0' });
    await first?.acknowledge({ rejected: [] });
    expect(await committed(group, topic)).toMatchObject({ 1: '1' });
    await second?.acknowledge({ rejected: [] });
    expect(await committed(group, topic)).toMatchObject({ 1: '4' });
  });

  it('begins with the next records unless the oldest are asked for, and loses none while nobody reads', async () => {
    const topic = await createTopic();
    await send(topic, [{ value: 'before' }]);
    const spec = { topic, consumerGroup: { groupName: `group-${topic}` } };
    const first = read(spec);
    const early = first.next().catch(() => undefined);
    await eventually(async () => Object.values(await committed(`group-${topic}`, topic)).includes('1'));
    await first.stop();
    await early;
    await send(topic, [{ value: 'meanwhile' }]);
    const { events } = await read(spec).next();
    expect(events.map(({ data }) => (data as { body: string }).body)).toEqual([
      Buffer.from('meanwhile').toString('base64'),
    ]);
  });

  it('reads a single partition in a group of its own, and continues where it was', async () => {
    const topic = await createTopic();
    const spec = { topic, partition: '1', consumerGroup: undefined };
    const first = read(spec);
    const next = first.next();
    await eventually(() => first.source.status().connected);
    await send(topic, [
      { value: 'other', partition: 0 },
      { value: 'one', partition: 1 },
    ]);
    const delivery = await next;
    expect(delivery.position).toBe(`${topic}:1:0`);
    await delivery.acknowledge({ rejected: [] });
    await first.stop();
    await send(topic, [{ value: 'two', partition: 1 }]);
    expect(await createSource(kafkaSource, { spec: { url: server.broker, ...spec } }).backlog?.(never())).toEqual({
      entries: 1,
      pending: 0,
    });
    expect((await read(spec).next()).position).toBe(`${topic}:1:1`);
  });

  it.each(['range', 'roundrobin', 'sticky'])(
    'shares partitions with other members by %s, and hands them over without loss',
    async (rebalanceStrategy) => {
      const topic = await createTopic();
      const spec = { topic, consumerGroup: { groupName: `group-${topic}`, oldest: true, rebalanceStrategy } };
      const seen = new Map<string, Set<Source>>();
      const take = async ({ source, next }: SourceReading): Promise<void> => {
        for (;;) {
          const delivery = await next();
          for (const { data } of delivery.events) {
            const { body } = data as { body: string };
            seen.set(body, (seen.get(body) ?? new Set()).add(source));
          }
          await delivery.acknowledge({ rejected: [] });
        }
      };
      const both = (from: number): Sent[] =>
        Array.from({ length: 20 }, (_, index) => ({ value: String(from + index), partition: index % 2 }));
      const one = read(spec);
      take(one).catch(() => undefined);
      await send(topic, both(0));
      await eventually(() => seen.size === 20);
      const two = read(spec);
      take(two).catch(() => undefined);
      let sent = 20;
      await eventually(async () => {
        await send(topic, both(sent));
        sent += 20;
        return [...seen.values()].some((sources) => sources.has(two.source));
      });
      await one.stop();
      await send(topic, both(sent));
      await eventually(() => seen.size === sent + 20);
    },
  );

  it('hands on no more events in a second than limitEventsPerSecond', async () => {
    const topic = await createTopic();
    await send(
      topic,
      Array.from({ length: 30 }, (_, index) => ({ value: String(index) })),
    );
    const deliveries = await readAll(read({ topic, limitEventsPerSecond: 20 }), 30);
    expect(Math.max(...deliveries.map(({ events }) => events.length))).toBeLessThanOrEqual(2);
  });

  it('says that a topic does not exist, and reads once it does', async () => {
    const strict = await startKafka({});
    const reading = readSource(kafkaSource, { url: strict.broker, topic: 'later', consumerGroup: { oldest: true } });
    open.push(reading);
    const next = reading.next();
    await eventually(() => reading.source.status().problem?.includes('the topic does not exist'));
    const admin = connectSender(strict.broker).admin();
    await admin.connect();
    await admin.createTopics({ topics: [{ topic: 'later' }] });
    await admin.disconnect();
    const producer = connectSender(strict.broker).producer();
    await producer.connect();
    await producer.send({ topic: 'later', messages: [{ value: 'x' }] });
    await producer.disconnect();
    expect((await next).events).toHaveLength(1);
    await reading.stop();
    await strict.stop();
  });

  it('verifies the certificate of the broker', async () => {
    const strict = await startKafka({ topic: 'scenes', tls: true });
    const secrets = { 'kafka/ca': await readFile(strict.tls?.caPath ?? '', 'utf8') };
    const spec = { url: strict.broker, topic: 'scenes', consumerGroup: { groupName: 'g' } };
    const check = (tls: KafkaOptions['tls']) => createSource(kafkaSource, { spec: { ...spec, tls }, secrets }).check();
    await check({ caCertSecret: selector('ca') });
    expect((await failureOf(check({ enabled: true }))).code).toBe('EVENT_SOURCE_UNREACHABLE');
    const plain = await failureOf(check(undefined));
    expect(plain.code).toBe('EVENT_SOURCE_UNREACHABLE');
    await strict.stop();
  });

  it.each(['SCRAM-SHA-256', 'SCRAM-SHA-512'] as const)(
    'logs in with %s, and reports wrong credentials',
    async (mechanism) => {
      const strict = await startKafka({ topic: 'scenes', sasl: { mechanism, ...ADMIN } });
      const sasl = { mechanism, userSecret: selector('user'), passwordSecret: selector('password') };
      const spec = { url: strict.broker, topic: 'scenes', consumerGroup: { groupName: 'g' }, sasl };
      const check = (password: string) =>
        createSource(kafkaSource, { spec, secrets: { 'kafka/user': 'admin', 'kafka/password': password } }).check();
      await check('admin');
      const failure = await failureOf(check('guessed'));
      expect(failure.code).toBe('EVENT_SOURCE_MISCONFIGURED');
      expect(failure.message).not.toContain('guessed');
      await strict.stop();
    },
  );

  it('connects to no blocked address', async () => {
    const spec = { url: '169.254.169.254:9092', topic: 'a', consumerGroup: { groupName: 'g' } };
    const failure = await failureOf(createSource(kafkaSource, { spec }).check());
    expect(failure).toMatchObject({ code: 'EVENT_SOURCE_MISCONFIGURED' });
  });
});

function never(): AbortSignal {
  return new AbortController().signal;
}
