/** Starts again what ran before a faulty change: only the history of its ended workflow still has that version. */
import type { ObjectAddress, TaskQueues } from '../control/applied-kinds';
import { queryDefinition } from '../control/applied-definition';
import { workflowIdOf } from '../control/applied-objects';
import { applyObject } from '../control/apply/apply-object';
import { askWorkflow } from '../control/ask-workflow';
import type { TemporalSession } from '../control/temporal-session';
import { objectUnknown } from '../control/unknown-object';

/**
 * Resolves with false for what a command had applied: the controller never ran it. Throws WORKER_MISSING if there is no
 * worker to read the history, and OBJECT_UNKNOWN once Temporal has deleted it (retention).
 */
export async function restoreFormer(
  session: TemporalSession,
  address: ObjectAddress,
  queues: TaskQueues,
): Promise<boolean> {
  // Temporal answers queries of workflows that have ended, too.
  const former = await queryDefinition(address.kind.kind, (question) =>
    askWorkflow(session, workflowIdOf(address), () => objectUnknown(session, address), question),
  );
  if (former.definition.appliedBy !== 'controller') return false;
  await applyObject(session, former, queues, { by: 'controller', why: 'its last valid version is restored' });
  return true;
}
