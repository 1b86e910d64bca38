/** A Temporal namespace without our search attributes takes no run and finds none. */
import { describeError, SluiceError } from '../src/errors';

/** The error with what an operator can do about it; one of another kind as it is. */
export function explainUnprepared(error: unknown): unknown {
  const text = describeError(error);
  if (!/search attribute/i.test(text)) return error;
  return new SluiceError('TEMPORAL_NOT_PREPARED', {
    message: `Temporal does not know the search attributes of runs: ${text}`,
    fix: 'Run `sluice setup`',
    cause: error,
  });
}
