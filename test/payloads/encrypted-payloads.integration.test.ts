/** A whole installation whose payloads are encrypted: what Temporal stores and hands out, commands, and keys that change. */
import { readdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Connection, Client } from '@temporalio/client';
import { temporal } from '@temporalio/proto';
import { Worker } from '@temporalio/worker';
import { SensorPlugin } from '../../src/plugin/sensor-plugin';
import { sensorWorkflowId } from '../../src/contract/identity';
import { startClusterAtWork, type ClusterAtWork } from '../cli/cluster-at-work';
import { jsonOf, type CliRun } from '../cli/run-cli-for-test';
import { eventually } from '../setup/eventually';
import { workflowBundle } from '../workflows/sluice-world';
import { keyText } from './key-text';

/** In an event, in a manifest and in what a person says: everywhere that Temporal could store it. */
const CANARY = 'canary-7f3a9c';
const NAMESPACE = 'encrypted';

const FIRST = `first: ${keyText(1)}`;
const SECOND = `second: ${keyText(2)}`;

interface Run {
  readonly id: string;
  readonly state: string;
  readonly fires?: ReadonlyArray<{ readonly state: string }>;
}

describe('an installation with payload keys', () => {
  let folder: string;
  let cluster: ClusterAtWork;
  let connection: Connection;
  const keysFile = (): string => join(folder, 'keys');

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'sluice-encrypted-'));
    await writeKeys(FIRST);
    cluster = await startClusterAtWork({
      temporal: { own: true, headless: true, namespaces: [NAMESPACE], databasePath: join(folder, 'temporal.db') },
      environment: { SLUICE_PAYLOAD_KEYS_FILE: keysFile(), TEMPORAL_NAMESPACE: NAMESPACE },
    });
    connection = await Connection.connect({ address: cluster.environment['TEMPORAL_ADDRESS'] });
    await cluster.apply(cluster.busDocument, manifests());
  }, 120_000);

  afterAll(async () => {
    await connection?.close();
    await cluster?.stop();
    await rm(folder, { recursive: true, force: true });
  }, 60_000);

  const manifests = (): string => `${cluster.sourceDocument({ items: 'STREAM' })}---
apiVersion: argoproj.io/v1alpha1
kind: Sensor
metadata: { name: scenes }
spec:
  dependencies: [{ name: item, eventSourceName: stac, eventName: items }]
  triggers:
    - template:
        name: post
        http:
          url: ${cluster.receiver.url}/post
          method: POST
          headers: { X-Test: ${CANARY}-spec }
          payload: [{ src: { dependencyName: item, dataKey: values.href }, dest: href }]
      retryStrategy: { steps: 2, duration: 100ms }
---
apiVersion: argoproj.io/v1alpha1
kind: Sensor
metadata: { name: pairs }
spec:
  dependencies:
    - { name: item, eventSourceName: stac, eventName: items }
    - { name: other, eventSourceName: stac, eventName: others }
  triggers:
    - template: { name: joined, conditions: item && other, log: {} }
`;

  async function writeKeys(...lines: readonly string[]): Promise<void> {
    await writeFile(join(folder, 'next'), lines.join('\n'));
    await rename(join(folder, 'next'), keysFile());
  }
  const without = { env: { SLUICE_PAYLOAD_KEYS_FILE: '' } };
  const withOnly = (keys: string) => ({ env: { SLUICE_PAYLOAD_KEYS_FILE: '', SLUICE_PAYLOAD_KEYS: keys } });
  const runsOf = async (event: string): Promise<readonly Run[]> =>
    jsonOf<{ runs: readonly Run[] }>(
      await cluster.sluice(['runs', 'list', '--sensor', 'scenes', '--event', event, '-o', 'json']),
    ).runs;
  const add = async (): Promise<string> =>
    `stac/items:STREAM:${await cluster.add('STREAM', { href: `${CANARY}-event` })}`;
  const runOf = (event: string, state: string): Promise<Run> =>
    eventually(async () => (await runsOf(event)).find((run) => run.state === state));
  /** The raw client shows what the server hands out. */
  const raw = (): Client => new Client({ connection, namespace: NAMESPACE });
  const keyIdsOf = async (workflowId: string): Promise<Set<string>> => {
    const history = await raw().workflow.getHandle(workflowId).fetchHistory();
    const bytes = Buffer.from(temporal.api.history.v1.History.encode(history).finish()).toString('latin1');
    return new Set([...bytes.matchAll(/encryption-key-id[^a-z]{1,4}(first|second)/g)].map(([, id]) => id ?? ''));
  };
  const parkOne = async (): Promise<{ readonly event: string; readonly run: Run }> => {
    cluster.receiver.answerWith(400);
    const event = await add();
    return { event, run: await runOf(event, 'Parked') };
  };
  const retrigger = async (id: string, options?: typeof without): Promise<CliRun> => {
    cluster.receiver.answerWith(200);
    return await cluster.sluice(['retrigger', id, '--why', `${CANARY}-why`], options);
  };

  it('handles an event through a failure and a retrigger without storing any plain text in Temporal', async () => {
    const { event, run } = await parkOne();
    await retrigger(run.id);
    await runOf(event, 'Succeeded');
    expect(cluster.receiver.requests('/post').at(-1)?.body).toEqual({ href: `${CANARY}-event` });

    const shown = await cluster.sluice(['runs', 'show', run.id]);
    expect(shown.stdout).toContain('Succeeded');
    const explained = await cluster.sluice(['explain', event]);
    expect(explained.stdout).toContain(`${CANARY}-why`);
    const status = await cluster.sluice(['status', 'source/stac', '-o', 'json']);
    expect([status.exitCode, status.stdout]).toEqual([0, expect.stringContaining('"heartbeat"')]);

    const seen: string[] = [];
    const { workflowService } = raw();
    for await (const { workflowId } of raw().workflow.list()) {
      const handle = raw().workflow.getHandle(workflowId);
      const execution = { workflowId };
      const query = { queryType: '__temporal_workflow_metadata' };
      const [{ history }, description, answer] = await Promise.all([
        workflowService.getWorkflowExecutionHistory({ namespace: NAMESPACE, execution, maximumPageSize: 1_000 }),
        handle.describe(),
        workflowService.queryWorkflow({ namespace: NAMESPACE, execution, query }),
      ]);
      const bytes = [
        temporal.api.history.v1.History.encode(history ?? {}).finish(),
        temporal.api.workflowservice.v1.DescribeWorkflowExecutionResponse.encode(description.raw).finish(),
        temporal.api.workflowservice.v1.QueryWorkflowResponse.encode(answer).finish(),
      ];
      seen.push(...bytes.map((part) => Buffer.from(part).toString('latin1')));
    }
    expect(seen.length).toBeGreaterThan(9);
    // What is not encrypted is found: the search would find the canary, too.
    expect(seen.join()).toContain(event);
    expect(seen.filter((part) => part.includes(CANARY))).toEqual([]);
    // Messages of failures hold what receivers say.
    expect(seen.filter((part) => part.includes('TRIGGER_REFUSED') && part.includes('HTTP 400'))).toEqual([]);

    const files = (await readdir(folder)).filter((name) => name.startsWith('temporal.db'));
    const stored = await Promise.all(files.map((name) => readFile(join(folder, name), 'latin1')));
    expect(stored.join()).toContain(event);
    expect(stored.join()).not.toContain(CANARY);
    expect(stored.join()).not.toContain(Buffer.from(CANARY).toString('base64').slice(0, 18));
  }, 120_000);

  it('names the missing key in commands without keys, and lists unencrypted data', async () => {
    const { event, run } = await parkOne();
    const refused = {
      exitCode: 1,
      stderr: expect.stringMatching(/key "first".*SLUICE_PAYLOAD_KEYS_FILE.*\[PAYLOAD_KEY_MISSING\]/) as string,
    };
    expect(await cluster.sluice(['runs', 'show', run.id], without)).toMatchObject(refused);
    expect(await cluster.sluice(['explain', event], without)).toMatchObject(refused);
    expect(await cluster.sluice(['status', 'sensor/scenes'], without)).toMatchObject(refused);
    const listed = await cluster.sluice(['runs', 'list', '--sensor', 'scenes', '-o', 'name'], without);
    expect(listed).toMatchObject({ exitCode: 0, stdout: expect.stringContaining(run.id) as string });
    expect(await cluster.sluice(['runs', 'show', run.id], withOnly(`first: ${keyText(9)}`))).toMatchObject({
      exitCode: 1,
      stderr: expect.stringMatching(/key "first".*another value.*\[PAYLOAD_UNREADABLE\]/) as string,
    });
    await retrigger(run.id);
    await runOf(event, 'Succeeded');
  }, 60_000);

  it('replays events of the bus', async () => {
    const replay = ['replay', '--sensor', 'scenes', '--from', '2026-01-01T00:00:00Z', '--why', `${CANARY}-replay`];
    const done = await cluster.sluice([...replay, '--again', '--yes', '--wait', '-o', 'json']);
    expect([done.exitCode, done.stderr]).toEqual([0, expect.anything()]);
  }, 60_000);

  it('keeps runs and sensors working across a key rotation, without a restart', async () => {
    const { event, run } = await parkOne();
    await writeKeys(FIRST, SECOND);
    await writeKeys(SECOND, FIRST);
    await retrigger(run.id);
    await runOf(event, 'Succeeded');
    // The worker looks at the file once a second: an event soon after may still be encrypted with the former key.
    const rotated = await eventually(async () => {
      const next = await runOf(await add(), 'Succeeded');
      return (await keyIdsOf(next.id)).has('first') ? undefined : next;
    });
    expect(await keyIdsOf(rotated.id)).toEqual(new Set(['second']));
    expect(await keyIdsOf(run.id)).toEqual(new Set(['first', 'second']));
    expect((await cluster.sluice(['status', 'sensor/pairs'])).exitCode).toBe(0);
    expect(await cluster.sluice(['runs', 'show', rotated.id], withOnly(SECOND))).toMatchObject({ exitCode: 0 });
    expect(await cluster.sluice(['runs', 'show', run.id], withOnly(SECOND))).toMatchObject({
      exitCode: 1,
      stderr: expect.stringMatching(/key "first"; configured keys are second.*\[PAYLOAD_KEY_MISSING\]/) as string,
    });
  }, 120_000);

  it('replays its histories in a worker with the keys, from any namespace', async () => {
    const ids = [sensorWorkflowId(cluster.namespace.name, 'pairs')];
    for await (const { workflowId } of raw().workflow.list({ query: `SluiceState = 'Succeeded'` }))
      ids.push(workflowId);
    const histories = ids.map(async (workflowId) => ({
      workflowId,
      history: await raw().workflow.getHandle(workflowId).fetchHistory(),
    }));
    const results = Worker.runReplayHistories(
      {
        workflowBundle: await workflowBundle(),
        plugins: [new SensorPlugin({ payloadKeys: { text: `${SECOND},${FIRST}` } })],
      },
      await Promise.all(histories),
    );
    const failures: unknown[] = [];
    for await (const { error } of results) if (error) failures.push(error);
    expect(failures).toEqual([]);
    expect(ids.length).toBeGreaterThan(3);
  }, 60_000);

  it('makes no progress on a worker with the wrong keys, and continues with the right ones', async () => {
    await cluster.killWorkers();
    await writeKeys(`third: ${keyText(3)}`);
    await cluster.startWorkers();
    const keys = withOnly(`${SECOND},${FIRST}`);
    const sensor = raw().workflow.getHandle(sensorWorkflowId(cluster.namespace.name, 'scenes'));
    await cluster.sluice(['pause', 'sensor', 'scenes', '--why', 'work for the sensor'], keys);
    const failed = await eventually(async () => {
      const { events } = await sensor.fetchHistory();
      return events?.at(-1)?.workflowTaskFailedEventAttributes?.failure ?? undefined;
    });
    // Encrypted as all failures are: with the key of that worker.
    expect(failed.message).toBe('Encoded failure');
    await writeKeys(SECOND, FIRST, `third: ${keyText(3)}`);
    await cluster.sluice(['resume', 'sensor', 'scenes', '--why', 'the keys are right']);
    await runOf(await add(), 'Succeeded');
    const { events } = await sensor.fetchHistory();
    // Temporal pauses longer and longer between attempts, and records the first of a row only.
    expect(
      events?.filter(({ workflowTaskFailedEventAttributes }) => workflowTaskFailedEventAttributes).length,
    ).toBeLessThan(5);
  }, 180_000);
});
