/** Ends the workflow of one object: for `sluice delete` and the controller. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { WorkflowExecutionDescription } from '@temporalio/client';
import { deleteSignal } from '../contract/lifecycle-messages';
import type { RequestedBy } from '../contract/requester';
import { SluiceError } from '../errors/sluice-error';
import type { ObjectAddress } from './applied-kinds';
import { workflowIdOf } from './applied-objects';
import { addressOf } from './apply/apply-object';
import { findBusDependents } from './apply/bus-dependents';
import { addressText, workerMissing } from './ask-workflow';
import { terminateByDelete } from './terminate-by-delete';
import { isWorkflowNotFound } from './find-execution';
import { isDeleted, readEnd } from './status/execution-end';
import type { TemporalSession } from './temporal-session';

export interface DeleteOptions {
  readonly requestedBy: RequestedBy;
  /** How long to wait for the end. */
  readonly waitMs: number;
  /** End it without a worker; a sensor then leaves its consumer on the bus. */
  readonly force?: boolean;
}

export interface Deletion {
  /** `deleting`: signalled to end; a worker has yet to process the signal. */
  readonly action: 'deleted' | 'deleting' | 'not found';
  /** It did not end by itself: the consumer of a sensor is still on the bus. */
  readonly keepsPosition: boolean;
}

const NOT_FOUND: Deletion = { action: 'not found', keepsPosition: false };

const POLL_MS = 200;

/**
 * Throws OBJECT_IN_USE for a bus that sources or sensors use.
 *
 * @param deleted workflow ids of objects that are deleted together with it
 */
export async function requireUnused(
  session: TemporalSession,
  address: ObjectAddress,
  deleted: ReadonlySet<string> = new Set(),
): Promise<void> {
  if (address.kind.kind !== 'EventBus') return;
  const { found, unanswered } = await findBusDependents(session, address);
  const [silent] = unanswered.filter(({ workflowId }) => !deleted.has(workflowId));
  if (silent !== undefined) throw workerMissing(silent.taskQueue);
  const users = found.map(addressOf).filter((user) => !deleted.has(workflowIdOf(user)));
  if (users.length === 0) return;
  throw new SluiceError('OBJECT_IN_USE', {
    message: `${addressText(address)} is used by ${users.map(({ kind, name }) => `${kind.word}/${name}`).join(', ')}`,
    fix: 'Delete these first, or together with it',
  });
}

export async function deleteObject(
  session: TemporalSession,
  address: ObjectAddress,
  { requestedBy, waitMs, force = false }: DeleteOptions,
): Promise<Deletion> {
  const handle = session.client.workflow.getHandle(workflowIdOf(address));
  try {
    const description = await handle.describe();
    if (description.status.name !== 'RUNNING') return await forgetGone(session, description);
    // A bus has nothing to clean up, so deleting it need not wait for a worker.
    if (force || address.kind.kind === 'EventBus') await terminateByDelete(session, handle.workflowId, requestedBy);
    else await handle.signal(deleteSignal, requestedBy);
  } catch (error) {
    if (isWorkflowNotFound(error)) return NOT_FOUND;
    throw error;
  }
  for (const deadline = Date.now() + waitMs; ; await sleep(POLL_MS)) {
    const { status } = await handle.describe();
    if (status.name !== 'RUNNING') return { action: 'deleted', keepsPosition: force };
    if (Date.now() >= deadline) return { action: 'deleting', keepsPosition: force };
  }
}

/** Deletes the history of a workflow that was ended from outside: `sluice list` shows it until then. */
async function forgetGone(session: TemporalSession, description: WorkflowExecutionDescription): Promise<Deletion> {
  const found = await readEnd(session, description);
  if (found === undefined || isDeleted(found)) return NOT_FOUND;
  const { workflowId, runId } = description;
  await session.client.workflowService.deleteWorkflowExecution({
    namespace: session.namespace,
    workflowExecution: { workflowId, runId },
  });
  return { action: 'deleted', keepsPosition: true };
}
