import type { ActivityOptions } from '@temporalio/workflow';
import { REPEATABLE } from '../lifecycle/activity-options';

/** For the short activities of a run. */
export const FOR_RUNS = {
  ...REPEATABLE,
  retry: { initialInterval: '1s', maximumInterval: '30s' },
} as const satisfies ActivityOptions;
