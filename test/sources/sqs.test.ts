import {
  CreateQueueCommand,
  ReceiveMessageCommand,
  SendMessageCommand,
  SQSClient,
  type Message,
} from '@aws-sdk/client-sqs';
import { sign } from 'aws4';
import { startMoto, type RunningMoto } from '../../dev/moto';
import { textOf } from '../../src/event/json-text';
import type { EventOptions } from '../../src/manifest/event-source';
import { sqsSource, sqsSourceHiding } from '../../src/sources/sqs';
import { createSource, describeSourceContract } from '../contract-suites/source-contract';
import { eventually } from '../setup/eventually';
import { failureOf } from '../setup/failure';
import { startTcpGate } from '../setup/tcp-gate';
import { readSource, type SourceReading } from './read-source';

type SqsOptions = EventOptions<'sqs'>;

interface Keys {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

const REGION = 'eu-central-1';
const HIDDEN_SECONDS = 5;
const ANY_KEYS: Keys = { accessKeyId: 'any', secretAccessKey: 'any' };
const KEYS = { accessKey: { name: 'aws', key: 'id' }, secretKey: { name: 'aws', key: 'secret' } };
const ANY_SECRETS = { 'aws/id': 'any', 'aws/secret': 'any' };

async function callIam(url: string, keys: Keys, parameters: Readonly<Record<string, string>>): Promise<string> {
  const body = new URLSearchParams({ Version: '2010-05-08', ...parameters }).toString();
  const headers = { 'Content-Type': 'application/x-www-form-urlencoded; charset=utf-8' };
  const request = {
    service: 'iam',
    region: 'us-east-1',
    host: new URL(url).host,
    method: 'POST',
    path: '/',
    headers,
    body,
  };
  const signed = sign(request, keys);
  const named = Object.entries(signed.headers ?? {}).map(([name, value]) => [name, String(value)] as const);
  const answer = await fetch(url, { method: 'POST', body, headers: Object.fromEntries(named) });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`IAM answers ${answer.status}: ${text}`);
  return text;
}

async function createKeys(url: string, keys: Keys, user: string): Promise<Keys> {
  const text = await callIam(url, keys, { Action: 'CreateAccessKey', UserName: user });
  const part = (name: string): string => new RegExp(`<${name}>(.*?)</${name}>`).exec(text)?.[1] ?? '';
  return { accessKeyId: part('AccessKeyId'), secretAccessKey: part('SecretAccessKey') };
}

async function createUser(url: string, user: string, actions: readonly string[]): Promise<Keys> {
  await callIam(url, ANY_KEYS, { Action: 'CreateUser', UserName: user });
  const statement = { Effect: 'Allow', Action: actions, Resource: '*' };
  await callIam(url, ANY_KEYS, {
    Action: 'PutUserPolicy',
    UserName: user,
    PolicyName: 'rights',
    PolicyDocument: JSON.stringify({ Version: '2012-10-17', Statement: [statement] }),
  });
  return await createKeys(url, ANY_KEYS, user);
}

function connectTo(url: string, credentials: Keys): SQSClient {
  return new SQSClient({ region: REGION, endpoint: url, credentials });
}

// It is moto, which has the API of SQS: see dev/moto.ts. Its start takes two seconds of CPU.
let server: RunningMoto;
let queues = 0;

beforeAll(async () => (server = await startMoto()), 180_000);
afterAll(() => server?.stop());

/** A queue, a reader with the rights that the source needs, and an administrator. */
async function setUp(queue: string) {
  await connectTo(server.url, ANY_KEYS).send(new CreateQueueCommand({ QueueName: queue }));
  const reader = await createUser(server.url, 'reader', [
    'sqs:GetQueueUrl',
    'sqs:GetQueueAttributes',
    'sqs:ReceiveMessage',
    // Amazon asks for the rights without Batch, moto for those with it.
    'sqs:DeleteMessage*',
    'sqs:ChangeMessageVisibility*',
  ]);
  const admin = await createUser(server.url, 'admin', ['*']);
  await server.checkRights();
  return { reader, admin };
}

