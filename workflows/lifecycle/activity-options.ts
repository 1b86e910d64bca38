/** Options that activities of several workflows share. */
import type { ActivityOptions } from '@temporalio/workflow';

/**
 * For activities that end in seconds and can be repeated without harm. The plugin sends heartbeats while they run, so a
 * lost worker delays the workflow by ten seconds instead of the start-to-close timeout.
 */
export const REPEATABLE = {
  startToCloseTimeout: '2m',
  heartbeatTimeout: '10s',
} as const satisfies ActivityOptions;
