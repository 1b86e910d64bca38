import { ReturnedEvents, retryDelay } from '../../../activities/listener/returned-events';

describe('events returned to the bus', () => {
  it('are redelivered with doubling delays, up to two minutes', () => {
    expect([1, 2, 3, 4, 8, 9, 1_000].map((count) => retryDelay(count, false))).toEqual([
      ...[1_000, 2_000, 4_000, 8_000],
      ...[120_000, 120_000, 120_000],
    ]);
  });

  it('are redelivered within ten seconds while nothing can be handled', () => {
    expect([1, 3, 5, 50].map((count) => retryDelay(count, true))).toEqual([1_000, 4_000, 10_000, 10_000]);
  });

  it('are a problem until each is handled, even while others are', () => {
    const givenBack = new ReturnedEvents();
    expect(givenBack.problem(0)).toBeUndefined();
    givenBack.add(1, 'first', 1_000, 0);
    givenBack.add(2, 'second', 1_000, 0);
    givenBack.handled(7);
    expect(givenBack.problem(0)).toBe('second');
    givenBack.handled(2);
    expect(givenBack.problem(0)).toBe('first');
    givenBack.handled(1);
    expect(givenBack.problem(0)).toBeUndefined();
  });

  it('are dropped from the list if another listener gets them', () => {
    const givenBack = new ReturnedEvents();
    givenBack.add(1, 'first', 120_000, 0);
    expect(givenBack.problem(120_000)).toBe('first');
    expect(givenBack.problem(200_000)).toBeUndefined();
  });
});
