/** Deletes what a folder of manifests applied once and has no longer. */
import type { FolderOwner } from '../../contract/definitions';
import { concurrently } from '../../concurrency/concurrently';
import { describeError } from '../../errors/sluice-error';
import { APPLIED_KINDS, DELETE_ORDER } from '../applied-kinds';
import { listApplied } from '../applied-objects';
import { addressText } from '../ask-workflow';
import { deleteOwned } from '../delete-owned';
import type { TemporalSession } from '../temporal-session';

/** One whose worker is gone answers after ten seconds only. */
const ASKED_AT_ONCE = 16;

interface Pruned {
  /** As sentences name them. */
  readonly deleted: readonly string[];
  /** What is still there, and why. */
  readonly unfinished: readonly string[];
}

/**
 * Asks every applied object that is not among `kept` by whom it was applied, and deletes those of `owner`: sensors first, a
 * bus last.
 *
 * @param kept workflow ids of the objects that the folder has
 */
export async function pruneFolder(
  session: TemporalSession,
  owner: FolderOwner,
  kept: ReadonlySet<string>,
  signal: AbortSignal,
): Promise<Pruned> {
  const deleted: string[] = [];
  const unfinished: string[] = [];
  for (const kind of DELETE_ORDER) {
    const others = (await listApplied(session, [APPLIED_KINDS[kind]])).filter(
      ({ workflowId }) => !kept.has(workflowId),
    );
    await concurrently(others, ASKED_AT_ONCE, async (object) => {
      if (signal.aborted) return;
      const what = addressText(object);
      const requestedBy = { by: 'worker', why: `${what} was removed from the folder of ${owner}` };
      try {
        const state = await deleteOwned(session, object, { appliedBy: owner, requestedBy });
        if (state === 'deleted') deleted.push(what);
        if (state === 'present') unfinished.push(`${what} is still used, or ends when a worker is there`);
      } catch (error) {
        unfinished.push(`${what}: ${describeError(error)}`);
      }
    });
  }
  return { deleted, unfinished };
}
