/** How many workflows a worker keeps in memory, unless SLUICE_MAX_CACHED_WORKFLOWS says it. */
import { getHeapStatistics } from 'node:v8';
import type { Client } from '@temporalio/client';
import type { Logger } from 'pino';
import { WORKFLOW_TYPES } from '../src/contract/identity';
import { describeError } from '../src/errors/sluice-error';

/** For runs, and for objects that are applied while the worker runs. */
const BASE = 300;
const LEAST = 100;
const PER_OBJECT = 1.25;
/** The SDK's estimate of what fits into a heap, for workflows of about 1.4 MB. */
const RESERVED_BYTES = 200 * 2 ** 20;
const BYTES_EACH = 2 ** 30 / 600;

const { sensorRun: _, ...LASTING } = WORKFLOW_TYPES;

/**
 * All applied objects of the queue should fit: one that does not is replayed for each task, and two tasks at once can
 * cost the worker a slot. Runs may be evicted.
 */
export async function chooseCacheSize(client: Client, taskQueue: string, log: Logger): Promise<number> {
  const types = Object.values(LASTING).map((type) => `'${type}'`);
  const query = `TaskQueue = '${taskQueue}' AND WorkflowType IN (${types.join(', ')}) AND ExecutionStatus = 'Running'`;
  try {
    return cacheSizeFor((await client.workflow.count(query)).count, getHeapStatistics().heap_size_limit);
  } catch (error) {
    log.warn(
      { taskQueue },
      `the applied objects cannot be counted, so ${LEAST} workflows are cached: ${describeError(error)}`,
    );
    return LEAST;
  }
}

export function cacheSizeFor(objects: number, heapBytes: number): number {
  const fitting = Math.floor((heapBytes - RESERVED_BYTES) / BYTES_EACH);
  return Math.max(LEAST, Math.min(fitting, BASE + Math.ceil(PER_OBJECT * objects)));
}
