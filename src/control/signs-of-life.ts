/** The signs of life of workers, which cover the readers and listeners that they run. */
import { temporal } from '@temporalio/proto';
import { z } from 'zod';
import { workerWorkflowId } from '../contract/identity';
import { decodePayload } from '../payloads/decode-payload';
import { findExecution } from './find-execution';
import type { TemporalSession } from './temporal-session';

const { PENDING_ACTIVITY_STATE_STARTED } = temporal.api.enums.v1.PendingActivityState;
/** The objects of a list share a few workers. */
const VALID_MS = 1_000;

export interface SignOfLife {
  /** In milliseconds since the epoch. */
  readonly at: number;
  /** Where the worker finds every event bus, if its environment says so. */
  readonly busServers?: readonly string[];
}

type Look = { readonly at: number; readonly sign: Promise<SignOfLife | undefined> };
const looks = new WeakMap<TemporalSession, Map<string, Look>>();

const details = z.object({ busServers: z.array(z.string()).optional().catch(undefined) }).catch({});

/** Returns the last sign of life of a worker; undefined if it gives none. */
export function lastSignOf(
  session: TemporalSession,
  taskQueue: string,
  identity: string,
): Promise<SignOfLife | undefined> {
  const known = looks.get(session) ?? new Map<string, Look>();
  looks.set(session, known);
  const workflowId = workerWorkflowId(taskQueue, identity);
  const last = known.get(workflowId);
  if (last !== undefined && performance.now() - last.at < VALID_MS) return last.sign;
  const sign = readSign(session, workflowId, identity);
  known.set(workflowId, { at: performance.now(), sign });
  sign.catch(() => known.delete(workflowId));
  return sign;
}

async function readSign(
  session: TemporalSession,
  workflowId: string,
  identity: string,
): Promise<SignOfLife | undefined> {
  const description = await findExecution(session, workflowId);
  if (description?.status.name !== 'RUNNING') return undefined;
  const [lease] = description.raw.pendingActivities ?? [];
  const isHeld = lease?.state === PENDING_ACTIVITY_STATE_STARTED && lease.lastWorkerIdentity === identity;
  if (!isHeld || !lease.lastHeartbeatTime) return undefined;
  const [payload] = lease.heartbeatDetails?.payloads ?? [];
  const converter = session.client.options.loadedDataConverter;
  const said = details.parse(payload && (await decodePayload<unknown>(converter, payload)));
  return { at: Number(lease.lastHeartbeatTime.seconds) * 1_000, ...said };
}
