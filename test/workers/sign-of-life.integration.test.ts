import type { WorkflowHandle } from '@temporalio/client';
import { COVERED_FAIL_OVER_MS } from '../../src/contract/fail-over';
import { WORKFLOW_TYPES } from '../../src/contract/identity';
import { startWorker, type RunningWorker } from '../../dev/worker-process';
import { eventually } from '../setup/eventually';
import { openWorld, type SluiceWorld } from '../workflows/sluice-world';
import { Stage } from '../workflows/stage';

/** What the heartbeats of a listener alone would take. */
const SOONER = { timeoutMs: 0.8 * COVERED_FAIL_OVER_MS };

describe('the sign of life of a worker', () => {
  let world: SluiceWorld;
  let stage: Stage;
  let taskQueue: string;
  const workers: RunningWorker[] = [];

  beforeAll(async () => {
    world = await openWorld();
  });
  beforeEach(() => {
    stage = new Stage(world);
    taskQueue = `processes-${stage.namespace}`;
  });
  afterEach(async () => {
    await stage.remove();
    await Promise.all(workers.map((worker) => worker.kill()));
  });
  afterAll(() => world?.close());

  async function begin(): Promise<RunningWorker> {
    const worker = await startWorker('sensor', {
      TEMPORAL_ADDRESS: world.temporalAddress,
      KUBECONFIG: world.kubernetes.kubeconfigPath,
      SLUICE_SENSOR_TASK_QUEUE: taskQueue,
    });
    workers.push(worker);
    return worker;
  }
  async function applySensor(): Promise<void> {
    await world.client.workflow.start(WORKFLOW_TYPES.sensor, {
      workflowId: stage.handle.workflowId,
      taskQueue,
      args: [{ definition: stage.define({ triggers: [stage.httpTrigger('t', ['a'])] }) }],
    });
  }
  async function listener() {
    const { raw } = await stage.handle.describe();
    return raw.pendingActivities?.find(({ activityType }) => activityType?.name === 'sluiceListen');
  }
  const runsIn = async ({ pid }: RunningWorker): Promise<boolean> =>
    (await listener())?.lastWorkerIdentity?.startsWith(`${pid}@`) ?? false;
  async function leaseOf({ pid }: RunningWorker): Promise<WorkflowHandle> {
    const prefix = `worker/${taskQueue}/${pid}@`;
    let found: string | undefined;
    await eventually(async () => {
      for await (const { workflowId } of world.client.workflow.list({
        query: `WorkflowType = '${WORKFLOW_TYPES.worker}' AND WorkflowId STARTS_WITH '${prefix}'`,
      })) {
        found = workflowId;
      }
      return found !== undefined;
    });
    return world.client.workflow.getHandle(found ?? '');
  }
  const isHeld = async (lease: WorkflowHandle): Promise<boolean> => {
    const { raw } = await lease.describe();
    return raw.pendingActivities?.some(({ heartbeatDetails }) => heartbeatDetails !== null) ?? false;
  };

  it('covers its listener, which a successor gets when it is killed', async () => {
    const first = await begin();
    await applySensor();
    const lease = await leaseOf(first);
    await eventually(() => isHeld(lease), SOONER);
    await eventually(() => runsIn(first), SOONER);
    await first.kill();
    const second = await begin();
    await eventually(() => runsIn(second), SOONER);
    expect((await listener())?.lastFailure?.message).toMatch(/ended without handing over/);
    await stage.publish(stage.event('a', 'after'));
    await eventually(() => stage.requests().length === 1, SOONER);
    await eventually(async () => (await lease.describe()).status.name === 'COMPLETED', { timeoutMs: 240_000 });
  }, 900_000);

  it('ends with it, and hands over nothing when it is stopped', async () => {
    const first = await begin();
    const lease = await leaseOf(first);
    await eventually(() => isHeld(lease), SOONER);
    await applySensor();
    await eventually(() => runsIn(first), SOONER);
    await first.stop();
    const second = await begin();
    await eventually(() => runsIn(second), SOONER);
    expect((await listener())?.lastFailure?.message ?? '').not.toMatch(/ended without handing over/);
    await eventually(async () => (await lease.describe()).status.name === 'COMPLETED', SOONER);
  }, 400_000);
});
