/** The observed state of reading or listening activities: a source or sensor is Ready only if they report it. Pure. */
import { COVERED_FAIL_OVER_MS, FAIL_OVER_MS } from '../../contract/fail-over';
import { ageOf } from '../../text/ages';
import type { PendingActivity } from '../pending-activities';
import { readReport } from './heartbeat-report';

/** `Stale`: it has reported, but not recently. */
export type ReaderState = 'Ready' | 'Connecting' | 'NotReady' | 'Stale';

export interface Reader {
  readonly state: ReaderState;
  /** Why it does not read; if it reads, what is degraded. */
  readonly reason?: string;
}

const CLOCKS_DIFFER_MS = 5_000;
/** Without a sign of life for as long as this, its worker is given up. */
const STALE_AFTER_MS = FAIL_OVER_MS + CLOCKS_DIFFER_MS;
/** The same without a report of a reader whose worker gives no sign of life. */
const UNCOVERED_STALE_AFTER_MS = COVERED_FAIL_OVER_MS + CLOCKS_DIFFER_MS;
/** An activity that no worker has taken for this long waits for a free slot. */
export const UNTAKEN_AFTER_MS = 10_000;

/** Worst first. */
const ORDER: readonly ReaderState[] = ['NotReady', 'Stale', 'Connecting', 'Ready'];

const NOT_SCHEDULED: Reader = { state: 'Connecting', reason: 'no worker has begun to read it yet' };

export function judgeReader(activity: PendingActivity, now: number): Reader {
  switch (activity.state) {
    case 'started':
      return judgeStarted(activity, now);
    case 'scheduled': {
      const untaken = untakenFor(activity, now);
      if (activity.attempt > 1 && activity.lastFailure !== undefined) {
        return { state: 'NotReady', reason: activity.lastFailure };
      }
      return untaken === undefined ? NOT_SCHEDULED : { state: 'NotReady', reason: describeUntaken(untaken) };
    }
    case 'stopping':
      return { state: 'Connecting', reason: 'it is being handed over' };
    case 'paused':
      return { state: 'NotReady', reason: 'its activity is paused in Temporal; unpause it there' };
    case 'unknown':
      return { state: 'NotReady', reason: 'Temporal does not say what its activity is doing' };
  }
}

/** Returns the worst of several, with its reason; of `wanted`, the missing ones count as connecting. */
export function worstReader(readers: readonly Reader[], wanted = 0): Reader {
  const missing = Array.from({ length: Math.max(0, wanted - readers.length) }, () => NOT_SCHEDULED);
  const [worst] = [...readers, ...missing].sort((a, b) => ORDER.indexOf(a.state) - ORDER.indexOf(b.state));
  return worst ?? { state: 'Ready' };
}

/** Milliseconds for which no worker has taken a first attempt; undefined while that is normal. */
export function untakenFor({ state, attempt, scheduledAt }: PendingActivity, now: number): number | undefined {
  if (state !== 'scheduled' || attempt > 1 || scheduledAt === undefined) return undefined;
  const waiting = now - Date.parse(scheduledAt);
  return waiting > UNTAKEN_AFTER_MS ? waiting : undefined;
}

export function describeUntaken(waitingMs: number): string {
  return `no worker has capacity for it: it has waited for ${ageOf(new Date(0), waitingMs)}; start another worker, or raise SLUICE_MAX_ACTIVITIES`;
}

function judgeStarted(activity: PendingActivity, now: number): Reader {
  const { startedAt, lastHeartbeatAt, workerSeenAt, heartbeat, attempt, lastFailure } = activity;
  const failure = attempt > 1 ? lastFailure : undefined;
  const connecting: Reader =
    failure === undefined
      ? { state: 'Connecting', reason: 'it has not reported yet that it reads' }
      : { state: 'NotReady', reason: failure };
  // Temporal keeps the last report of the previous attempt.
  if (lastHeartbeatAt === undefined || (startedAt !== undefined && lastHeartbeatAt < startedAt)) return connecting;
  // A reader reports changes at once; as long as its worker lives, an old report is true.
  const seenAt = workerSeenAt !== undefined && workerSeenAt > lastHeartbeatAt ? workerSeenAt : lastHeartbeatAt;
  if (now - Date.parse(seenAt) > (workerSeenAt === undefined ? UNCOVERED_STALE_AFTER_MS : STALE_AFTER_MS)) {
    return { state: 'Stale', reason: `its last report is ${ageOf(seenAt, now)} old` };
  }
  const { connected, problem, busProblem } = readReport(heartbeat);
  // What a relay reads and cannot publish is rejected to its caller, or lost.
  if (busProblem !== undefined && (!connected || activity.type === 'sluiceRelayEvents')) {
    return { state: 'NotReady', reason: describeBusProblem(busProblem) };
  }
  if (connected) return { state: 'Ready', ...(problem !== undefined && { reason: problem }) };
  return problem === undefined ? connecting : { state: 'NotReady', reason: problem };
}

export function describeBusProblem(problem: string): string {
  return `the event bus cannot be used now: ${problem}`;
}
