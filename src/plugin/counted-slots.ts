/** Gives a worker slots for workflow tasks that can be observed, unless its owner has chosen a tuner. */
import type { SlotSupplier, ActivitySlotInfo, WorkerOptions, WorkerTuner } from '@temporalio/worker';
import { WorkflowSlots } from './workflow-slots';

/** Defaults of the SDK. */
const WORKFLOW_SLOTS = 40;
const OTHER_SLOTS = 100;
const POLLS = 10;

export interface CountedSlots {
  readonly options: WorkerOptions;
  /** Undefined with a tuner of the owner, or of another plugin of ours. */
  readonly slots: WorkflowSlots | undefined;
}

export function withCountedSlots(options: WorkerOptions): CountedSlots {
  if (options.tuner !== undefined) return { options, slots: undefined };
  const {
    maxConcurrentWorkflowTaskExecutions: workflowTasks = WORKFLOW_SLOTS,
    maxConcurrentActivityTaskExecutions: activities = OTHER_SLOTS,
    maxConcurrentLocalActivityExecutions: localActivities = OTHER_SLOTS,
    maxConcurrentNexusTaskExecutions: nexusTasks = OTHER_SLOTS,
    ...others
  } = options;
  const { maxCachedWorkflows = 0 } = options;
  // As in the SDK: a task needs a place in the cache.
  const slots = new WorkflowSlots(
    maxCachedWorkflows === 0 ? workflowTasks : Math.min(workflowTasks, Math.max(2, maxCachedWorkflows)),
  );
  const tuner: WorkerTuner = {
    workflowTaskSlotSupplier: slots,
    activityTaskSlotSupplier: fixed(activities),
    localActivityTaskSlotSupplier: fixed(localActivities),
    nexusTaskSlotSupplier: fixed(nexusTasks),
  };
  // As in the SDK: no more polls than slots.
  const polls = {
    maxConcurrentWorkflowTaskPolls: Math.max(2, Math.min(POLLS, slots.slots)),
    maxConcurrentActivityTaskPolls: Math.min(POLLS, activities),
  };
  return { options: { ...polls, ...others, tuner }, slots };
}

/** Returns undefined if the number of activity slots is not fixed. */
export function fixedActivitySlots(tuner: WorkerTuner | undefined): number | undefined {
  if (tuner === undefined || !('activityTaskSlotSupplier' in tuner)) return undefined;
  const supplier: SlotSupplier<ActivitySlotInfo> = tuner.activityTaskSlotSupplier;
  return supplier.type === 'fixed-size' ? supplier.numSlots : undefined;
}

function fixed(numSlots: number): { readonly type: 'fixed-size'; readonly numSlots: number } {
  return { type: 'fixed-size', numSlots };
}
