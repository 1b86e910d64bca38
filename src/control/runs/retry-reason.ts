/** Why a run is still firing: the last failure of an attempt that Temporal repeats. */
import { findExecution } from '../find-execution';
import { pendingActivitiesOf } from '../pending-activities';
import type { TemporalSession } from '../temporal-session';

/** Resolves with undefined if no attempt has failed, or the run is gone. Needs no worker. */
export async function retryReason(session: TemporalSession, runId: string): Promise<string | undefined> {
  const execution = await findExecution(session, runId);
  const pending = execution === undefined ? [] : await pendingActivitiesOf(session, execution);
  const retried = pending.find(({ lastFailure }) => lastFailure !== undefined);
  return retried && `attempt ${retried.attempt - 1} failed, is repeated: ${retried.lastFailure}`;
}
