/** Ends the attempts of a worker that is gone, so that Temporal gives its readers and listeners to others at once. */
import { ActivityNotFoundError, type Client } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import { temporal, type google } from '@temporalio/proto';
import { concurrently } from '../../src/concurrency/concurrently';
import { COVERED_ACTIVITIES } from '../../src/contract/fail-over';
import { WORKFLOW_TYPES } from '../../src/contract/identity';

const LOOKS_AT_ONCE = 16;
const { eventSource, sensor } = WORKFLOW_TYPES;
const { PENDING_ACTIVITY_STATE_STARTED, PENDING_ACTIVITY_STATE_CANCEL_REQUESTED } =
  temporal.api.enums.v1.PendingActivityState;
/** A worker that lives reports as soon as it has started an activity. */
const UNREPORTED_MS = 5_000;

export interface HandOver {
  /** Identity of the worker that is gone. */
  readonly worker: string;
  readonly taskQueue: string;
  /** Only attempts that have not reported: those that Temporal gave to polls that the worker left open. */
  readonly onlyUnreported?: boolean;
}

/** Returns how many there were. */
export async function handOver(
  client: Client,
  { worker, taskQueue, onlyUnreported = false }: HandOver,
  signal: AbortSignal,
): Promise<number> {
  const query = `TaskQueue = '${taskQueue}' AND WorkflowType IN ('${eventSource}', '${sensor}') AND ExecutionStatus = 'Running'`;
  const workflowIds: string[] = [];
  for await (const { workflowId } of client.workflow.list({ query })) workflowIds.push(workflowId);
  const counts = await concurrently(workflowIds, LOOKS_AT_ONCE, async (workflowId) => {
    signal.throwIfAborted();
    const { raw, runId } = await client.workflow.getHandle(workflowId).describe();
    const left = (raw.pendingActivities ?? []).filter(
      (activity) =>
        activity.lastWorkerIdentity === worker &&
        COVERED_ACTIVITIES.includes(activity.activityType?.name ?? '') &&
        (!onlyUnreported || isUnreported(activity)),
    );
    let ended = 0;
    for (const { activityId, state } of left) {
      if (activityId === null || activityId === undefined) continue;
      const activity = { workflowId, runId, activityId };
      if (state === PENDING_ACTIVITY_STATE_STARTED) await unlessOver(client.activity.fail(activity, gone(worker)));
      else if (state === PENDING_ACTIVITY_STATE_CANCEL_REQUESTED)
        await unlessOver(client.activity.reportCancellation(activity));
      else continue;
      ended += 1;
    }
    return ended;
  });
  return counts.reduce((sum, count) => sum + count, 0);
}

function isUnreported(activity: temporal.api.workflow.v1.IPendingActivityInfo): boolean {
  const startedAt = toMs(activity.lastStartedTime);
  return toMs(activity.lastHeartbeatTime) < startedAt && Date.now() - startedAt > UNREPORTED_MS;
}

function toMs(time: google.protobuf.ITimestamp | null | undefined): number {
  return Number(time?.seconds ?? 0) * 1_000 + (time?.nanos ?? 0) / 1e6;
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
