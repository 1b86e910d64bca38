import fc from 'fast-check';
import { createRateLimitState, reserve, type RateLimit } from '../../../activities/firing/rate-limit';

const UNIT_MS = { Second: 1000, Minute: 60_000, Hour: 3_600_000 };

/** When requests start that are made at these times. */
function startsOf(limit: RateLimit, times: readonly number[]): number[] {
  let state = createRateLimitState();
  return times.map((now) => {
    const reservation = reserve(limit, state, now);
    state = JSON.parse(JSON.stringify(reservation.state)) as typeof state;
    return now + reservation.waitMs;
  });
}

describe('rate limit', () => {
  it('allows 3 a minute immediately, and each further one a minute later', () => {
    const starts = startsOf({ unit: 'Minute', requestsPerUnit: 3 }, [0, 0, 0, 0, 0, 0, 0]);
    expect(starts).toEqual([0, 0, 0, 60_000, 60_000, 60_000, 120_000]);
  });

  it('counts in seconds when no unit is given', () => {
    expect(startsOf({ requestsPerUnit: 1 }, [5, 5, 5])).toEqual([5, 1005, 2005]);
  });

  it('does not allow twice the limit around the edge of a minute', () => {
    const starts = startsOf({ unit: 'Minute', requestsPerUnit: 2 }, [59_000, 59_500, 60_000, 61_000]);
    expect(starts).toEqual([59_000, 59_500, 119_000, 119_500]);
  });

  it('does not delay fires below the limit', () => {
    const times = Array.from({ length: 50 }, (_, index) => index * 400);
    expect(startsOf({ unit: 'Second', requestsPerUnit: 3 }, times)).toEqual(times);
  });

  it('keeps the order when another worker has a slower clock', () => {
    expect(startsOf({ requestsPerUnit: 2 }, [1000, 400, 1000])).toEqual([1000, 1000, 2000]);
  });

  it('never exceeds the limit in any window, and never waits unnecessarily', () => {
    fc.assert(
      fc.property(
        fc.constantFrom('Second' as const, 'Minute' as const),
        fc.integer({ min: 1, max: 5 }),
        fc.array(fc.nat(40_000), { maxLength: 40 }),
        (unit, requestsPerUnit, gaps) => {
          let now = 0;
          const times = gaps.map((gap) => (now += gap));
          const starts = startsOf({ unit, requestsPerUnit }, times);
          starts.forEach((start, index) => {
            const blocking = starts[index - requestsPerUnit];
            const earliest = Math.max(
              times[index] ?? 0,
              starts[index - 1] ?? 0,
              (blocking ?? -Infinity) + UNIT_MS[unit],
            );
            expect(start).toBe(earliest);
          });
        },
      ),
    );
  });

  it('keeps its state small for large limits, and still never exceeds them', () => {
    const limit = { unit: 'Hour', requestsPerUnit: 20_000 } as const;
    let state = createRateLimitState();
    const starts: number[] = [];
    for (let now = 0; starts.length < 45_000; now += 37) {
      const reservation = reserve(limit, state, now);
      state = reservation.state;
      starts.push(now + reservation.waitMs);
    }
    expect(state.starts.length).toBeLessThan(1100);
    starts.forEach((start, index) => {
      const blocking = starts[index - limit.requestsPerUnit];
      if (blocking !== undefined && start - blocking < UNIT_MS.Hour)
        throw new Error(`request ${index} starts too early`);
    });
  });
});
