import { planRetries } from '../../../src/sandbox/run/retry-plan';

describe('the retry plan of a trigger', () => {
  it('lasts ten minutes by default', () => {
    expect(planRetries(undefined)).toMatchObject({ withinMs: 600_000 });
  });

  it.each([
    ['five attempts a second apart by default', {}, { attempts: 5, initialIntervalMs: 1_000, coefficient: 1 }],
    ['steps are attempts, the first included', { steps: 3 }, { attempts: 3 }],
    ['no steps means five', { steps: 0, duration: '2s' }, { attempts: 5, initialIntervalMs: 2_000 }],
    ['a number is nanoseconds', { duration: 250_000_000 }, { initialIntervalMs: 250 }],
    ['a factor may be a string', { factor: '1.5' }, { coefficient: 1.5 }],
    ['a factor below one is raised to avoid a busy loop', { factor: 0.1 }, { coefficient: 1 }],
  ])('%s', (_name, strategy, expected) => {
    expect(planRetries(strategy)).toMatchObject(expected);
  });
});
