/** The frame of activities that run in place of a reader or listener while their object is paused. */
import { CancelledFailure, Context } from '@temporalio/activity';
import { toPatientFailure } from './failures';
import { notConnected, startHeartbeat, type Heartbeat } from './heartbeat';

const RETRY_AFTER_MS = 30_000;

/**
 * Heartbeats while `watch` runs, and retries each failure: an operator may fix its cause while the object is paused.
 *
 * @param about as in `notConnected`
 */
export async function whilePaused(
  about: object,
  watch: (context: Context, heartbeat: Heartbeat) => Promise<void>,
): Promise<void> {
  const context = Context.current();
  const heartbeat = startHeartbeat(notConnected(about));
  try {
    await watch(context, heartbeat);
  } catch (error) {
    if (error instanceof CancelledFailure) throw error;
    if (!context.cancellationSignal.aborted) throw toPatientFailure(error, RETRY_AFTER_MS);
  } finally {
    heartbeat.stop();
  }
  await context.cancelled;
}
