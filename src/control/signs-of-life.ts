/** The signs of life of workers, which cover the readers and listeners that they run. */
import { temporal } from '@temporalio/proto';
import { workerWorkflowId } from '../contract/identity';
import { findExecution } from './find-execution';
import type { TemporalSession } from './temporal-session';

const { PENDING_ACTIVITY_STATE_STARTED } = temporal.api.enums.v1.PendingActivityState;
/** The objects of a list share a few workers. */
const VALID_MS = 1_000;

type Look = { readonly at: number; readonly seenAt: Promise<number | undefined> };
const looks = new WeakMap<TemporalSession, Map<string, Look>>();

/** Returns when the worker gave its last sign, in milliseconds since the epoch; undefined if it gives none. */
export function workerSeenAt(
  session: TemporalSession,
  taskQueue: string,
  identity: string,
): Promise<number | undefined> {
  const known = looks.get(session) ?? new Map<string, Look>();
  looks.set(session, known);
  const workflowId = workerWorkflowId(taskQueue, identity);
  const last = known.get(workflowId);
  if (last !== undefined && performance.now() - last.at < VALID_MS) return last.seenAt;
  const seenAt = readSeenAt(session, workflowId, identity);
  known.set(workflowId, { at: performance.now(), seenAt });
  seenAt.catch(() => known.delete(workflowId));
  return seenAt;
}

async function readSeenAt(session: TemporalSession, workflowId: string, identity: string): Promise<number | undefined> {
  const description = await findExecution(session, workflowId);
  if (description?.status.name !== 'RUNNING') return undefined;
  const [lease] = description.raw.pendingActivities ?? [];
  const isHeld = lease?.state === PENDING_ACTIVITY_STATE_STARTED && lease.lastWorkerIdentity === identity;
  return isHeld && lease.lastHeartbeatTime ? Number(lease.lastHeartbeatTime.seconds) * 1_000 : undefined;
}
