import { Kafka, logLevel, type EachMessagePayload } from 'kafkajs';
import { readFile } from 'node:fs/promises';
import { startKafka, type RunningKafka, type StartKafkaOptions } from '../../dev/kafka';
import type { JsonObject } from '../../src/event/json';
import { kafkaTrigger } from '../../src/triggers/kafka';
import type { KafkaTemplate } from '../../src/clients/kafka/kafka-connection';
import type { FireRequest, FireResult } from '../../src/triggers/trigger';
import { eventually } from '../setup/eventually';
import { describeTriggerContract } from '../contract-suites/trigger-contract';
import { createTriggerWorld, failureOf, fireRequest } from './trigger-world';

/** More than the broker takes in one record, unless it is compressed. */
const TOO_LARGE = { text: 'water '.repeat(250_000) };

const selector = (key: string) => ({ name: 'kafka', key });

async function fire(
  template: KafkaTemplate,
  more: Partial<Omit<FireRequest<KafkaTemplate>, 'template'>> = {},
  world = createTriggerWorld(),
): Promise<FireResult> {
  const trigger = kafkaTrigger.create(world);
  try {
    return await trigger.fire(fireRequest(template, { payload: { scene: 'S2A' }, ...more }));
  } finally {
    await trigger.close();
  }
}

interface ReadRecord {
  readonly key?: string;
  readonly value?: string;
  readonly partition: number;
  readonly headers: Readonly<Record<string, string>>;
}

async function readRecords(broker: string, topic: string, count: number): Promise<ReadRecord[]> {
  const consumer = new Kafka({ brokers: [broker], logLevel: logLevel.NOTHING }).consumer({ groupId: `test-${topic}` });
  const records: ReadRecord[] = [];
  try {
    await consumer.connect();
    await consumer.subscribe({ topic, fromBeginning: true });
    await consumer.run({
      eachMessage: ({ message, partition }: EachMessagePayload) => {
        const headers = Object.entries(message.headers ?? {}).map(([name, value]) => [name, String(value)] as const);
        const [key, value] = [message.key?.toString(), message.value?.toString()];
        records.push({ key, value, partition, headers: Object.fromEntries(headers) });
        return Promise.resolve();
      },
    });
    return await eventually(() => records.length >= count && records);
  } finally {
    await consumer.disconnect();
  }
}

describeTriggerContract<KafkaTemplate>({
  factory: kafkaTrigger,
  hasKey: true,
  asksToWait: false,
  hasShortLimit: false,
  async start(gatePort) {
    const kafka = await startKafka({ topic: 'contract', advertisedPort: gatePort });
    const request: { payload: JsonObject } = { payload: { scene: 'S2A' } };
    return {
      port: kafka.port,
      // One key, so that the records have an order.
      leadTo: (port) => ({ url: `127.0.0.1:${port}`, topic: 'contract', partitioningKey: 'tile' }),
      request,
      async keys() {
        const records = await readRecords(`127.0.0.1:${gatePort}`, 'contract', 3);
        return records.map(({ headers }) => headers['idempotency-key']);
      },
      refuse: () => void (request.payload = TOO_LARGE),
      stop: () => kafka.stop(),
    };
  },
});

