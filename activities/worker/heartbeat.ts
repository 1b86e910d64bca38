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

/** In this process, whichever worker they belong to: workflow → its execution → the activities that send heartbeats. */
const beating = new Map<string, Map<string, Set<() => void>>>();

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
  let looked = '';
  const send = (now: unknown): void => {
    sentAt = performance.now();
    sent = withoutTimes(now);
    looked = '';
    activity.heartbeat(now);
  };
  /** Leaving out times costs several times as much as the text, and at rest the times seldom change. */
  const isNews = (now: unknown): boolean => {
    const text = JSON.stringify(now) ?? '';
    if (text === looked) return false;
    looked = text;
    return withoutTimes(now) !== sent;
  };
  const beat = (): void => send(details());
  const look = (): void => {
    const now = details();
    const isDue = performance.now() - sentAt > everyMs - LOOK_EVERY_MS / 2;
    if (isDue || (isUrgent && isNews(now))) send(now);
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
 * Sends a heartbeat of each activity in this process that belongs to the same execution: the answer says whether it is to
 * end. Returns how many there are.
 */
export function beatAllOf({ info }: Pick<BeatingActivity, 'info'> = Context.current()): number {
  const beats = [...(beating.get(workflowKey(info))?.get(runOf(info)) ?? [])];
  for (const beat of beats) beat();
  return beats.length;
}

/** Sends a heartbeat of each activity in this process. */
export function beatAll(): void {
  for (const executions of beating.values()) for (const beats of executions.values()) for (const beat of beats) beat();
}

/** Waits for a resource of the whole worker, but no longer than the activity is wanted. Throws CancelledFailure. */
export async function unlessCancelled<Value>(waiting: Promise<Value>): Promise<Value> {
  return await unlessAborted(waiting, Context.current().cancellationSignal);
}

function remember({ info }: BeatingActivity, beat: () => void): () => void {
  const key = workflowKey(info);
  const run = runOf(info);
  const executions = beating.get(key) ?? new Map<string, Set<() => void>>();
  beating.set(key, executions);
  // A workflow that was terminated and started again: what its former execution left ends with the answer.
  for (const [other, beats] of executions) if (other !== run) for (const former of [...beats]) former();
  const beats = executions.get(run) ?? new Set();
  executions.set(run, beats.add(beat));
  return () => {
    beats.delete(beat);
    if (beats.size === 0) executions.delete(run);
    if (executions.size === 0 && beating.get(key) === executions) beating.delete(key);
  };
}

function workflowKey({ namespace, workflowExecution }: BeatingActivity['info']): string {
  return JSON.stringify([namespace, workflowExecution?.workflowId]);
}

function runOf({ workflowExecution }: BeatingActivity['info']): string {
  return workflowExecution?.runId ?? '';
}

/** When something was measured is no news. */
function withoutTimes(details: unknown): string {
  return JSON.stringify(details, (key, value: unknown) => (key === 'at' ? undefined : value)) ?? '';
}
