import { CronSchedule } from '../../../src/cron/cron-schedule';
import { nextReset, previousReset } from '../../../src/sandbox/conditions/condition-resets';
import { errorOf } from '../../matching/error-of';

const at = (text: string): number => Date.parse(text);
const iso = (time: number | undefined): string | undefined =>
  time === undefined ? undefined : new Date(time).toISOString();

describe('condition resets - ticks', () => {
  it.each([
    ['0 0 * * *', undefined, '2026-03-01T10:00:00.500Z', '2026-03-01T00:00:00.000Z', '2026-03-02T00:00:00.000Z'],
    ['0 0 * * *', undefined, '2026-03-01T00:00:00Z', '2026-03-01T00:00:00.000Z', '2026-03-02T00:00:00.000Z'],
    ['0 0 * * *', undefined, '2026-02-28T23:59:59.999Z', '2026-02-28T00:00:00.000Z', '2026-03-01T00:00:00.000Z'],
    ['0 0 * * *', 'Europe/Berlin', '2026-07-01T10:00:00Z', '2026-06-30T22:00:00.000Z', '2026-07-01T22:00:00.000Z'],
    [
      'TZ=Asia/Tokyo 0 9 * * *',
      'Europe/Berlin',
      '2026-07-01T10:00:00Z',
      '2026-07-01T00:00:00.000Z',
      '2026-07-02T00:00:00.000Z',
    ],
    [
      'CRON_TZ=UTC 30 6 * * MON',
      undefined,
      '2026-07-01T10:00:00Z',
      '2026-06-29T06:30:00.000Z',
      '2026-07-06T06:30:00.000Z',
    ],
    ['*/15 * * * *', undefined, '2026-07-01T10:20:00Z', '2026-07-01T10:15:00.000Z', '2026-07-01T10:30:00.000Z'],
    ['5/20 * * * *', undefined, '2026-07-01T10:20:00Z', '2026-07-01T10:05:00.000Z', '2026-07-01T10:25:00.000Z'],
    ['0 ? ? * *', undefined, '2026-07-01T10:20:00Z', '2026-07-01T10:00:00.000Z', '2026-07-01T11:00:00.000Z'],
    ['0 0 1 jan,jul *', undefined, '2026-06-01T00:00:00Z', '2026-01-01T00:00:00.000Z', '2026-07-01T00:00:00.000Z'],
    ['0 0 29 2 *', undefined, '2026-06-01T00:00:00Z', '2024-02-29T00:00:00.000Z', '2028-02-29T00:00:00.000Z'],
    // Both days given: either of them, as cron has always done.
    ['0 0 13 * FRI', undefined, '2026-07-01T00:00:00Z', '2026-06-26T00:00:00.000Z', '2026-07-03T00:00:00.000Z'],
    // A star anywhere in a field makes it one that is not given, as does a step of one.
    ['0 0 *,13 * FRI', undefined, '2026-07-01T00:00:00Z', '2026-06-26T00:00:00.000Z', '2026-07-03T00:00:00.000Z'],
    ['0 0 */1 * FRI', undefined, '2026-07-01T00:00:00Z', '2026-06-26T00:00:00.000Z', '2026-07-03T00:00:00.000Z'],
    ['0 0 13 * */1', undefined, '2026-07-01T00:00:00Z', '2026-06-13T00:00:00.000Z', '2026-07-13T00:00:00.000Z'],
    ['0 0 13 * ?,FRI', undefined, '2026-07-01T00:00:00Z', '2026-06-13T00:00:00.000Z', '2026-07-13T00:00:00.000Z'],
    ['0 0 */2 * FRI', undefined, '2026-07-02T00:00:00Z', '2026-07-01T00:00:00.000Z', '2026-07-03T00:00:00.000Z'],
  ])('%j in %j around %s', (cron, timezone, now, previous, next) => {
    const schedules = [{ cron, ...(timezone !== undefined && { timezone }) }];
    expect(iso(previousReset(schedules, at(now)))).toBe(previous);
    expect(iso(nextReset(schedules, at(now)))).toBe(next);
  });

  it('returns the earliest tick of several schedules', () => {
    const schedules = [{ cron: '0 6 * * *' }, { cron: '0 18 * * *' }];
    expect(iso(previousReset(schedules, at('2026-07-01T12:00:00Z')))).toBe('2026-07-01T06:00:00.000Z');
    expect(iso(nextReset(schedules, at('2026-07-01T12:00:00Z')))).toBe('2026-07-01T18:00:00.000Z');
  });

  it('ticks once on a day when the clock changes, at the end of a skipped hour', () => {
    // 29 March 2026: 2:30 does not exist in Berlin. 25 October 2026: it exists twice.
    const daily = [{ cron: '30 2 * * *', timezone: 'Europe/Berlin' }];
    expect(iso(nextReset(daily, at('2026-03-28T12:00:00Z')))).toBe('2026-03-29T01:00:00.000Z');
    expect(iso(nextReset(daily, at('2026-03-29T12:00:00Z')))).toBe('2026-03-30T00:30:00.000Z');
    expect(iso(nextReset(daily, at('2026-10-24T12:00:00Z')))).toBe('2026-10-25T00:30:00.000Z');
    expect(iso(nextReset(daily, at('2026-10-25T00:30:00Z')))).toBe('2026-10-26T01:30:00.000Z');
  });

  it('has no tick without schedules', () => {
    expect(nextReset([], 0)).toBeUndefined();
    expect(previousReset([], 0)).toBeUndefined();
  });
});

describe('condition resets - validation', () => {
  it.each([
    '',
    '* * * *',
    '* * * * * *',
    '@daily',
    '@every 1h',
    'a b c d e',
    '61 * * * *',
    '0 0 31 2 *',
    '0 0 L * *',
    '0 0 * * 1#2',
    '* * * * FOO',
  ])('rejects %j', (cron) => {
    expect(errorOf(() => new CronSchedule({ cron }))).toMatchObject({ code: 'EXPRESSION_INVALID' });
  });

  it('rejects an unknown time zone', () => {
    for (const schedule of [{ cron: '0 0 * * *', timezone: 'Mars/Olympus' }, { cron: 'TZ=Nowhere 0 0 * * *' }]) {
      expect(errorOf(() => new CronSchedule(schedule))).toMatchObject({ code: 'EXPRESSION_INVALID' });
    }
  });
});
