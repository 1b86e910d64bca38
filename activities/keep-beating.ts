/** Heartbeats of activities that run for as long as a sensor or an event source does. */
import { Context, heartbeat } from '@temporalio/activity';

const HEARTBEAT_EVERY_MS = 1_000;

export interface Beating {
  /** What is told from now on. */
  tell(details: () => unknown): void;
  stop(): void;
}

/**
 * Beats at once and then every second, so that pause, delete and hand-over reach the activity also while it waits for
 * a server. Until `tell` is called it repeats what the attempt before told last, for its successor.
 */
export function keepBeating(): Beating {
  const former: unknown = Context.current().info.heartbeatDetails;
  let details = (): unknown => former;
  const beat = (): void => heartbeat(details());
  beat();
  const timer = setInterval(beat, HEARTBEAT_EVERY_MS);
  return {
    tell(next) {
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
  return await Promise.race([waiting, Context.current().cancelled]);
}
