import { isYoung } from '../../../activities/listener/young-events';

const NOW = Date.parse('2026-07-13T10:00:00Z');
const entry = (time: number) => ({ type: 'redisStream', id: `items:STREAM:${time}-0` });

describe('an event too young to have a deleted object', () => {
  it('is an entry that Redis created within the last minute', () => {
    expect(isYoung(entry(NOW - 50), NOW)).toBe(true);
    expect(isYoung(entry(NOW - 59_000), NOW)).toBe(true);
  });

  it.each([
    ['an entry of a backlog, or a redelivered one', entry(NOW - 61_000)],
    ['an entry of a clock that is far ahead', entry(NOW + 61_000)],
    ['an entry with an id that its producer chose', entry(1)],
    ['a scene, which may be announced again at any time', { type: 'redisStream', id: 'items:stac:s2:S2B_1:2026' }],
    ['an event of another source', { ...entry(NOW), type: 'webhook' }],
    ['an event of another producer', { type: 'redisStream', id: '4d1f5c66-1b8e-4a43-a4a2-2f0f3a0b0d0e' }],
  ])('is not %s', (_what, event) => {
    expect(isYoung(event, NOW)).toBe(false);
  });
});
