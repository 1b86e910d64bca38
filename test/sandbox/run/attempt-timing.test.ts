import type { TriggerSpec } from '../../../src/manifest/sensor';
import { pauseAfterFirst, timeAttempts } from '../../../src/sandbox/run/attempt-timing';

const MINUTE = 60_000;

function trigger(fields: Partial<TriggerSpec> = {}): TriggerSpec {
  return { template: { name: 't', log: {} }, ...fields };
}

describe('the attempts of a fire', () => {
  it('end after ten minutes without a retryStrategy, and after its steps with one', () => {
    expect(timeAttempts(trigger())).toMatchObject({ scheduleToCloseTimeout: 10 * MINUTE });
    expect(timeAttempts(trigger()).retry.maximumAttempts).toBeUndefined();
    const timing = timeAttempts(trigger({ retryStrategy: { steps: 4, duration: '2s', factor: 3 } }));
    expect(timing.scheduleToCloseTimeout).toBeUndefined();
    expect(timing.retry).toMatchObject({ maximumAttempts: 4, initialInterval: 2_000, backoffCoefficient: 3 });
  });

  it('exclude the attempts already made', () => {
    expect(timeAttempts(trigger({ retryStrategy: { steps: 4 } }), 1).retry.maximumAttempts).toBe(3);
  });

  it('last at least as long as one attempt may, even beyond the total', () => {
    const policy = { k8s: { backoff: { steps: 60, duration: '1m' }, labels: { done: 'true' } } };
    const { startToCloseTimeout, scheduleToCloseTimeout } = timeAttempts(trigger({ policy }));
    expect(startToCloseTimeout).toBeGreaterThan(60 * MINUTE);
    expect(scheduleToCloseTimeout).toBe(startToCloseTimeout);
  });

  it.each([
    ['the delay of the trigger', { steps: 2, duration: '3s' }, undefined, 3_000],
    ['the delay that the target requests, if longer', { steps: 2, duration: '3s' }, 9_000, 9_000],
    ['at least the delay of the trigger', { steps: 2, duration: '3s' }, 1_000, 3_000],
    ['nothing without a second attempt', { steps: 1 }, 9_000, undefined],
  ])('wait after the first for %s', (_what, retryStrategy, retryAfterMs, expected) => {
    expect(pauseAfterFirst(trigger({ retryStrategy }), retryAfterMs)).toBe(expected);
  });
});
