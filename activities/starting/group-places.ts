/** Between a sensor and the workflow of its concurrency group, and what the group must find out about the others. */
import { Context } from '@temporalio/activity';
import { WorkflowNotFoundError, type WorkflowClient } from '@temporalio/client';
import { concurrently, concurrentlyAll } from '../../src/concurrency/concurrently';
import {
  shareSignal,
  type FindLostPlacesRequest,
  type GroupStart,
  type LostPlaces,
  type PlaceInUse,
  type ReportSharesRequest,
} from '../../src/contract/group-messages';
import { concurrencyGroupWorkflowId, sensorWorkflowId, WORKFLOW_TYPES } from '../../src/contract/identity';
import { firesQuery } from '../../src/contract/run-messages';
import { toApplicationFailure } from '../worker/failures';

const CALLS_AT_ONCE = 8;
/** Longer than a bus is away while a sensor waits for it to start a run; Temporal keeps ended runs for a day or more. */
const UNSTARTED_FOR_MS = 86_400_000;
const MOVING = ['Firing', 'Retrying', 'Waiting'];

export async function sluiceReportShares({ namespace, shares }: ReportSharesRequest): Promise<void> {
  const { client, info } = Context.current();
  try {
    await concurrentlyAll(shares, CALLS_AT_ONCE, async (share) => {
      const start: GroupStart = { namespace, name: share.group };
      await client.workflow.signalWithStart<(start: GroupStart) => Promise<void>, [typeof share]>(
        WORKFLOW_TYPES.concurrencyGroup,
        {
          workflowId: concurrencyGroupWorkflowId(namespace, share.group),
          taskQueue: info.taskQueue,
          args: [start],
          signal: shareSignal,
          signalArgs: [share],
          staticSummary: `concurrency group ${namespace}/${share.group}`,
          priority: { fairnessKey: namespace },
        },
      );
    });
  } catch (error) {
    throw toApplicationFailure(error);
  }
}

export async function sluiceFindLostPlaces(request: FindLostPlacesRequest): Promise<LostPlaces> {
  const { workflow } = Context.current().client;
  const { namespace } = request;
  try {
    const closed = await concurrently(request.sensors, CALLS_AT_ONCE, async (sensor) =>
      (await isOpen(workflow, sensorWorkflowId(namespace, sensor))) ? [] : [sensor],
    );
    const sensors = closed.flat();
    const lost = await concurrently(request.places, CALLS_AT_ONCE, async (place) => {
      const isLeftBehind = place.isLeftBehind || sensors.includes(place.sensor);
      return (await isLost(workflow, { ...place, isLeftBehind })) ? [place.id] : [];
    });
    return { places: lost.flat(), sensors };
  } catch (error) {
    throw toApplicationFailure(error);
  }
}

async function isLost(workflow: WorkflowClient, { run, isLeftBehind, since }: PlaceInUse): Promise<boolean> {
  const isOld = Date.now() - since > UNSTARTED_FOR_MS;
  // On its way to the sensor, or to its run.
  if (run === undefined) return isLeftBehind || isOld;
  const isRunning = await isOpen(workflow, run);
  if (isRunning === undefined) return isLeftBehind || isOld;
  // Nobody hears of its fires any more: parked ones need no place.
  return !isRunning || (isLeftBehind && (await isAtRest(workflow, run)));
}

/** Undefined if there is no such workflow. */
async function isOpen(workflow: WorkflowClient, workflowId: string): Promise<boolean | undefined> {
  try {
    return (await workflow.getHandle(workflowId).describe()).status.name === 'RUNNING';
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return undefined;
    throw error;
  }
}

async function isAtRest(workflow: WorkflowClient, run: string): Promise<boolean> {
  try {
    const fires = await workflow.getHandle(run).query(firesQuery);
    return !fires.some(({ state }) => MOVING.includes(state));
  } catch {
    // No worker answers: the next look asks again.
    return false;
  }
}
