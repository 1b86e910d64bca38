/** Heartbeats of activities that run for as long as a sensor or an event source does. */
import { Context, heartbeat } from '@temporalio/activity';
import { unlessAborted } from '../../src/concurrency/open-while-wanted';

const HEARTBEAT_EVERY_MS = 1_000;
/** The first thing that a relay or listener does. */
export const WAITS_FOR_BUS = { problem: 'it waits for its event bus' };

export interface Heartbeat {
  /** What is told from now on. */
  report(details: () => unknown): void;
  stop(): void;
}

/**
 * Beats at once and then every second, so that pause, delete and hand-over reach the activity also while it waits for
 * a server. Until `report` is called it repeats what the attempt before reported last, for its successor, but not that
 * it was connected: this attempt is not yet.
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

/** Waits for what the whole worker shares, but no longer than the activity is wanted. Throws CancelledFailure. */
export async function unlessCancelled<Value>(waiting: Promise<Value>): Promise<Value> {
  return await unlessAborted(waiting, Context.current().cancellationSignal);
}
