/** How an activity that runs for as long as it is wanted has ended: what its gauges say afterwards depends on it. */
import { Context } from '@temporalio/activity';
import { isSluiceError } from '../../src/errors/sluice-error';

/**
 * `let go`: paused, deleted, configured anew, or about to be tried again. `stopped`: over what a person must repair.
 * `shutting down`: the process ends, and its series with it.
 */
export type StopReason = 'let go' | 'stopped' | 'shutting down';

/** @param error what ended it, if anything did */
export function stopReasonOf(error: unknown): StopReason {
  const { cancellationDetails, cancellationSignal } = Context.current();
  if (cancellationDetails?.workerShutdown) return 'shutting down';
  return !cancellationSignal.aborted && isSluiceError(error) && !error.retryable ? 'stopped' : 'let go';
}
