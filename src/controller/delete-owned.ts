/** Deletes what the controller applied from an object that the cluster no longer has. */
import { eventBusDefinitionQuery } from '../contract/event-bus-messages';
import { addressText, askWorkflow } from '../control/ask-workflow';
import type { ObjectAddress } from '../control/applied-kinds';
import { workflowIdOf } from '../control/applied-objects';
import { deleteObject, requireUnused } from '../control/delete-object';
import type { TemporalSession } from '../control/temporal-session';
import { objectUnknown } from '../control/unknown-object';
import { isSluiceError } from '../errors/sluice-error';

const WAIT_MS = 5_000;

/**
 * Resolves with `gone` once it is deleted, and for an object that a command applied, which stays. `present`: a bus that
 * is still used, or an object that a worker has yet to end. Throws WORKER_MISSING.
 */
export async function deleteOwned(session: TemporalSession, address: ObjectAddress): Promise<'gone' | 'present'> {
  try {
    if (!(await isOwned(session, address))) return 'gone';
    await requireUnused(session, address);
  } catch (error) {
    if (isSluiceError(error) && error.code === 'OBJECT_UNKNOWN') return 'gone';
    if (isSluiceError(error) && error.code === 'OBJECT_IN_USE') return 'present';
    throw error;
  }
  const why = `${addressText(address)} was deleted from the cluster, or is no longer selected`;
  const { action } = await deleteObject(session, address, { requestedBy: { by: 'controller', why }, waitMs: WAIT_MS });
  return action === 'deleting' ? 'present' : 'gone';
}

/** The definitions of all kinds are queried by one name, and share this field. */
async function isOwned(session: TemporalSession, address: ObjectAddress): Promise<boolean> {
  const unknown = () => objectUnknown(session, address);
  const { appliedBy } = await askWorkflow(session, workflowIdOf(address), unknown, (handle) =>
    handle.query(eventBusDefinitionQuery),
  );
  return appliedBy === 'controller';
}
