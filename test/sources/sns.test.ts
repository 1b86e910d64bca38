import { createSign } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runCommand } from '../../dev/binaries/run-command';
import type { EventOptions } from '../../src/manifest/event-source';
import { fetchFromAmazon } from '../../src/sources/sns-messages';
import { snsWith, type snsSource } from '../../src/sources/sns';
import { describeSourceContract } from '../contract-suites/source-contract';
import { hookContract, listenForHooks, type HookListener } from './hook-fixture';

const TOPIC = 'arn:aws:sns:eu-central-1:1:scenes';
const CERTIFICATE_URL = 'https://sns.eu-central-1.amazonaws.com/SimpleNotificationService-0123abcd.pem';
const CONFIRMATION = `Action=ConfirmSubscription&TopicArn=${encodeURIComponent(TOPIC)}&Token=t`;
const SUBSCRIBE_URL = `https://sns.eu-central-1.amazonaws.com/?${CONFIRMATION}`;
const SPEC = { topicArn: TOPIC, region: 'eu-central-1', validateSignature: true };

/** Amazon's key, for tests. */
let key: string;
let certificate: string;
let fetched: string[] = [];
let isReachable = true;
const source: typeof snsSource = snsWith((url) => {
  fetched.push(url);
  return isReachable ? Promise.resolve(certificate) : Promise.reject(new Error('unreachable'));
});

beforeAll(async () => {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-sns-'));
  const [keyFile, certificateFile] = [join(folder, 'key.pem'), join(folder, 'certificate.pem')];
  const request = ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-subj', '/CN=sns', '-days', '2'];
  await runCommand('openssl', [...request, '-keyout', keyFile, '-out', certificateFile]);
  [key, certificate] = await Promise.all([readFile(keyFile, 'utf8'), readFile(certificateFile, 'utf8')]);
  await rm(folder, { recursive: true });
});

type Message = Readonly<Record<string, string>>;

function notification(changes: Message = {}): Message {
  return {
    Type: 'Notification',
    MessageId: 'm-1',
    TopicArn: TOPIC,
    Message: 'a scene',
    Timestamp: '2026-11-30T00:00:00.000Z',
    SignatureVersion: '2',
    SigningCertURL: CERTIFICATE_URL,
    ...changes,
  };
}

const SIGNED = ['Message', 'MessageId', 'Subject', 'SubscribeURL', 'Timestamp', 'Token', 'TopicArn', 'Type'];

function signed(message: Message, changedLater: Message = {}): string {
  const text = SIGNED.flatMap((name) => (message[name] ? [`${name}\n${message[name]}\n`] : [])).join('');
  const algorithm = message['SignatureVersion'] === '1' ? 'RSA-SHA1' : 'RSA-SHA256';
  const Signature = createSign(algorithm).update(text).sign(key, 'base64');
  return JSON.stringify({ ...message, Signature, ...changedLater });
}

const confirmation = notification({ Type: 'SubscriptionConfirmation', Token: 't', SubscribeURL: SUBSCRIBE_URL });

describeSourceContract(
  hookContract<EventOptions<'sns'>>({
    factory: source,
    spec: SPEC,
    send: (text, id) => ({
      headers: { 'content-type': 'text/plain; charset=UTF-8' },
      body: signed(notification({ Message: text, MessageId: id })),
    }),
    textOf: (data) => (data as { body: { Message: string } }).body.Message,
  }),
);

