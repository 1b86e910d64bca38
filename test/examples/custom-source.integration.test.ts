/** examples/custom-source, run as a company would: its worker, its manifests, and a program that writes lines. */
import { randomBytes } from 'node:crypto';
import { appendFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from '@temporalio/client';
import { NativeConnection, Worker } from '@temporalio/worker';
import { pino } from 'pino';
import { repoRoot } from '../../dev/repo-root';
import { startNats, startTemporal, type RunningNats } from '../../dev/servers';
import { jsonLines } from '../../examples/custom-source/json-lines';
import { sensorWorkflowId } from '../../src/contract/identity';
import { sensorStatusQuery } from '../../src/contract/sensor-messages';
import { ControlPlane } from '../../src/control/control-plane';
import { EventSourcePlugin } from '../../src/plugin/event-source-plugin';
import { SensorPlugin } from '../../src/plugin/sensor-plugin';
import { eventually } from '../setup/eventually';
import { installRuntime, workflowBundle } from '../workflows/sluice-world';

const example = (name: string): Promise<string> => readFile(join(repoRoot, 'examples/custom-source', name), 'utf8');
const bus =
  'apiVersion: argoproj.io/v1alpha1\nkind: EventBus\nmetadata: { name: default }\nspec: { jetstream: { version: latest } }\n';

describe('the example of a source of your own', () => {
  const namespace = `custom-${randomBytes(4).toString('hex')}`;
  let folder: string;
  let nats: RunningNats;
  let connection: NativeConnection;
  let client: Client;
  let worker: Worker;
  let running: Promise<void>;
  let sluice: ControlPlane;

  beforeAll(async () => {
    installRuntime();
    folder = await mkdtemp(join(tmpdir(), 'sluice-example-'));
    const [temporal, startedNats] = await Promise.all([startTemporal(), startNats({ own: true })]);
    nats = startedNats;
    const options = { busUrl: nats.url, log: pino({ level: 'silent' }) };
    connection = await NativeConnection.connect({ address: temporal.address });
    client = new Client({ connection });
    worker = await Worker.create({
      connection,
      taskQueue: namespace,
      plugins: [new EventSourcePlugin({ ...options, sources: [jsonLines] }), new SensorPlugin(options)],
      workflowBundle: await workflowBundle(),
    });
    running = worker.run();
    sluice = await ControlPlane.connect({
      address: temporal.address,
      taskQueues: { eventSource: namespace, sensor: namespace },
      namespace,
      env: { ...process.env, SLUICE_BUS_URL: nats.url },
    });
  });

  afterAll(async () => {
    await sluice?.close();
    worker?.shutdown();
    await running;
    await connection?.close();
    await nats?.stop();
    await rm(folder, { recursive: true, force: true });
  });

  it('fires for the lines that pass the filter, and records the others', async () => {
    const path = join(folder, 'passes.jsonl');
    await writeFile(path, '{"satellite": "S2A", "elevation": 7}\n{"satellite": "S2B", "elevation": 31}\n');
    const source = (await example('event-source.yaml')).replace('/var/log/passes.jsonl', path);
    const manifests = join(folder, 'manifests.yaml');
    await writeFile(manifests, [bus, source, await example('sensor.yaml')].join('---\n'));
    const answer = await sluice.apply(
      { files: [manifests] },
      { by: 'a test', why: 'to run the example', waitMs: 60_000 },
    );
    expect(answer).toMatchObject({ kind: 'applied' });
    await appendFile(path, '{"satellite": "S2A", "elevation": 64}\n');
    const sensor = client.workflow.getHandle(sensorWorkflowId(namespace, 'passes'));
    const counts = await eventually(async () => {
      const { counts: now } = await sensor.query(sensorStatusQuery);
      return now.consumed === 3 ? now : undefined;
    });
    expect(counts).toMatchObject({ matched: 2, unmatched: 1, fired: 2 });
  });
});
