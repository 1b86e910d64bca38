/** Reads the failure of an activity in a workflow. Pure: names instead of classes, so no SDK is needed. */
import type { FireFailure } from '../../contract/fires';

export const UNKNOWN_FAILURE: FireFailure = {
  code: 'TRIGGER_UNREACHABLE',
  message: 'the trigger failed without a message',
  retryable: false,
};

/** Activities put a FireFailure into their failure's details; a timeout carries the last attempt's as its cause. */
export function readFailure(error: unknown): FireFailure {
  let text: string | undefined;
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    const detail = detailOf(cause);
    if (detail !== undefined) return detail;
    if (cause.name !== 'ActivityFailure') text ??= cause.message;
  }
  return text === undefined ? UNKNOWN_FAILURE : { ...UNKNOWN_FAILURE, message: text };
}

/** How many attempts the failed activity has made, as far as its error reports it. */
export function readAttempts(error: unknown): number {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    const attempts = detailsOf(cause)[1];
    if (typeof attempts === 'number') return attempts;
  }
  return 1;
}

/** One line: code and text. */
export function describeFailure(error: unknown): string {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    const detail = detailOf(cause);
    if (detail !== undefined) return `${detail.code}: ${detail.message}`;
    if (cause.name === 'ApplicationFailure') return cause.message;
  }
  return error instanceof Error ? error.message : String(error);
}

function detailOf(error: Error): FireFailure | undefined {
  const [detail] = detailsOf(error);
  return isFireFailure(detail) ? detail : undefined;
}

function detailsOf(error: Error): readonly unknown[] {
  return 'details' in error && Array.isArray(error.details) ? error.details : [];
}

function isFireFailure(value: unknown): value is FireFailure {
  return typeof value === 'object' && value !== null && 'code' in value && 'message' in value && 'retryable' in value;
}
