import { parseDurationMs, parseGoDurationMs, parseNanosecondsOrDurationMs } from '../../src/text/durations';

describe('durations', () => {
  it.each([
    ['10s', 10_000],
    ['1h30m', 5_400_000],
    ['1.5h', 5_400_000],
    ['.5s', 500],
    ['250ms', 250],
    ['1us', 0.001],
    ['1µs', 0.001],
    ['-2m', -120_000],
    ['+2m', 120_000],
    ['0', 0],
    ['', undefined],
    ['-', undefined],
    ['10', undefined],
    ['10 s', undefined],
    ['1d', undefined],
    ['s', undefined],
    ['5secs', undefined],
  ])('of Go: %s', (text, expected) => {
    expect(parseGoDurationMs(text)).toBe(expected);
  });

  it('in annotations may have days', () => {
    expect(parseDurationMs('7d')).toBe(604_800_000);
    expect(parseDurationMs('1d2h')).toBe(93_600_000);
  });

  it('as numbers are nanoseconds', () => {
    expect(parseNanosecondsOrDurationMs(1_000_000_000)).toBe(1000);
    expect(parseNanosecondsOrDurationMs('1s')).toBe(1000);
    expect(parseNanosecondsOrDurationMs('1000000000')).toBeUndefined();
  });
});
