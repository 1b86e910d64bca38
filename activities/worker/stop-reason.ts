/** Why an activity that runs for as long as it is wanted has ended; decides what its gauges show afterwards. */
import { Context } from '@temporalio/activity';
import { isSluiceError } from '../../src/errors/sluice-error';

/**
 * `let go`: paused, deleted, reconfigured, or about to be retried. `stopped`: by an error that an operator must fix.
 * `shutting down`: the process ends, and its series with it.
 */
export type StopReason = 'let go' | 'stopped' | 'shutting down';

/** @param error the error that ended it, if any */
export function stopReasonOf(error: unknown): StopReason {
  const { cancellationDetails, cancellationSignal } = Context.current();
  if (cancellationDetails?.workerShutdown) return 'shutting down';
  return !cancellationSignal.aborted && isSluiceError(error) && !error.retryable ? 'stopped' : 'let go';
}