// The broker is a fake that speaks the real protocol: see dev/kafka.ts.
describe('the kafka trigger', () => {
  let kafka: RunningKafka;
  beforeAll(async () => (kafka = await startKafka({ autoCreateTopics: true })), 180_000);
  afterAll(() => kafka.stop());

  it('writes one record per fire and returns its position', async () => {
    const template: KafkaTemplate = {
      url: kafka.broker,
      topic: 'scenes',
      partitioningKey: 'tile-10TFK',
      headers: { origin: 'sluice' },
      secureHeaders: [{ name: 'token', valueFrom: { secretKeyRef: selector('token') } }],
    };
    const world = createTriggerWorld({ 'kafka/token': 't0ken' });
    const result = await eventually(() => fire(template, {}, world));
    expect(result).toMatchObject({ summary: expect.stringMatching(/topic scenes, partition \d, offset 0/) as string });
    expect(await readRecords(kafka.broker, 'scenes', 1)).toEqual([
      expect.objectContaining({
        key: 'tile-10TFK',
        value: '{"scene":"S2A"}',
        headers: { 'idempotency-key': 'fire-1', origin: 'sluice', token: 't0ken' },
      }),
    ]);
  });

  it('puts records with the same key into the same partition', async () => {
    for (const partitioningKey of ['a', 'b', 'a', 'b', 'c']) {
      await eventually(() => fire({ url: kafka.broker, topic: 'keyed', partitioningKey }));
    }
    const records = await readRecords(kafka.broker, 'keyed', 5);
    const partitionsOf = (key: string) => new Set(records.filter((r) => r.key === key).map((r) => r.partition));
    expect(partitionsOf('a').size).toBe(1);
    expect(partitionsOf('b').size).toBe(1);
  });

  it('compresses with snappy', async () => {
    await eventually(() => fire({ url: kafka.broker, topic: 'compressed', compress: true }, { payload: TOO_LARGE }));
    const [record] = await readRecords(kafka.broker, 'compressed', 1);
    expect(record?.value).toBe(JSON.stringify(TOO_LARGE));
    await failureOf(fire({ url: kafka.broker, topic: 'compressed' }, { payload: TOO_LARGE }));
  });

  it.each([
    ['nobody', 0],
    ['the leader', 1],
    ['all replicas', -1],
  ])('waits for %s', async (_who, requiredAcks) => {
    await eventually(() => fire({ url: kafka.broker, topic: 'acknowledged', requiredAcks }));
    const refused = fire({ url: kafka.broker, topic: 'acknowledged', requiredAcks }, { payload: TOO_LARGE });
    if (requiredAcks === 0) await refused;
    else await failureOf(refused);
  });

  it('tries every broker of the list', async () => {
    const url = `127.0.0.1:1, ${kafka.broker}`;
    await expect(eventually(() => fire({ url, topic: 'listed' }))).resolves.toMatchObject({ kind: 'response' });
  });

  it.each<[string, Partial<KafkaTemplate>]>([
    ['a schema registry', { schemaRegistry: { url: 'http://localhost:8081', schemaId: 1 } }],
    ['GSSAPI', { sasl: { mechanism: 'GSSAPI', userSecret: selector('user'), passwordSecret: selector('password') } }],
  ])('reports that %s is not supported yet', async (_case, more) => {
    const failure = await failureOf(fire({ url: kafka.broker, topic: 't', ...more }));
    expect(failure).toMatchObject({ code: 'TRIGGER_UNSUPPORTED', retryable: false });
  });

  it('previews the record without sending it', () => {
    const template: KafkaTemplate = {
      url: 'kafka:9092',
      topic: 'scenes',
      secureHeaders: [{ name: 'token', valueFrom: { secretKeyRef: selector('token') } }],
    };
    const preview = kafkaTrigger.create(createTriggerWorld()).preview?.(fireRequest(template, { payload: { a: 1 } }));
    expect(preview).toEqual({
      brokers: 'kafka:9092',
      topic: 'scenes',
      key: null,
      headers: { 'idempotency-key': 'fire-1', token: '<secret kafka/token>' },
      value: '{"a":1}',
    });
  });
});

describe('the kafka trigger and its broker', () => {
  let kafka: RunningKafka | undefined;
  const start = async (options: StartKafkaOptions) => (kafka = await startKafka(options));
  afterEach(async () => {
    await kafka?.stop();
    kafka = undefined;
  });

  it('fails transiently if the broker is down, and succeeds once it is back', async () => {
    const server = await start({ topic: 'scenes' });
    await server.stopKeepingAddress();
    const trigger = kafkaTrigger.create(createTriggerWorld());
    const request = fireRequest({ url: server.broker, topic: 'scenes' }, { payload: {} });
    expect(await failureOf(trigger.fire(request))).toMatchObject({ code: 'TRIGGER_UNREACHABLE', retryable: true });
    await server.restart();
    await expect(eventually(() => trigger.fire(request))).resolves.toMatchObject({ kind: 'response' });
    await server.restart();
    await expect(eventually(() => trigger.fire(request))).resolves.toMatchObject({ kind: 'response' });
    await trigger.close();
  });

  it('fails transiently if the topic does not exist yet', async () => {
    const { broker } = await start({});
    const failure = await failureOf(fire({ url: broker, topic: 'missing' }));
    expect(failure).toMatchObject({ code: 'TRIGGER_REFUSED', retryable: true });
  });

  it.each(['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512'] as const)('authenticates with %s', async (mechanism) => {
    const { broker } = await start({ topic: 'scenes', sasl: { mechanism, username: 'ada', password: 'pw' } });
    const template: KafkaTemplate = {
      url: broker,
      topic: 'scenes',
      sasl: { mechanism, userSecret: selector('user'), passwordSecret: selector('password') },
    };
    const good = createTriggerWorld({ 'kafka/user': 'ada', 'kafka/password': 'pw' });
    await expect(fire(template, {}, good)).resolves.toMatchObject({ kind: 'response' });
    const bad = createTriggerWorld({ 'kafka/user': 'ada', 'kafka/password': 'guess' });
    expect(await failureOf(fire(template, {}, bad))).toMatchObject({ code: 'TRIGGER_REFUSED', retryable: false });
  });

  it('verifies the certificate of the broker', async () => {
    const { broker, tls } = await start({ topic: 'scenes', tls: true });
    const world = createTriggerWorld({ 'kafka/ca': await readFile(tls?.caPath ?? '', 'utf8') });
    const template = (block: KafkaTemplate['tls']): KafkaTemplate => ({ url: broker, topic: 'scenes', tls: block });
    const sent = fire(template({ caCertSecret: selector('ca') }), {}, world);
    await expect(sent).resolves.toMatchObject({ kind: 'response' });
    const unverified = await failureOf(fire(template({ enabled: true }), {}, world));
    expect(unverified).toMatchObject({ code: 'TRIGGER_UNREACHABLE' });
    await expect(fire(template({ insecureSkipVerify: true }), {}, world)).resolves.toMatchObject({ kind: 'response' });
  });
});
