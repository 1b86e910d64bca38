import { isSluiceError, type SluiceError } from '../../src/errors/sluice-error';

/** What `attempt` was rejected with; fails the test when it was not, or with something that is no SluiceError. */
export async function failureOf(attempt: Promise<unknown>): Promise<SluiceError> {
  const outcome = await attempt.then(
    (value) => ({ value }),
    (error: unknown) => ({ error }),
  );
  if ('error' in outcome) {
    if (isSluiceError(outcome.error)) return outcome.error;
    throw outcome.error;
  }
  throw new Error(`expected a failure, got ${JSON.stringify(outcome.value)}`);
}
