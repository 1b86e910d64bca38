import { RecentEvents } from '../../../src/sandbox/sensor/recent-events';

describe('recent events', () => {
  it('recognises an event, for its own dependency only', () => {
    const recent = new RecentEvents();
    expect(recent.add('a', 'source/1')).toBe(true);
    expect(recent.add('a', 'source/1')).toBe(false);
    expect(recent.add('b', 'source/1')).toBe(true);
  });

  it('forgets the oldest beyond its limit, also after continue-as-new', () => {
    const first = new RecentEvents([], 3);
    for (const key of ['1', '2', '3', '4']) first.add('a', key);
    const second = new RecentEvents(first.snapshot(), 3);
    expect(second.add('a', '2')).toBe(false);
    expect(second.add('a', '5')).toBe(true);
    expect(second.add('a', '2')).toBe(true);
    expect(second.add('a', '4')).toBe(false);
    expect(second.snapshot()).toHaveLength(3);
  });

  it('distinguishes 100,000 similar keys', () => {
    const recent = new RecentEvents([], 100_000);
    let confused = 0;
    for (let index = 0; index < 100_000; index += 1) {
      if (!recent.add('scenes', `stac-events/1719835200000-${index}`)) confused += 1;
    }
    expect(confused).toBe(0);
  });
});
