/** What an update answers when it cannot be obeyed. Pure. */
import { ApplicationFailure } from '@temporalio/common';
import type { ErrorCode } from '../errors/sluice-error';

/** A person reads it in a dialog of the Temporal UI, so it says the reason and not where in our code it was raised. */
export function createUpdateRefusal(code: ErrorCode, message: string): ApplicationFailure {
  const refusal = ApplicationFailure.nonRetryable(message, code);
  refusal.stack = '';
  return refusal;
}
