/** Real servers between each source and each trigger: Redis, NATS, Temporal, kube-apiserver, HTTP, run by real workers. */
import { randomInt } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import fc from 'fast-check';
import Redis from 'ioredis';
import { SluiceCommand } from '../../dev/demo/command';
import { objects } from '../../dev/differential/random-json';
import { createApiClient, type ApiClient } from '../../dev/kubernetes/api-client';
import { startSystem, type OwnSystem } from '../../dev/system';
import { startWorker, type RunningWorker } from '../../dev/worker-process';
import { eventually } from '../setup/eventually';
import { freePort } from '../sources/free-port';

const NAMESPACE = 'lossless';
const PATIENCE = { timeoutMs: 120_000 };
const COUNT = 20;

interface SentDocument {
  /** Odd and beyond 2^53, so that JavaScript holds none of them. */
  readonly id: string;
  readonly text: string;
}

/** Numbers, keys, duplicates and letters of every kind; the same for the same seed. */
function generateDocuments(seed: number): SentDocument[] {
  return fc.sample(objects, { numRuns: COUNT, seed }).map((object, index) => {
    const id = String(2n ** 53n + 100_001n + 2n * BigInt(index));
    return { id, text: object === '{}' ? `{"n":${id}}` : `{"n":${id},${object.slice(1)}` };
  });
}

/** White space wherever JSON allows it: a sender's layout is the one thing that is not kept. */
function laidOut(text: string): string {
  return text.replace(/"(?:[^"\\]|\\.)*"|[{}[\],:]/g, (token) => (token.startsWith('"') ? token : ` ${token}\n`));
}

/** Strings escaped in one way, to compare texts. */
function comparable(text: string): string {
  return text.replace(/"(?:[^"\\]|\\.)*"/g, (string) => JSON.stringify(JSON.parse(string)));
}

interface Receiver {
  readonly url: string;
  /** Paths that are refused for good. */
  readonly refused: Set<string>;
  bodies(path: string): readonly string[];
  stop(): Promise<void>;
}