describeSourceContract<SqsOptions>({
  // A server goes on with the request of a reader that is gone, and hides the messages it finds for it.
  factory: sqsSourceHiding(HIDDEN_SECONDS),
  capabilities: { payload: 'sent', keepsBacklog: true, deliversAgain: true, hasServer: true },
  async start() {
    await server.forgetAll();
    const gate = await startTcpGate(server.port);
    // The server may still be looking for messages for readers of the test before.
    const queue = `scenes-${(queues += 1)}`;
    let users = await setUp(queue);
    const secrets = { 'aws/id': users.reader.accessKeyId, 'aws/secret': users.reader.secretAccessKey };
    const useKeys = (keys: Keys): void => {
      secrets['aws/id'] = keys.accessKeyId;
      secrets['aws/secret'] = keys.secretAccessKey;
    };
    let sender = connectTo(server.url, users.admin);
    const send = (body: string): Promise<unknown> =>
      eventually(() => {
        const command = new SendMessageCommand({ QueueUrl: `${server.url}/123456789012/${queue}`, MessageBody: body });
        return sender.send(command);
      });
    return {
      spec: { region: REGION, queue, endpoint: `http://${gate.host}:${gate.port}`, jsonBody: true, ...KEYS },
      unreachableSpec: { region: REGION, queue, endpoint: 'http://127.0.0.1:1', ...KEYS },
      secrets,
      gate,
      async send(text) {
        await send(JSON.stringify({ text }));
      },
      async sendPoison() {
        await send('{ not JSON');
      },
      textOf: (event) => (event.data as { body: { text: string } }).body.text,
      async restartServer() {
        await server.restart();
        users = await setUp(queue);
        sender = connectTo(server.url, users.admin);
        useKeys(users.reader);
      },
      async rotatePassword() {
        const former = users.reader.accessKeyId;
        const reader = await createKeys(server.url, users.admin, 'reader');
        await callIam(server.url, users.admin, { Action: 'DeleteAccessKey', UserName: 'reader', AccessKeyId: former });
        useKeys(reader);
      },
      async withdrawRights() {
        const rights = { Action: 'DeleteUserPolicy', UserName: 'reader', PolicyName: 'rights' };
        await callIam(server.url, users.admin, rights);
      },
      hangServer() {
        server.outage.pause();
        return Promise.resolve(() => server.outage.resume());
      },
      async stop() {
        server.outage.resume();
        await gate.stop();
      },
    };
  },
});

