/** Converts our errors to Temporal's and back: codes become failure types, hints become retry delays. */
import { ApplicationFailure, TemporalFailure } from '@temporalio/common';
import { describeError, isSluiceError, SluiceError } from '../../src/errors/sluice-error';
import type { FireFailure } from '../../src/contract/fires';
import { classifyTemporalFailure } from '../../src/errors/temporal-failures';

/** Returns the parts of an error that workflows and operators need. Unknown errors are treated as transient. */
export function toFireFailure(error: unknown): FireFailure {
  if (!isSluiceError(error)) {
    return {
      code: 'TRIGGER_UNREACHABLE',
      message: error instanceof Error ? error.message : String(error),
      retryable: true,
    };
  }
  return {
    code: error.code,
    message: withCauses(error),
    ...(error.fix === undefined ? {} : { fix: error.fix }),
    retryable: error.retryable,
    ...(error.retryAfterMs === undefined ? {} : { retryAfterMs: error.retryAfterMs }),
    ...(error.object && { object: error.object }),
  };
}

/** For Temporal's retries: the type is the code; the details are the FireFailure and the number of attempts. */
export function toApplicationFailure(error: unknown, attempts = 1): ApplicationFailure {
  if (error instanceof ApplicationFailure) return error;
  const failure = toFireFailure(error);
  return ApplicationFailure.create({
    type: failure.code,
    message: failure.fix === undefined ? failure.message : `${failure.message}. ${failure.fix}`,
    nonRetryable: !failure.retryable,
    details: [failure, attempts],
    ...(failure.retryAfterMs === undefined ? {} : { nextRetryDelay: failure.retryAfterMs }),
    ...(error instanceof Error ? { cause: error } : {}),
  });
}

/** For requests to Temporal: turns a permanent rejection into an error of ours, so that it is not retried. */
export function explainTemporalFailure(error: unknown): unknown {
  if (isSluiceError(error) || error instanceof TemporalFailure) return error;
  const failure = classifyTemporalFailure(error);
  if (failure.kind !== 'permanent') return failure.error;
  return new SluiceError('RUN_REFUSED', {
    message: `Temporal rejected it permanently: ${describeError(error)}`,
    fix: failure.isTooLarge
      ? 'Request less at once, or transform the events to what the triggers need'
      : 'Check the request; it had no effect',
    cause: error,
  });
}

/** For work that resumes by itself once an operator has fixed the cause, so that every error is retried. */
export function toPatientFailure(error: unknown, retryAfterMs: number): ApplicationFailure {
  const { code, message, fix } = toFireFailure(error);
  return ApplicationFailure.create({
    type: code,
    message: fix === undefined ? message : `${message}. ${fix}`,
    nextRetryDelay: retryAfterMs,
  });
}

function withCauses(error: Error): string {
  const cause = error.cause;
  return cause instanceof Error && cause.message !== '' && !error.message.includes(cause.message)
    ? `${error.message}: ${cause.message}`
    : error.message;
}
