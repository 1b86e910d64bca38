/** Deletes objects whose origin is gone: an object of the cluster, or a file of a folder. */
import type { AppliedDefinition } from '../contract/definitions';
import { eventBusDefinitionQuery } from '../contract/event-bus-messages';
import type { RequestedBy } from '../contract/requester';
import { isSluiceError } from '../errors/sluice-error';
import type { ObjectAddress } from './applied-kinds';
import { workflowIdOf } from './applied-objects';
import { askWorkflow } from './ask-workflow';
import { deleteObject, requireUnused } from './delete-object';
import type { TemporalSession } from './temporal-session';
import { objectUnknown } from './unknown-object';

export interface Owner {
  readonly appliedBy: NonNullable<AppliedDefinition['appliedBy']>;
  readonly requestedBy: RequestedBy;
}

const WAIT_MS = 5_000;

/**
 * Resolves with `deleted` once it is gone; with `another owner` for an object that is not applied, or was applied by a
 * command or another owner, and stays; with `present` for a bus that is still used, or an object that a worker has yet to
 * end. Throws WORKER_MISSING.
 */
export async function deleteOwned(
  session: TemporalSession,
  address: ObjectAddress,
  { appliedBy, requestedBy }: Owner,
): Promise<'deleted' | 'another owner' | 'present'> {
  try {
    if ((await ownerOf(session, address)) !== appliedBy) return 'another owner';
    await requireUnused(session, address);
  } catch (error) {
    if (isSluiceError(error) && error.code === 'OBJECT_UNKNOWN') return 'another owner';
    if (isSluiceError(error) && error.code === 'OBJECT_IN_USE') return 'present';
    throw error;
  }
  const { action } = await deleteObject(session, address, { requestedBy, waitMs: WAIT_MS });
  return action === 'deleting' ? 'present' : 'deleted';
}

/** The definitions of all kinds are queried by one name, and share this field. */
async function ownerOf(session: TemporalSession, address: ObjectAddress): Promise<AppliedDefinition['appliedBy']> {
  const unknown = () => objectUnknown(session, address);
  const { appliedBy } = await askWorkflow(session, workflowIdOf(address), unknown, (handle) =>
    handle.query(eventBusDefinitionQuery),
  );
  return appliedBy;
}
