/**
 * Heartbeats of activities that run for as long as a sensor or an event source does: as rarely as fail-over allows,
 * because each costs Temporal a write, and at once when what they report changes or when they are to be let go.
 */
import { Context } from '@temporalio/activity';
import { unlessAborted } from '../../src/concurrency/open-while-wanted';

/** A heartbeat may be lost, and one may be late. */
const SHARE_OF_TIMEOUT = 0.4;
const WITHOUT_TIMEOUT_MS = 8_000;
/** How soon a change shows. */
const LOOK_EVERY_MS = 2_000;
/** Initial state of every relay and listener. */
export const WAITS_FOR_BUS = { problem: 'it waits for its event bus' };

export interface Heartbeat {
  /** Sets the details of all heartbeats from now on. */
  report(details: () => unknown): void;
  stop(): void;
}

/** The part of an activity's context that heartbeats need. */
export interface BeatingActivity {
  readonly info: Pick<Context['info'], 'namespace' | 'workflowExecution' | 'heartbeatTimeoutMs'>;
  heartbeat(details?: unknown): void;
}

/** In this process, whichever worker they belong to: the execution → its activities that send heartbeats. */
const beating = new Map<string, Set<() => void>>();

/**
 * Details until the activity has some of its own: the last ones of the previous attempt, for its successor, except
 * `connected`, because this attempt is not connected yet.
 *
 * @param about which part of its workflow this activity is, and what it waits for
 */
export function notConnected(about: object = {}): () => unknown {
  const former: unknown = Context.current().info.heartbeatDetails;
  return () => ({ ...(typeof former === 'object' ? former : {}), connected: false, problem: undefined, ...about });
}

/**
 * Sends a heartbeat at once, then at the pace that its timeout allows, and when the details change.
 *
 * @param isUrgent false if a change of the details can wait for the next heartbeat
 */
export function startHeartbeat(
  details: () => unknown,
  isUrgent = true,
  // Not the current one of each heartbeat: another activity may ask for it.
  activity: BeatingActivity = Context.current(),
): Heartbeat {
  const { heartbeatTimeoutMs } = activity.info;
  const everyMs = heartbeatTimeoutMs === undefined ? WITHOUT_TIMEOUT_MS : heartbeatTimeoutMs * SHARE_OF_TIMEOUT;
  let sentAt = -Infinity;
  let sent = '';
  const send = (now: unknown): void => {
    sentAt = performance.now();
    sent = withoutTimes(now);
    activity.heartbeat(now);
  };
  const beat = (): void => send(details());
  const look = (): void => {
    const now = details();
    const isDue = performance.now() - sentAt > everyMs - LOOK_EVERY_MS / 2;
    if (isDue || (isUrgent && withoutTimes(now) !== sent)) send(now);
  };
  beat();
  const timer = setInterval(look, Math.min(LOOK_EVERY_MS, everyMs));
  const forget = remember(activity, beat);
  return {
    report(next) {
      details = next;
      beat();
    },
    stop() {
      clearInterval(timer);
      forget();
      beat();
    },
  };
}

/**
 * Sends a heartbeat of each activity in this process that belongs to the same workflow: the answer says whether it is to end.
 * Returns how many there are.
 */
export function beatAllOf(activity: Pick<BeatingActivity, 'info'> = Context.current()): number {
  const beats = [...(beating.get(executionKey(activity)) ?? [])];
  for (const beat of beats) beat();
  return beats.length;
}

/** Waits for a resource of the whole worker, but no longer than the activity is wanted. Throws CancelledFailure. */
export async function unlessCancelled<Value>(waiting: Promise<Value>): Promise<Value> {
  return await unlessAborted(waiting, Context.current().cancellationSignal);
}

function remember(activity: BeatingActivity, beat: () => void): () => void {
  const key = executionKey(activity);
  const beats = beating.get(key) ?? new Set();
  beating.set(key, beats.add(beat));
  return () => {
    beats.delete(beat);
    if (beats.size === 0) beating.delete(key);
  };
}

function executionKey({ info: { namespace, workflowExecution } }: Pick<BeatingActivity, 'info'>): string {
  return JSON.stringify([namespace, workflowExecution?.workflowId, workflowExecution?.runId]);
}

/** When something was measured is no news. */
function withoutTimes(details: unknown): string {
  return JSON.stringify(details, (key, value: unknown) => (key === 'at' ? undefined : value)) ?? '';
}
