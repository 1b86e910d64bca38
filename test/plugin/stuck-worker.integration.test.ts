import { randomBytes } from 'node:crypto';
import { Client } from '@temporalio/client';
import { DefaultLogger, NativeConnection, Worker, bundleWorkflowCode } from '@temporalio/worker';
import { pino } from 'pino';
import { startTemporal } from '../../dev/servers';
import { RunningLocalActivities } from '../../src/plugin/running-local-activities';
import { SensorPlugin } from '../../src/plugin/sensor-plugin';
import { eventually } from '../setup/eventually';
import { failureOf } from '../setup/failure';
import { installRuntime } from '../workflows/sluice-world';

const SLOTS = 2;

function gate(): { readonly released: Promise<void>; readonly release: () => void } {
  let release: () => void = () => undefined;
  const released = new Promise<void>((resolve) => (release = resolve));
  return { released, release: () => release() };
}

describe('a worker with the plugin', () => {
  let connection: NativeConnection;
  let client: Client;
  let taskQueue: string;

  beforeAll(async () => {
    installRuntime();
    const { address } = await startTemporal();
    connection = await NativeConnection.connect({ address });
    client = new Client({ connection });
  });
  beforeEach(() => (taskQueue = `stuck-${randomBytes(4).toString('hex')}`));
  afterAll(() => connection?.close());

  const start = (index: number) =>
    client.workflow.start('holding', { taskQueue, workflowId: `${taskQueue}/${index}`, args: [index] });
  const bundle = (...plugins: readonly SensorPlugin[]) =>
    bundleWorkflowCode({
      workflowsPath: require.resolve('./fixture/holding-workflows'),
      plugins: [...plugins],
      logger: new DefaultLogger('ERROR'),
    });

  it('ends with WORKER_STUCK when its tasks are not completed while all slots are in use', async () => {
    const plugin = new SensorPlugin({ log: pino({ level: 'silent' }) });
    const { released, release } = gate();
    // A task that the SDK has lost is one that nobody completes: here, because its argument is never decoded.
    const holding = {
      encode: <Payload>(payloads: Payload[]) => Promise.resolve(payloads),
      decode: <Payload>(payloads: Payload[]) => released.then(() => payloads),
    };
    const worker = await Worker.create({
      ...{ connection, taskQueue, workflowBundle: await bundle(plugin), plugins: [plugin] },
      dataConverter: { payloadCodecs: [holding] },
      activities: { wait: () => Promise.resolve() },
      maxConcurrentWorkflowTaskExecutions: SLOTS,
      maxConcurrentActivityTaskExecutions: 10,
    });
    const running = failureOf(worker.run());
    for (let index = 0; index < SLOTS; index += 1) await start(index);
    expect(await running).toMatchObject({ code: 'WORKER_STUCK' });
    expect(plugin.problem()).toBeUndefined();
    release();
    await eventually(() => worker.getState() === 'STOPPED');
  }, 900_000);

  it('knows which workflows wait for a local activity', async () => {
    const { released, release } = gate();
    const local = new RunningLocalActivities();
    const worker = await Worker.create({
      ...{ connection, taskQueue, workflowBundle: await bundle(), activities: { wait: () => released } },
      interceptors: { activity: [local.interceptors] },
    });
    await worker.runUntil(async () => {
      const handle = await start(0);
      await eventually(() => local.isRunningFor('holding'));
      expect(local.isRunningFor('sensor')).toBe(false);
      release();
      await handle.result();
      expect(local.isRunningFor('holding')).toBe(false);
    });
  }, 180_000);
});