describe('event source sns', () => {
  const open: HookListener[] = [];
  beforeEach(() => {
    fetched = [];
    isReachable = true;
  });
  afterEach(() => Promise.all(open.splice(0).map((listener) => listener.stop())));

  async function listen(spec: Partial<EventOptions<'sns'>> = {}): Promise<HookListener> {
    const listener = await listenForHooks(source, { ...SPEC, ...spec });
    open.push(listener);
    return listener;
  }

  it.each(['1', '2'])('gives a notification the payload of Argo Events (signature version %s)', async (version) => {
    const { post, received } = await listen({ metadata: { team: 'eo' } });
    const body = signed(notification({ Subject: 'new', SignatureVersion: version }));
    expect((await post({ headers: { 'x-amz-sns-message-type': 'Notification' }, body })).status).toBe(200);
    expect(received[0]?.events[0]).toMatchObject({
      transportId: 'm-1',
      data: {
        header: { 'X-Amz-Sns-Message-Type': ['Notification'] },
        body: JSON.parse(body) as unknown,
        metadata: { team: 'eo' },
      },
    });
  });

  it('reads the certificate once for many messages', async () => {
    const { post } = await listen();
    for (const id of ['m-1', 'm-2']) await post({ body: signed(notification({ MessageId: id })) });
    expect(fetched).toEqual([CERTIFICATE_URL]);
  });

  it('confirms a signed subscription to its topic, and makes no event of it', async () => {
    const { post, received } = await listen({ validateSignature: false });
    expect((await post({ body: signed(confirmation) })).status).toBe(200);
    expect(fetched).toEqual([CERTIFICATE_URL, SUBSCRIBE_URL]);
    expect(received).toEqual([]);
  });

  it.each<[string, () => string, number]>([
    ['of another topic', () => signed(notification({ TopicArn: `${TOPIC}-of-others` })), 403],
    ['that was changed after it was signed', () => signed(notification(), { Message: 'another' }), 401],
    ['without a signature', () => JSON.stringify(notification()), 401],
    ['that is no message of SNS', () => '{"a":1}', 400],
    ['that confirms at another host', () => signed({ ...confirmation, SubscribeURL: 'https://example.com/' }), 400],
  ])('rejects a request %s', async (_what, body, status) => {
    const { post, received } = await listen();
    expect((await post({ body: body() })).status).toBe(status);
    expect(received.flatMap(({ events }) => events)).toEqual([]);
  });

  it.each([
    'http://sns.eu-central-1.amazonaws.com/SimpleNotificationService-0123abcd.pem',
    'https://sns.eu-central-1.amazonaws.com.example.com/SimpleNotificationService-0123abcd.pem',
    'https://sns.eu-central-1.amazonaws.com:8443/SimpleNotificationService-0123abcd.pem',
    'https://bucket.s3.amazonaws.com/SimpleNotificationService-0123abcd.pem',
    // The bucket `sns` of anybody, as S3 serves it in each region.
    'https://sns.s3-us-west-2.amazonaws.com/SimpleNotificationService-0123abcd.pem',
    'https://sns.s3-accelerate.amazonaws.com/SimpleNotificationService-0123abcd.pem',
    'https://sns.execute-api.amazonaws.com/SimpleNotificationService-0123abcd.pem',
    'https://sns.eu-central-1.amazonaws.com/SimpleNotificationService-0123abcd.pem?1',
    'https://sns.eu-central-1.amazonaws.com/SimpleNotificationService-0123abcd.pem#1',
    'https://sns.eu-central-1.amazonaws.com@example.com/SimpleNotificationService-0123abcd.pem',
    'https://sns.eu-central-1.amazonaws.com/../SimpleNotificationService-0123abcd.pem/..',
    'https://sns.eu-central-1.amazonaws.com/other.pem',
    'no address',
  ])('fetches no certificate from %s', async (SigningCertURL) => {
    const { post } = await listen();
    expect((await post({ body: signed(notification({ SigningCertURL })) })).status).toBe(401);
    expect(fetched).toEqual([]);
  });

  it('asks for a retry while the certificate cannot be read', async () => {
    const { post, lines } = await listen();
    isReachable = false;
    expect((await post({ body: signed(notification()) })).status).toBe(503);
    expect(lines.join()).toContain('the certificate of Amazon SNS cannot be read: unreachable');
    isReachable = true;
    expect((await post({ body: signed(notification()) })).status).toBe(200);
  });

  it('confirms at the endpoint of an emulator, which signs nothing', async () => {
    const { post } = await listen({ endpoint: 'http://127.0.0.1:5000', validateSignature: false });
    const SubscribeURL = `http://127.0.0.1:5000/?${CONFIRMATION}`;
    expect((await post({ body: JSON.stringify({ ...confirmation, SubscribeURL }) })).status).toBe(200);
    expect(fetched).toEqual([SubscribeURL]);
  });

  it.each([
    ['another path', `http://127.0.0.1:5000/admin?${CONFIRMATION}`, `http://127.0.0.1:5000/?${CONFIRMATION}`],
    ['further parameters', `http://127.0.0.1:5000/?${CONFIRMATION}&delete=1`, `http://127.0.0.1:5000/?${CONFIRMATION}`],
    ['another action', `http://127.0.0.1:5000/?${CONFIRMATION.replace('Confirm', 'Un')}`, undefined],
    ['another topic', `http://127.0.0.1:5000/?${CONFIRMATION.replace('TopicArn=', 'TopicArn=x')}`, undefined],
    ['no token', 'http://127.0.0.1:5000/?Action=ConfirmSubscription', undefined],
  ])('gets nothing but the confirmation from an endpoint, for a caller that names %s', async (_, SubscribeURL, got) => {
    const { post } = await listen({ endpoint: 'http://127.0.0.1:5000', validateSignature: false });
    const { status } = await post({ body: JSON.stringify({ ...confirmation, SubscribeURL }) });
    expect(status).toBe(got === undefined ? 400 : 200);
    expect(fetched).toEqual(got === undefined ? [] : [got]);
  });

  it('connects to no blocked address, whatever the manifest names', async () => {
    await expect(fetchFromAmazon('http://169.254.169.254/latest/meta-data')).rejects.toThrow(/169\.254\.169\.254/);
  });
});
