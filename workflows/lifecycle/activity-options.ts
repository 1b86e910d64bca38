/** Options that activities of several workflows share. */
import type { ActivityOptions } from '@temporalio/workflow';

/**
 * For making cancelled activities end, whichever worker runs them: each attempt may reach another worker. No heartbeat,
 * and given up when they would have ended by themselves.
 */
export const STOP_AT_ONCE = {
  startToCloseTimeout: '5s',
  scheduleToCloseTimeout: '1m',
  retry: { initialInterval: '20ms', backoffCoefficient: 1.2, maximumInterval: '500ms' },
  summary: 'stop at once',
} as const satisfies ActivityOptions;

/**
 * For activities that end in seconds and can be repeated without harm. The plugin sends heartbeats while they run, so a
 * lost worker delays the workflow by ten seconds instead of the start-to-close timeout.
 */
export const REPEATABLE = {
  startToCloseTimeout: '2m',
  heartbeatTimeout: '10s',
} as const satisfies ActivityOptions;
