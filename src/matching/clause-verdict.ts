/** The result of one clause of a dependency's filters for an event. */
import type { ErrorCode } from '../errors/sluice-error';
import type { ExpressionFailure } from '../expressions/engine';

export type ClauseVerdict =
  | { readonly outcome: 'passed'; readonly reason: string }
  /** The clause does not match. */
  | { readonly outcome: 'refused'; readonly reason: string }
  /** The clause could not be evaluated; counts as a mismatch. */
  | { readonly outcome: 'failed'; readonly reason: string; readonly code: ErrorCode };

export function passed(reason: string): ClauseVerdict {
  return { outcome: 'passed', reason };
}

export function refused(reason: string): ClauseVerdict {
  return { outcome: 'refused', reason };
}

export function failed(failure: Pick<ExpressionFailure, 'code' | 'message'>): ClauseVerdict {
  return { outcome: 'failed', reason: failure.message, code: failure.code };
}

export function verdictFrom(isPassed: boolean, reason: string): ClauseVerdict {
  return isPassed ? passed(reason) : refused(reason);
}