async function startReceiver(): Promise<Receiver> {
  const bodies = new Map<string, string[]>();
  const refused = new Set<string>();
  const server = createServer((request, response) => {
    const parts: Buffer[] = [];
    request.on('data', (part: Buffer) => parts.push(part));
    request.on('end', () => {
      const path = request.url ?? '';
      const isRefused = refused.has(path);
      if (!isRefused) bodies.set(path, [...(bodies.get(path) ?? []), Buffer.concat(parts).toString()]);
      response.writeHead(isRefused ? 400 : 200).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    refused,
    bodies: (path) => bodies.get(path) ?? [],
    stop: () => {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

interface WorkflowOfTest {
  readonly spec: { readonly arguments: { readonly parameters: ReadonlyArray<{ name: string; value: string }> } };
}

describe('numbers, bytes and keys survive from each source to each trigger', () => {
  const seed = randomInt(2 ** 31);
  const documents = generateDocuments(seed);
  let system: OwnSystem;
  let worker: RunningWorker | undefined;
  let sluice: SluiceCommand;
  let api: ApiClient;
  let receiver: Receiver;
  let nats: NatsConnection;
  let redis: Redis;
  let webhook: string;
  let folder: string;
  const published: string[] = [];

  const expectedTexts = (): string[] => documents.map(({ text }) => comparable(text)).sort();
  const arrived = async (count: number, texts: () => readonly string[]): Promise<string[]> =>
    (await eventually(() => (texts().length >= count ? texts() : undefined), PATIENCE)).map(comparable).sort();

  beforeAll(async () => {
    [system, receiver] = await Promise.all([startSystem({ temporalUi: false, own: true }), startReceiver()]);
    const { url, caPath, adminToken: token } = system.kubernetes;
    api = createApiClient({ url, ca: await readFile(caPath, 'utf8'), token });
    await api.expect('POST', '/api/v1/namespaces', { metadata: { name: NAMESPACE } }, [409]);
    nats = await connect({ servers: system.nats.url });
    nats.subscribe('documents', { callback: (_error, message) => void published.push(message.string()) });
    redis = new Redis(system.redis.url);
    const port = await freePort();
    webhook = `http://127.0.0.1:${port}/documents`;
    folder = await mkdtemp(join(tmpdir(), 'sluice-lossless-'));
    const manifests = manifestsFor(system, receiver, port);
    await Promise.all(
      manifests.map((manifest, index) => writeFile(join(folder, `${index}.json`), JSON.stringify(manifest))),
    );
    worker = await startWorker('all-in-one', system.environment);
    sluice = new SluiceCommand(system.environment);
    receiver.refused.add('/dead-end').add('/retriggered');
    await sluice.json('apply', '-f', folder, '-n', NAMESPACE, '--wait', '60s');
    for (const { text } of documents) {
      // A channel keeps nothing for a reader that is just connecting again.
      await eventually(async () => (await redis.publish('documents', laidOut(text))) > 0);
      await redis.xadd('documents', '*', 'document', text);
      const headers = { 'Content-Type': 'application/json' };
      const { status } = await fetch(webhook, { method: 'POST', headers, body: laidOut(text) });
      if (status !== 200) throw new Error(`the webhook answered ${status}`);
    }
  }, 180_000);

  afterAll(async () => {
    await worker?.stop();
    api?.close();
    redis?.disconnect();
    await nats?.close();
    await receiver?.stop();
    await system?.stop();
    if (folder !== undefined) await rm(folder, { recursive: true });
  }, 60_000);

  /** A failure shows the seed, for which the documents are the same. */
  const expectSame = (found: readonly unknown[], expected: readonly unknown[]): void =>
    expect({ seed, found }).toEqual({ seed, found: expected });

  it.each(['channel', 'stream', 'webhook'])(
    'from a %s to HTTP',
    async (dependency) => {
      expectSame(await arrived(COUNT, () => receiver.bodies(`/${dependency}`)), expectedTexts());
    },
    180_000,
  );

  it('from every source to NATS, inside a generated document', async () => {
    const expected = documents.flatMap(({ text }) => [
      `{"channel":${text}}`,
      `{"stream":${JSON.stringify(text)}}`,
      `{"webhook":${text}}`,
    ]);
    expectSame(await arrived(3 * COUNT, () => published), expected.map(comparable).sort());
  }, 180_000);

  it('from every source to the parameters of a Workflow, as string and as number', async () => {
    const found = await eventually(async () => {
      const { body } = await api.expect('GET', `/apis/argoproj.io/v1alpha1/namespaces/${NAMESPACE}/workflows`);
      const { items } = body as { items: WorkflowOfTest[] };
      return items.length >= 3 * COUNT ? items : undefined;
    }, PATIENCE);
    const parameters = found.map(({ spec }) => spec.arguments.parameters.map(({ value }) => comparable(value)));
    const expected = documents.flatMap(({ id, text }) => [
      [comparable(text), id],
      [comparable(text), id],
      [comparable(text), 'none'],
    ]);
    expectSame(parameters.sort(), expected.sort());
  }, 180_000);

  it('through a sensor that joins them by a number', async () => {
    const expected = documents.map(({ id, text }) => `{"channel":${id},"webhook":${id},"document":${text}}`);
    expectSame(await arrived(COUNT, () => receiver.bodies('/joined')), expected.map(comparable).sort());
  }, 180_000);

  it('through filters that match one of them by its digits', async () => {
    const [wanted] = documents;
    expectSame(await arrived(1, () => receiver.bodies('/filtered')), [comparable(wanted?.text ?? '')]);
  }, 180_000);

  it('to a dead letter, and to a retriggered fire', async () => {
    expectSame(await arrived(COUNT, () => receiver.bodies('/dead-letter')), expectedTexts());
    const [first] = documents;
    const parked = await eventually(async () => {
      const { runs } = (await sluice.json('runs', 'list', '--state', 'Parked', '-n', NAMESPACE)) as {
        runs: ReadonlyArray<{ id: string }>;
      };
      return runs.length > 0 ? runs : undefined;
    }, PATIENCE);
    receiver.refused.delete('/retriggered');
    for (const { id } of parked) await sluice.json('retrigger', id, '--why', 'the receiver is repaired');
    expectSame(await arrived(1, () => receiver.bodies('/retriggered')), [comparable(first?.text ?? '')]);
  }, 180_000);

  it('to explain, searched by its digits', async () => {
    const [first] = documents;
    await expect(sluice.json('explain', first?.id ?? '', '-n', NAMESPACE)).rejects.toThrow('3 events match');
  }, 180_000);

  function manifestsFor({ redis: server, nats: bus }: OwnSystem, { url }: Receiver, port: number): object[] {
    const hostAddress = `${server.host}:${server.port}`;
    const of = (kind: string, name: string, spec: object, annotations = {}): object => ({
      ...{ apiVersion: 'argoproj.io/v1alpha1', kind, metadata: { name, annotations }, spec },
    });
    const dependency = (name: string, filters?: object): object => ({
      ...{ name, eventSourceName: 'documents', eventName: name, ...(filters && { filters }) },
    });
    const keys = { channel: 'body', stream: 'values.document', webhook: 'body' };
    const from = (name: keyof typeof keys, dest: string, useRawData = true): object => ({
      ...{ src: { dependencyName: name, dataKey: keys[name], useRawData }, dest },
    });
    const all = ['channel', 'stream', 'webhook'] as const;
    const conditions = all.join(' || ');
    const http = (name: string, path: string, payload: object[], when: string): object => ({
      ...{ name, conditions: when, http: { url: `${url}/${path}`, method: 'POST', payload } },
    });
    const quickly = { retryStrategy: { steps: 1 } };
    const [first] = documents;
    const onlyFirst = { data: [{ path: 'body.n', type: 'string', value: [`^${first?.id ?? ''}$`] }] };
    const workflow = {
      ...{ apiVersion: 'argoproj.io/v1alpha1', kind: 'Workflow', metadata: { generateName: 'document-' } },
      spec: {
        workflowTemplateRef: { name: 'document' },
        arguments: { parameters: ['text', 'number'].map((name) => ({ name, value: 'none' })) },
      },
    };
    return [
      of('EventBus', 'default', { jetstreamExotic: { url: bus.url, streamConfig: 'replicas: 1' } }),
      of('EventSource', 'documents', {
        redis: { channel: { hostAddress, channels: ['documents'], jsonBody: true } },
        redisStream: { stream: { hostAddress, streams: ['documents'], consumerGroup: 'lossless' } },
        webhook: { webhook: { endpoint: '/documents', port: String(port), method: 'POST' } },
      }),
      of('Sensor', 'each', {
        dependencies: [...all.map((name) => dependency(name)), { ...dependency('webhook', onlyFirst), name: 'first' }],
        triggers: [
          ...all.map((name) => ({ template: http(name, name, [from(name, '')], name) })),
          {
            template: {
              ...{ name: 'nats', conditions },
              nats: { url: bus.url, subject: 'documents', payload: all.map((name) => from(name, name)) },
            },
          },
          {
            template: {
              ...{ name: 'workflow', conditions },
              argoWorkflow: {
                operation: 'submit',
                source: { resource: workflow },
                parameters: [
                  ...all.map((name) => from(name, 'spec.arguments.parameters.0.value', false)),
                  ...(['channel', 'webhook'] as const).map((dependencyName) => ({
                    src: { dependencyName, dataKey: 'body.n', useRawData: true },
                    dest: 'spec.arguments.parameters.1.value',
                  })),
                ],
              },
            },
          },
          {
            ...{ ...quickly, atLeastOnce: true, template: http('dead', 'dead-end', [from('webhook', '')], 'webhook') },
            dlqTrigger: {
              atLeastOnce: true,
              template: http('letter', 'dead-letter', [from('webhook', '')], 'webhook'),
            },
          },
          {
            template: http(
              'filtered',
              'filtered',
              [{ src: { dependencyName: 'first', dataKey: 'body' }, dest: '' }],
              'first',
            ),
          },
          {
            ...quickly,
            template: http(
              'again',
              'retriggered',
              [{ src: { dependencyName: 'first', dataKey: 'body' }, dest: '' }],
              'first',
            ),
          },
        ],
      }),
      of(
        'Sensor',
        'joined',
        {
          dependencies: [dependency('channel'), dependency('webhook')],
          triggers: [
            {
              template: http(
                'joined',
                'joined',
                [
                  { src: { dependencyName: 'channel', dataKey: 'body.n', useRawData: true }, dest: 'channel' },
                  { src: { dependencyName: 'webhook', dataKey: 'body.n', useRawData: true }, dest: 'webhook' },
                  from('webhook', 'document'),
                ],
                'channel && webhook',
              ),
            },
          ],
        },
        { 'sluice.io/correlate-by': 'body.n', 'sluice.io/keep': 'all' },
      ),
    ];
  }
});
