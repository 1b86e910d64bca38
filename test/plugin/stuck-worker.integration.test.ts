import { randomBytes } from 'node:crypto';
import { Client } from '@temporalio/client';
import { DefaultLogger, NativeConnection, Worker, bundleWorkflowCode } from '@temporalio/worker';
import { pino } from 'pino';
import { startTemporal } from '../../dev/servers';
import { SensorPlugin } from '../../src/plugin/sensor-plugin';
import { eventually } from '../setup/eventually';
import { failureOf } from '../setup/failure';
import { installRuntime } from '../workflows/sluice-world';

const SLOTS = 2;

describe('a worker with the plugin', () => {
  it('ends with WORKER_STUCK when no task is completed for a minute while all slots are in use', async () => {
    installRuntime();
    const { address } = await startTemporal();
    const connection = await NativeConnection.connect({ address });
    const taskQueue = `stuck-${randomBytes(4).toString('hex')}`;
    const plugin = new SensorPlugin({ log: pino({ level: 'silent' }) });
    let release: () => void = () => undefined;
    const released = new Promise<void>((resolve) => (release = resolve));
    const workflowBundle = await bundleWorkflowCode({
      workflowsPath: require.resolve('./fixture/holding-workflows'),
      plugins: [plugin],
      logger: new DefaultLogger('ERROR'),
    });
    const worker = await Worker.create({
      ...{ connection, taskQueue, workflowBundle, plugins: [plugin], activities: { wait: () => released } },
      maxConcurrentWorkflowTaskExecutions: SLOTS,
      maxConcurrentActivityTaskExecutions: 10,
    });
    const running = failureOf(worker.run());
    const client = new Client({ connection });
    for (let index = 0; index < SLOTS; index += 1) {
      await client.workflow.start('holding', { taskQueue, workflowId: `${taskQueue}/${index}` });
    }
    expect(await running).toMatchObject({ code: 'WORKER_STUCK' });
    expect(plugin.problem()).toBeUndefined();
    release();
    await eventually(() => worker.getState() === 'STOPPED');
    await connection.close();
  }, 600_000);
});
