/** Waits until an applied source reads and an applied sensor listens. */
import { setTimeout as sleep } from 'node:timers/promises';
import { isAsWanted, type Condition } from '../status/condition';
import { readCondition } from '../status/read-condition';
import type { TemporalSession } from '../temporal-session';
import { addressOf } from './apply-object';
import { readQuickly } from './quick-readiness';
import type { Desired } from './desired-objects';

export type Readiness = Condition;

const POLL_MS = 200;
/** The workflow itself is asked that rarely while the object starts. */
const ROUNDS_PER_QUESTION = 5;
const QUERY_TIMEOUT_MS = 5_000;

/**
 * Polls until the object is ready or paused; at the deadline returns the last state and its reason.
 *
 * @param isWorthWaiting false ends the wait at once
 */
export async function awaitReady(
  session: TemporalSession,
  desired: Desired,
  timeoutMs: number,
  isWorthWaiting: (readiness: Readiness) => boolean = () => true,
): Promise<Readiness> {
  const deadline = Date.now() + timeoutMs;
  for (let round = 1; ; round += 1) {
    const isLast = Date.now() >= deadline;
    const quick = await readQuickly(session, desired);
    const asks = quick === undefined && (isLast || round % ROUNDS_PER_QUESTION === 2);
    const readiness = asks ? await look(session, desired) : quick;
    if (readiness !== undefined && (isAsWanted(readiness) || !isWorthWaiting(readiness) || isLast)) return readiness;
    await sleep(POLL_MS);
  }
}

async function look(session: TemporalSession, desired: Desired): Promise<Readiness> {
  const { state, reason } = await readCondition(session, addressOf(desired), QUERY_TIMEOUT_MS);
  // A part that has failed may start again while this command waits.
  return { state: state === 'Failed' ? 'NotReady' : state, ...(reason !== undefined && { reason }) };
}