describe('event source sqs', () => {
  const open: SourceReading[] = [];

  beforeAll(() => server.forgetAll());

  afterEach(async () => {
    await Promise.all(open.splice(0).map((reading) => reading.stop()));
  });

  const client = (): SQSClient => connectTo(server.url, ANY_KEYS);

  async function createQueue(): Promise<{ queue: string; url: string }> {
    const queue = `queue-${(queues += 1)}`;
    const { QueueUrl: url = '' } = await client().send(new CreateQueueCommand({ QueueName: queue }));
    return { queue, url };
  }

  function send(url: string, body: string, more: Pick<Message, 'MessageAttributes'> = {}): Promise<unknown> {
    return client().send(new SendMessageCommand({ QueueUrl: url, MessageBody: body, ...more }));
  }

  async function visible(url: string): Promise<number> {
    const { Messages = [] } = await client().send(
      new ReceiveMessageCommand({ QueueUrl: url, VisibilityTimeout: 0, MaxNumberOfMessages: 10 }),
    );
    return Messages.length;
  }

  function specOf(queue: string, more: Partial<SqsOptions> = {}): SqsOptions {
    return { region: REGION, queue, endpoint: server.url, ...KEYS, ...more };
  }

  function read(spec: SqsOptions, secrets: Readonly<Record<string, string>> = ANY_SECRETS): SourceReading {
    const reading = readSource(sqsSource, spec, {}, secrets);
    open.push(reading);
    return reading;
  }

  it.each<[string, Partial<SqsOptions>, string, Pick<Message, 'MessageAttributes'>, string]>([
    ['base64', {}, 'hello', {}, '"messageAttributes":null,"body":"aGVsbG8="}'],
    [
      'JSON with jsonBody, as it was sent',
      { jsonBody: true, metadata: { team: 'eo' } },
      '{"b":1.0,"a":[12345678901234567890]}',
      {
        MessageAttributes: {
          mission: { DataType: 'String', StringValue: 'S2A' },
          bytes: { DataType: 'Binary', BinaryValue: Buffer.from('hi') },
        },
      },
      '"messageAttributes":{"bytes":{"BinaryListValues":null,"BinaryValue":"aGk=","DataType":"Binary","StringListValues":null,"StringValue":null},"mission":{"BinaryListValues":null,"BinaryValue":null,"DataType":"String","StringListValues":null,"StringValue":"S2A"}},"body":{"b":1.0,"a":[12345678901234567890]},"metadata":{"team":"eo"}}',
    ],
  ])('gives messages the payload of Argo Events: %s', async (_case, spec, body, more, expected) => {
    const { queue, url } = await createQueue();
    await send(url, body, more);
    const { events } = await read(specOf(queue, spec)).next();
    const [event] = events;
    expect(events.map(({ data }) => textOf(data))).toEqual([`{"messageId":"${event?.transportId}",${expected}`]);
    expect(event?.time).toMatch(/^20\d\d-/);
  });

  it('deletes a message once it is acknowledged, and hides it until then', async () => {
    const { queue, url } = await createQueue();
    await send(url, 'one');
    const reading = read(specOf(queue));
    const delivery = await reading.next();
    expect(await visible(url)).toBe(0);
    expect(await reading.source.backlog?.(new AbortController().signal)).toEqual({ entries: 1, pending: 1 });
    await delivery.acknowledge({ rejected: [] });
    expect(await reading.source.backlog?.(new AbortController().signal)).toEqual({ entries: 0, pending: 0 });
  });

  it('gives back at once what is not on the bus when it stops', async () => {
    const { queue, url } = await createQueue();
    await send(url, 'one');
    const reading = read(specOf(queue));
    await reading.next();
    await reading.stop();
    expect(await visible(url)).toBe(1);
  });

  it('hides a message as long as the bus is away', async () => {
    const { queue, url } = await createQueue();
    await send(url, 'one');
    const reading = readSource(sqsSourceHiding(HIDDEN_SECONDS), specOf(queue), {}, ANY_SECRETS);
    open.push(reading);
    await reading.next();
    const receivedAt = Date.now();
    await eventually(async () => {
      expect(await visible(url)).toBe(0);
      // Longer than the message was hidden for at first.
      return Date.now() - receivedAt > 1_500 * HIDDEN_SECONDS;
    });
  });

  it('leaves a message that is no event to the dead-letter queue if there is one', async () => {
    const [plain, dead] = [await createQueue(), await createQueue()];
    for (const [{ queue, url }, dlq] of [
      [plain, false],
      [dead, true],
    ] as const) {
      await send(url, '{ not JSON');
      const reading = read(specOf(queue, { jsonBody: true, dlq }));
      const delivery = await reading.next();
      expect(delivery.rejected.map(({ code }) => code)).toEqual(['EVENT_UNDECODABLE']);
      await delivery.acknowledge({ rejected: delivery.rejected });
      const left = await reading.source.backlog?.(new AbortController().signal);
      expect(left?.entries).toBe(dlq ? 1 : 0);
    }
  });

  it('names the account of the queue', async () => {
    const { queue, url } = await createQueue();
    await send(url, 'one');
    expect((await read(specOf(queue, { queueAccountId: '123456789012' })).next()).events).toHaveLength(1);
  });

  it('reads with temporary keys', async () => {
    const { queue, url } = await createQueue();
    await send(url, 'one');
    const spec = specOf(queue, { sessionToken: { name: 'aws', key: 'token' } });
    expect((await read(spec, { ...ANY_SECRETS, 'aws/token': 'temporary' }).next()).events).toHaveLength(1);
  });

  it('reads with a role that it assumes', async () => {
    const { queue, url } = await createQueue();
    await send(url, 'one');
    process.env.AWS_ENDPOINT_URL_STS = server.url;
    try {
      const spec = specOf(queue, { roleARN: 'arn:aws:iam::123456789012:role/reader' });
      expect((await read(spec).next()).events).toHaveLength(1);
    } finally {
      delete process.env.AWS_ENDPOINT_URL_STS;
    }
  });

  it('says that a queue does not exist, and reads once it does', async () => {
    const reading = read(specOf('later'));
    const next = reading.next();
    await eventually(() => reading.source.status().problem?.includes('the queue later does not exist'));
    const { QueueUrl: url = '' } = await client().send(new CreateQueueCommand({ QueueName: 'later' }));
    await send(url, 'one');
    expect((await next).events).toHaveLength(1);
  });

  it.each(['http://169.254.169.254', 'http://[fd00:ec2::254]'])(
    'connects to no blocked address: %s',
    async (endpoint) => {
      const failure = await failureOf(
        createSource(sqsSource, { spec: specOf('q', { endpoint }), secrets: ANY_SECRETS }).check(),
      );
      expect(failure.code).toBe('EVENT_SOURCE_MISCONFIGURED');
    },
  );
});
