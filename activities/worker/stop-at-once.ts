/**
 * Lets a workflow's cancelled activities end at once, though they send heartbeats rarely. A workflow does not know which
 * worker runs them, so this runs on the workers of its task queue in turn until each was met.
 */
import { ApplicationFailure, ApplicationFailureCategory } from '@temporalio/common';
import { beatAllOf } from './heartbeat';

/** @param parts how many activities were cancelled. @throws ApplicationFailure to be tried in another worker */
export function stopAtOnce(parts: number): Promise<void> {
  if (beatAllOf() >= parts) return Promise.resolve();
  return Promise.reject(
    ApplicationFailure.create({
      type: 'RUNS_ELSEWHERE',
      message: 'not all that is to end runs in this worker',
      category: ApplicationFailureCategory.BENIGN,
    }),
  );
}
