/**
 * How soon Temporal gives the work of a worker that died to another one. One activity per worker is its sign of life;
 * the readers and listeners that it runs are handed over when that stops. Each heartbeat is a write, so the times bound
 * their number.
 */

/** The heartbeat timeout of a worker's sign of life. */
export const LEASE_MS = 10_000;
/** In all, in most cases; also the heartbeat timeout of what sends its own and waits safely meanwhile. */
export const FAIL_OVER_MS = 20_000;
/** For what is lost or refused while nothing reads: it sends its own heartbeats. */
export const URGENT_FAIL_OVER_MS = 5_000;
/** The heartbeat timeout of what a sign of life covers: only a worker that never gave one is noticed by it. */
export const COVERED_FAIL_OVER_MS = 150_000;
/** The same for outcomes: a run looks for its Workflow by itself, too. */
export const OUTCOME_FAIL_OVER_MS = 300_000;

/** The activities that a worker's sign of life covers; all others send their own heartbeats, or end by themselves. */
export const COVERED_ACTIVITIES: readonly string[] = [
  'sluiceListen',
  'sluiceRelayEvents',
  'sluiceWatchBacklog',
  'sluiceWatchOutcomes',
  'sluiceWatchPausedSensor',
];
