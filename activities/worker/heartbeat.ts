/** Heartbeats of activities that run for as long as a sensor or an event source does. */
import { Context, heartbeat } from '@temporalio/activity';
import { unlessAborted } from '../../src/concurrency/open-while-wanted';

const HEARTBEAT_EVERY_MS = 1_000;
/** Initial state of every relay and listener. */
export const WAITS_FOR_BUS = { problem: 'it waits for its event bus' };

export interface Heartbeat {
  /** Sets the details of all heartbeats from now on. */
  report(details: () => unknown): void;
  stop(): void;
}

/**
 * Sends a heartbeat at once and then every second, so that pause, delete and hand-over reach the activity even while it
 * waits for a server. Until `report` is called it repeats the last details of the previous attempt, for its successor,
 * except `connected`, because this attempt is not connected yet.
 *
 * @param about which part of its workflow this activity is, and what it waits for
 */
export function startHeartbeat(about: object = {}): Heartbeat {
  const former: unknown = Context.current().info.heartbeatDetails;
  let details = (): unknown => ({
    ...(typeof former === 'object' ? former : {}),
    connected: false,
    problem: undefined,
    ...about,
  });
  const beat = (): void => heartbeat(details());
  beat();
  const timer = setInterval(beat, HEARTBEAT_EVERY_MS);
  return {
    report(next) {
      details = next;
      beat();
    },
    stop() {
      clearInterval(timer);
      beat();
    },
  };
}

/** Waits for a resource of the whole worker, but no longer than the activity is wanted. Throws CancelledFailure. */
export async function unlessCancelled<Value>(waiting: Promise<Value>): Promise<Value> {
  return await unlessAborted(waiting, Context.current().cancellationSignal);
}
