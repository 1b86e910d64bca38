/** Reference: argo-events.md 1.4, time filter. */
import { decideTimeFilter } from '../../src/matching/time-filter';
import { eventWith } from './evaluation-samples';

describe('a time filter', () => {
  it.each<[string, string, string, string | undefined, 'passed' | 'refused' | 'failed']>([
    ['2026-01-02T08:00:00Z', '08:00:00', '17:00:00', undefined, 'passed'],
    ['2026-01-02T07:59:59.999Z', '08:00:00', '17:00:00', undefined, 'refused'],
    ['2026-01-02T16:59:59.999Z', '8:00:00', '17:00:00', undefined, 'passed'],
    ['2026-01-02T17:00:00Z', '08:00:00', '17:00:00', undefined, 'refused'],
    ['2026-01-02T23:00:00Z', '22:00:00', '06:00:00', undefined, 'passed'],
    ['2026-01-02T05:59:59Z', '22:00:00', '06:00:00', undefined, 'passed'],
    ['2026-01-02T06:00:00Z', '22:00:00', '06:00:00', undefined, 'refused'],
    ['2026-01-02T12:00:00Z', '22:00:00', '06:00:00', undefined, 'refused'],
    ['2026-01-02T10:00:00+03:00', '07:00:00', '07:00:01', undefined, 'passed'],
    ['2026-01-02T07:30:00Z', '08:00:00', '09:00:00', 'Europe/Berlin', 'passed'],
    ['2026-07-02T07:30:00Z', '08:00:00', '09:00:00', 'Europe/Berlin', 'refused'],
    ['2026-07-02T06:30:00Z', '08:00:00', '09:00:00', 'Europe/Berlin', 'passed'],
    ['2026-01-02T23:30:00Z', '05:00:00', '05:00:01', 'Asia/Kolkata', 'passed'],
    ['1969-12-31T23:00:00Z', '22:59:59', '23:00:01', undefined, 'passed'],
    ['2026-01-02T00:30:00Z', '00:00:00', '01:00:00', 'Etc/UTC', 'passed'],
    ['2026-01-02T00:30:00Z', '00:00:00', '01:00:00', 'Local', 'passed'],
    ['2026-01-02T23:30:00Z', '05:00:00', '05:00:01', 'Asia/kolkata', 'passed'],
    ['2026-01-02T12:00:00Z', '8:0:00', '17:00:00', undefined, 'failed'],
    ['2026-01-02T12:00:00Z', '08:00:00', '25:00:00', undefined, 'failed'],
    ['2026-01-02T12:00:00Z', '08:00:00', '17:00:00', 'Mars/Olympus', 'failed'],
    ['yesterday', '08:00:00', '17:00:00', undefined, 'failed'],
  ])('at %s in %s to %s (%s): %s', (time, start, stop, timezone, outcome) => {
    expect(decideTimeFilter({ start, stop, timezone }, eventWith({ time }))).toMatchObject({ outcome });
  });

  it('uses wall-clock time, even on days when the clock changes', () => {
    const filter = { start: '02:00:00', stop: '03:00:00', timezone: 'Europe/Berlin' };
    // 25 October 2026: the hour from 2 to 3 happens twice.
    const times = ['2026-10-25T00:30:00Z', '2026-10-25T01:30:00Z', '2026-10-25T02:30:00Z'];
    const outcomes = times.map((time) => decideTimeFilter(filter, eventWith({ time })).outcome);
    expect(outcomes).toEqual(['passed', 'passed', 'refused']);
  });
});
