/** How soon Temporal gives the work of a worker that died to another one: the heartbeat timeout of what never ends. */

/** For what waits safely meanwhile, on the bus or outside. Each heartbeat is a write, so the time bounds their number. */
export const FAIL_OVER_MS = 20_000;
/** For what is lost or refused while nothing reads. */
export const URGENT_FAIL_OVER_MS = 5_000;
/** For outcomes: a run looks for its Workflow by itself, too. */
export const OUTCOME_FAIL_OVER_MS = 60_000;
