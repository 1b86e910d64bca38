/**
 * Starts the runs that a sensor decided, by an activity: child runs would count against the 2,000 open children that
 * Temporal allows, for as long as they are parked. One activity at a time takes all waiting runs, so that a flood costs
 * few history events and never more than one pending activity.
 */
import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import { ParentClosePolicy, proxyActivities, startChild, WorkflowIdReusePolicy } from '@temporalio/workflow';
import type { SensorActivities } from '../../src/contract/activities';
import type { RunStart } from '../../src/contract/run-start';
import { cutByBytes } from '../../src/text/cut-by-bytes';
import { REPEATABLE } from '../lifecycle/activity-options';
import { patiently } from '../lifecycle/patiently';
import { sensorRun } from '../run/sensor-run';

const activities = proxyActivities<SensorActivities>({ ...REPEATABLE, retry: { maximumInterval: '10s' } });

/** The input of an activity is part of the sensor's history. */
const MAX_START_BYTES = 400_000;
/** Children that are started together: a workflow may respond to its server with 4 MB. */
const MAX_CHILDREN_BYTES = 1_000_000;

export class RunStarts {
  private waiting: RunStart[][] = [];
  private working: Promise<void> | undefined;

  add(runs: readonly RunStart[]): void {
    if (runs.length === 0) return;
    this.waiting.push([...runs]);
    this.working ??= this.startAll().finally(() => (this.working = undefined));
  }

  /** Resolves when every run is started. */
  async idle(): Promise<void> {
    while (this.working !== undefined) await this.working;
  }

  private async startAll(): Promise<void> {
    // Runs that are added meanwhile start together, from however many decisions.
    while (this.waiting.length > 0) {
      const portions = cutByBytes(this.waiting.flat(), MAX_START_BYTES);
      this.waiting = [];
      for (const runs of portions) {
        await patiently(`start ${runs.length} ${runs.length === 1 ? 'run' : 'runs'}`, (options) =>
          activities.sluiceStartRuns.executeWithOptions(options, [{ runs }]),
        );
      }
    }
  }
}

/** By child workflows, as in histories of earlier versions. */
export async function startChildren(starts: readonly RunStart[]): Promise<void> {
  for (const runs of cutByBytes(starts, MAX_CHILDREN_BYTES)) await Promise.all(runs.map((run) => startOne(run)));
}

async function startOne(start: RunStart): Promise<void> {
  try {
    await startChild(sensorRun, {
      workflowId: start.workflowId,
      args: [start.input],
      typedSearchAttributes: start.searchAttributes,
      staticSummary: start.summary,
      parentClosePolicy: ParentClosePolicy.ABANDON,
      workflowIdReusePolicy: WorkflowIdReusePolicy.REJECT_DUPLICATE,
    });
  } catch (error) {
    // The same events had fired the same trigger before, which the id is there to detect.
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
  }
}
