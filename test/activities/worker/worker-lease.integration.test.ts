import { randomBytes } from 'node:crypto';
import { getEventListeners } from 'node:events';
import { Client, defaultPayloadConverter } from '@temporalio/client';
import { temporal } from '@temporalio/proto';
import { NativeConnection, Worker } from '@temporalio/worker';
import { pino } from 'pino';
import { WorkerLease } from '../../../activities/worker/worker-lease';
import { startTemporal } from '../../../dev/servers';
import { workerWorkflowId } from '../../../src/contract/identity';
import { eventually } from '../../setup/eventually';
import { installRuntime, workflowBundle } from '../../workflows/sluice-world';

const { PENDING_ACTIVITY_STATE_STARTED } = temporal.api.enums.v1.PendingActivityState;

describe('the sign of life of a worker that ends', () => {
  it('is given until all that it covers has ended', async () => {
    installRuntime();
    const { address } = await startTemporal();
    const connection = await NativeConnection.connect({ address });
    const client = new Client({ connection });
    const taskQueue = `lease-${randomBytes(4).toString('hex')}`;
    const identity = `worker-of-${taskQueue}`;
    let covered = 1;
    const log = pino({ level: 'silent' });
    const lease = new WorkerLease({ taskQueue, identity, log, describe: () => ({ longActivities: covered }) });
    const worker = await Worker.create({
      ...{ connection, taskQueue, identity, workflowBundle: await workflowBundle(), activities: lease.activities },
      shutdownGraceTime: 0,
    });
    const running = worker.run();
    const ending = new AbortController();
    const keeping = lease.keep(client, ending.signal);
    const handle = client.workflow.getHandle(workerWorkflowId(taskQueue, identity));
    const look = async () => {
      const [activity] = (await handle.describe()).raw.pendingActivities ?? [];
      const [payload] = activity?.heartbeatDetails?.payloads ?? [];
      return {
        isStarted: activity?.state === PENDING_ACTIVITY_STATE_STARTED,
        details: payload && defaultPayloadConverter.fromPayload<{ held: boolean }>(payload),
        beatAtMs: Number(activity?.lastHeartbeatTime?.seconds ?? 0) * 1_000,
      };
    };
    const { beatAtMs } = await eventually(async () => {
      const state = await look();
      return state.details?.held === true && state;
    });
    // It looks every second; a listener for each look would stay as long as the worker.
    expect(getEventListeners(ending.signal, 'abort').length).toBeLessThanOrEqual(1);
    ending.abort();
    await keeping;
    worker.shutdown();
    // A sign that was given after that.
    const later = await eventually(async () => {
      const state = await look();
      return state.beatAtMs > beatAtMs + 1_000 && state;
    });
    expect(later).toMatchObject({ isStarted: true, details: { held: true } });
    covered = 0;
    await running;
    expect(await look()).toMatchObject({ isStarted: false, details: { held: false } });
    await handle.terminate();
    await connection.close();
  }, 180_000);
});
