import { isAttemptList } from '../../workflows/lifecycle/signal-guards';

describe('a signal that reports the response to a call', () => {
  const heads = { fireId: 'f', at: '2026-01-01T00:00:00.000Z', tookMs: 700 };
  const result = { kind: 'response', summary: 'POST http://x/ answered 200', status: 200 };
  const failure = { code: 'TRIGGER_REFUSED', message: 'POST http://x/ answered 503', retryable: true };

  it('is taken as the listener sends it', () => {
    expect(isAttemptList([{ ...heads, result }])).toBe(true);
    expect(isAttemptList([{ ...heads, failure: { ...failure, fix: 'wait', retryAfterMs: 1_000 } }])).toBe(true);
  });

  it.each<[string, unknown]>([
    ['has no result', heads],
    ['has both', { ...heads, result, failure }],
    ['has a result that says nothing', { ...heads, result: {} }],
    ['has an object that is not described', { ...heads, result: { kind: 'object' } }],
    ['has a failure without a message', { ...heads, failure: { code: 'TRIGGER_REFUSED', retryable: true } }],
    ['has a failure that does not say whether to retry', { ...heads, failure: { ...failure, retryable: 'no' } }],
    ['has a failure with a text for a duration', { ...heads, failure: { ...failure, retryAfterMs: '1s' } }],
    ['has a failure with half an object', { ...heads, failure: { ...failure, object: {} } }],
    ['counts attempts', { ...heads, result, attempts: 'two' }],
    ['does not say how long it took', { ...heads, result, tookMs: null }],
  ])('is refused if it %s', (_name, attempt) => {
    expect(isAttemptList([attempt])).toBe(false);
  });
});
