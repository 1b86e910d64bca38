import { StallWatch } from '../../../activities/listener/stall-watch';

const MINUTE = 60_000;
const inHand = (handledTo: number, count = 3) => ({ waiting: count, inHand: count, handledTo });

describe('pulled events that are not handled', () => {
  it('are a problem after three minutes, whether or not later events are handled', () => {
    const watch = new StallWatch();
    expect(watch.observe(inHand(10), false, 0)).toBe(0);
    expect(watch.observe(inHand(10, 40), false, 2 * MINUTE)).toBe(2 * MINUTE);
    expect(watch.problem(2 * MINUTE)).toBeUndefined();
    expect(watch.observe(inHand(10, 77), false, 4 * MINUTE)).toBe(4 * MINUTE);
    expect(watch.problem(4 * MINUTE)).toMatch(/not acknowledged since 1970-01-01T00:00:00/);
    expect(watch.observe(inHand(11), false, 5 * MINUTE)).toBe(0);
    expect(watch.problem(5 * MINUTE)).toBeUndefined();
  });

  it('are no problem if none are in hand, or while the sensor holds back', () => {
    const watch = new StallWatch();
    watch.observe(inHand(10), false, 0);
    expect(watch.observe(inHand(10, 0), false, 10 * MINUTE)).toBe(0);
    expect(watch.observe(inHand(10), true, 20 * MINUTE)).toBe(0);
    expect(watch.observe(inHand(10), false, 21 * MINUTE)).toBe(MINUTE);
  });
});
