import { showDuration, showTime } from '../../src/text/readable-times';

describe('readable times', () => {
  it('name their zone', () => {
    expect(showTime('2026-11-25T20:12:25.123Z')).toBe('2026-11-25 20:12:25 UTC');
    expect(showTime('2026-11-25T22:12:25+02:00')).toBe('2026-11-25 20:12:25 UTC');
    expect(showTime(0)).toBe('1970-01-01 00:00:00 UTC');
  });

  it('leave invalid times unchanged', () => {
    expect(showTime('soon')).toBe('soon');
  });

  it.each([
    [800, '0.8 s'],
    [42_000, '42 s'],
    [59_700, '1 min'],
    [190_000, '3 min 10 s'],
    [3 * 3_600_000, '3 h'],
    [5 * 3_600_000 + 120_000, '5 h 2 min'],
    [7 * 24 * 3_600_000, '7 days'],
  ])('are as long as they need to be: %d ms', (ms, text) => {
    expect(showDuration(ms)).toBe(text);
  });
});
