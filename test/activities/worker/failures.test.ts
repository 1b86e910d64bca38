import { CancelledFailure } from '@temporalio/common';
import { explainTemporalFailure, toApplicationFailure } from '../../../activities/worker/failures';
import { SluiceError } from '../../../src/errors/sluice-error';

const statusError = (code: number, details: string): Error =>
  Object.assign(new Error('failed to start'), { cause: Object.assign(new Error(details), { code, details }) });

describe('a request to Temporal', () => {
  it.each([
    ['an invalid argument', statusError(3, 'BadStartInput')],
    ['a message that is too large', statusError(8, 'grpc: received message larger than max (5000000 vs. 4194304)')],
  ])('is not retried after a permanent failure: %s', (_, error) => {
    const failure = toApplicationFailure(explainTemporalFailure(error));
    expect([failure.type, failure.nonRetryable]).toEqual(['RUN_REFUSED', true]);
  });

  it.each([
    ['an outage of Temporal', statusError(14, 'unavailable')],
    ['its rate limit', statusError(8, 'namespace rate limit exceeded')],
    ['any other error', new Error('socket hang up')],
  ])('is retried after %s', (_, error) => {
    expect(toApplicationFailure(explainTemporalFailure(error)).nonRetryable).toBe(false);
  });

  it('keeps errors that already have advice, and cancellation', () => {
    const known = new SluiceError('RUN_UNKNOWN', { message: 'there is no such run' });
    const cancelled = new CancelledFailure('over');
    expect([explainTemporalFailure(known), explainTemporalFailure(cancelled)]).toEqual([known, cancelled]);
  });
});
