import { randomBytes } from 'node:crypto';
import { Client } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import { temporal } from '@temporalio/proto';
import { bundleWorkflowCode, DefaultLogger, NativeConnection, Worker, type WorkerOptions } from '@temporalio/worker';
import { pino } from 'pino';
import { startTemporal } from '../../dev/servers';
import { EventSourcePlugin } from '../../src/plugin/event-source-plugin';
import { SensorPlugin } from '../../src/plugin/sensor-plugin';
import { eventBusDefinitionQuery } from '../../src/contract/event-bus-messages';
import { failureOf } from '../setup/failure';
import { keyText } from '../payloads/key-text';
import { installRuntime } from '../workflows/sluice-world';

const OWNERS = require.resolve('./fixture/owners-workflows');
const activities = { greet: (name: string) => Promise.resolve(`hello ${name}`) };
const log = pino({ level: 'silent' });
const logger = new DefaultLogger('ERROR');

describe('the plugins', () => {
  let connection: NativeConnection;
  let client: Client;
  let taskQueue: string;

  beforeAll(async () => {
    installRuntime();
    const { address } = await startTemporal();
    connection = await NativeConnection.connect({ address });
    client = new Client({ connection });
  });
  afterAll(() => connection.close());
  beforeEach(() => {
    taskQueue = `plugins-${randomBytes(4).toString('hex')}`;
  });

  const createWorker = (options: Partial<WorkerOptions>): Promise<Worker> =>
    Worker.create({ connection, taskQueue, activities, ...options });

  const greet = (): Promise<unknown> =>
    client.workflow.execute('greeting', { taskQueue, workflowId: `${taskQueue}/greeting`, args: ['ada'] });

  /** Starts the smallest of our workflows and asks it something. */
  async function askOurs(): Promise<unknown> {
    const definition = { namespace: taskQueue, name: 'default', spec: { jetstream: { version: 'latest' } } };
    const workflowId = `event-bus/${taskQueue}/default`;
    const handle = await client.workflow.start('eventBus', { taskQueue, workflowId, args: [definition] });
    const answer = await handle.query(eventBusDefinitionQuery);
    await handle.terminate();
    return answer.name;
  }

  it('add the workflows of both plugins to a worker with its own workflows', async () => {
    const plugins = [new SensorPlugin({ log }), new EventSourcePlugin({ log })];
    const worker = await createWorker({ workflowsPath: OWNERS, plugins });
    const answers = await worker.runUntil(async () => [await greet(), await askOurs()]);
    expect(answers).toEqual(['hello ada', 'default']);
  });

  it('can be the only content of a worker', async () => {
    const worker = await createWorker({ plugins: [new SensorPlugin({ log })] });
    expect(await worker.runUntil(askOurs())).toBe('default');
  });

  it('serve a second worker after the first has ended', async () => {
    const plugin = new SensorPlugin({ log });
    const bundle = await bundleWorkflowCode({ workflowsPath: OWNERS, plugins: [plugin], logger });
    for (let round = 0; round < 2; round += 1) {
      taskQueue = `${taskQueue}-${round}`;
      const worker = await createWorker({ workflowBundle: bundle, plugins: [plugin] });
      expect(await worker.runUntil(askOurs())).toBe('default');
    }
  });

  it('accept a bundle built with the plugin, or from an entry that exports our workflows', async () => {
    const plugins = [new SensorPlugin({ log })];
    const withPlugin = await bundleWorkflowCode({ workflowsPath: OWNERS, plugins, logger });
    const byHand = await bundleWorkflowCode({
      workflowsPath: require.resolve('./fixture/reexporting-workflows'),
      logger,
    });
    for (const workflowBundle of [withPlugin, byHand]) {
      taskQueue = `${taskQueue}-x`;
      const worker = await createWorker({ workflowBundle, plugins: [new SensorPlugin({ log })] });
      const answers = await worker.runUntil(async () => [await greet(), await askOurs()]);
      expect(answers).toEqual(['hello ada', 'default']);
    }
  });

  it('reject a prebuilt bundle without our workflows', async () => {
    const workflowBundle = await bundleWorkflowCode({ workflowsPath: OWNERS, logger });
    const failure = await failureOf(createWorker({ workflowBundle, plugins: [new SensorPlugin({ log })] }));
    expect(failure.code).toBe('PLUGIN_MISUSED');
    expect(failure.fix).toContain('sluice/workflows');
  });

  it('reject being applied twice to one worker', async () => {
    const plugins = [new SensorPlugin({ log }), new SensorPlugin({ log })];
    expect((await failureOf(createWorker({ plugins }))).code).toBe('PLUGIN_MISUSED');
  });

  it('reject an activity of the owner with one of their names', async () => {
    const clashing = { ...activities, sluiceListen: () => Promise.resolve() };
    const failure = await failureOf(createWorker({ activities: clashing, plugins: [new SensorPlugin({ log })] }));
    expect(failure.code).toBe('PLUGIN_MISUSED');
    expect(failure.message).toContain('sluiceListen');
  });

  it('reject a workflow of the owner with one of their names', async () => {
    const clashing = require.resolve('./fixture/clashing-workflows');
    const failure = await failureOf(createWorker({ workflowsPath: clashing, plugins: [new SensorPlugin({ log })] }));
    expect(failure.code).toBe('PLUGIN_MISUSED');
    expect(failure.message).toContain('sensor');
  });

  it("encrypt payloads of the owner's workflows, including failure messages, once for both plugins", async () => {
    const payloadKeys = { text: `own: ${keyText(1)}` };
    const plugins = [new SensorPlugin({ log, payloadKeys }), new EventSourcePlugin({ log, payloadKeys })];
    const failing = { greet: () => Promise.reject(ApplicationFailure.nonRetryable('canary-message')) };
    const worker = await createWorker({ workflowsPath: OWNERS, plugins, activities: failing });
    const { workflow } = new Client({ connection, plugins });
    const workflowId = `${taskQueue}/greeting`;
    const greeted = workflow.execute('greeting', { taskQueue, workflowId, args: ['canary-name'] });
    await expect(worker.runUntil(greeted)).rejects.toMatchObject({ cause: { cause: { message: 'canary-message' } } });
    const history = await client.workflow.getHandle(workflowId).fetchHistory();
    const stored = Buffer.from(temporal.api.history.v1.History.encode(history).finish()).toString('latin1');
    expect(stored).toContain('encryption-key-id');
    expect(stored).not.toContain('canary');
    await expect(workflow.getHandle(workflowId).result()).rejects.toThrow();
  });
});
