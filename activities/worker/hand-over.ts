/** Ends the attempts of a worker that is gone, so that Temporal gives its readers and listeners to others at once. */
import { ActivityNotFoundError, type Client } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import { temporal } from '@temporalio/proto';
import { concurrently } from '../../src/concurrency/concurrently';
import { COVERED_ACTIVITIES } from '../../src/contract/fail-over';
import { WORKFLOW_TYPES } from '../../src/contract/identity';

const LOOKS_AT_ONCE = 16;
const { eventSource, sensor } = WORKFLOW_TYPES;
const { PENDING_ACTIVITY_STATE_STARTED, PENDING_ACTIVITY_STATE_CANCEL_REQUESTED } =
  temporal.api.enums.v1.PendingActivityState;
/** Returns how many there were. */
export async function handOver(
  client: Client,
  { worker, taskQueue }: { readonly worker: string; readonly taskQueue: string },
  signal: AbortSignal,
): Promise<number> {
  const query = `TaskQueue = '${taskQueue}' AND WorkflowType IN ('${eventSource}', '${sensor}') AND ExecutionStatus = 'Running'`;
  const executions: Array<{ readonly workflowId: string; readonly runId: string }> = [];
  for await (const { workflowId, runId } of client.workflow.list({ query })) executions.push({ workflowId, runId });
  const counts = await concurrently(executions, LOOKS_AT_ONCE, async ({ workflowId, runId }) => {
    signal.throwIfAborted();
    const { raw } = await client.workflow.getHandle(workflowId).describe();
    const left = (raw.pendingActivities ?? []).filter(
      ({ lastWorkerIdentity, activityType }) =>
        lastWorkerIdentity === worker && COVERED_ACTIVITIES.includes(activityType?.name ?? ''),
    );
    for (const { activityId, state } of left) {
      if (activityId === null || activityId === undefined) continue;
      const activity = { workflowId, runId, activityId };
      if (state === PENDING_ACTIVITY_STATE_STARTED) await unlessOver(client.activity.fail(activity, gone(worker)));
      if (state === PENDING_ACTIVITY_STATE_CANCEL_REQUESTED)
        await unlessOver(client.activity.reportCancellation(activity));
    }
    return left.length;
  });
  return counts.reduce((sum, count) => sum + count, 0);
}

function gone(worker: string): ApplicationFailure {
  return ApplicationFailure.create({ type: 'WORKER_GONE', message: `worker ${worker} ended without handing over` });
}

async function unlessOver(work: Promise<void>): Promise<void> {
  try {
    await work;
  } catch (error) {
    if (!(error instanceof ActivityNotFoundError)) throw error;
  }
}
