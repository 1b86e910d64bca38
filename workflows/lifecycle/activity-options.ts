/** Options that activities of several workflows share. */
import type { ActivityOptions } from '@temporalio/workflow';

/**
 * For activities that end in seconds and can be repeated without harm. The plugin heartbeats while they run, so the
 * loss of their worker delays the workflow by ten seconds and not by the start-to-close timeout.
 */
export const REPEATABLE = {
  startToCloseTimeout: '2m',
  heartbeatTimeout: '10s',
} as const satisfies ActivityOptions;
