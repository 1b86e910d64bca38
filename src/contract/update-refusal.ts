/** The error of an update that is rejected. Pure. */
import { ApplicationFailure } from '@temporalio/common';
import type { ErrorCode } from '../errors/sluice-error';

/** Shown in a dialog of the Temporal UI, so it has the reason but not the stack trace. */
export function createUpdateRefusal(code: ErrorCode, message: string): ApplicationFailure {
  const refusal = ApplicationFailure.nonRetryable(message, code);
  refusal.stack = '';
  return refusal;
}
