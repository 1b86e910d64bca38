import { temporal } from '@temporalio/proto';
import { startWorker, type RunningWorker } from '../../dev/worker-process';
import { runRetriggerSignal } from '../../src/contract/run-messages';
import { eventually } from '../setup/eventually';
import { openWorld, type SluiceWorld } from '../workflows/sluice-world';
import { Stage } from '../workflows/stage';

/** Far below the start-to-close timeout of two minutes that a run would wait for otherwise. */
const NOTICED = { timeoutMs: 80_000 };
const STARTED = temporal.api.enums.v1.PendingActivityState.PENDING_ACTIVITY_STATE_STARTED;

describe('a worker that is killed during a short activity', () => {
  let world: SluiceWorld;
  let stage: Stage;
  const workers: RunningWorker[] = [];

  beforeAll(async () => {
    world = await openWorld();
    stage = new Stage(world);
  });
  afterAll(async () => {
    world.nats.outage.resume();
    await Promise.all(workers.map((worker) => worker.kill()));
    await stage.remove();
    await world.close();
  });

  it('does not make the run wait for the activity timeout', async () => {
    const taskQueue = `killed-${stage.namespace}`;
    const begin = async (): Promise<RunningWorker> => {
      const worker = await startWorker('sensor', {
        TEMPORAL_ADDRESS: world.temporalAddress,
        KUBECONFIG: world.kubernetes.kubeconfigPath,
        SLUICE_SENSOR_TASK_QUEUE: taskQueue,
      });
      workers.push(worker);
      return worker;
    };
    const first = await begin();
    const trigger = stage.httpTrigger('t', ['a'], { rateLimit: { unit: 'Second', requestsPerUnit: 10 } });
    await world.client.workflow.start('sensor', {
      workflowId: stage.handle.workflowId,
      taskQueue,
      args: [{ definition: stage.define({ triggers: [trigger] }) }],
    });
    stage.answerNext('t', [{ status: 400 }]);
    await stage.publish(stage.event('a', 'scene'));
    const run = await stage.onlyRun('Parked');

    // The place within the rate limit is asked of a bus that does not respond.
    world.nats.outage.pause();
    await run.signal(runRetriggerSignal, { by: 'test', why: 'the receiver is repaired' });
    const startedAttempt = async (): Promise<number | undefined> => {
      const { raw } = await run.describe();
      const reserving = raw.pendingActivities?.find(({ activityType }) => activityType?.name === 'sluiceReserveFire');
      return reserving?.state === STARTED ? (reserving.attempt ?? undefined) : undefined;
    };
    const lost = await eventually(startedAttempt);
    await first.kill();
    await begin();
    await eventually(async () => ((await startedAttempt()) ?? 0) > lost, NOTICED);
    world.nats.outage.resume();

    await eventually(() => stage.requests().length === 2);
    await expect(run.result()).resolves.toMatchObject({ state: 'Succeeded' });
  }, 300_000);
});
