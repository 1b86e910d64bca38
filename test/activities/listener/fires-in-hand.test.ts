import { FiresInHand } from '../../../activities/listener/fires-in-hand';

describe('fires in hand', () => {
  it('belong to one batch until it is handled', () => {
    const inHand = new FiresInHand();
    const [first, second] = [inHand.claim(), inHand.claim()];
    expect(first.take(['a', 'b'])).toBe(true);
    expect(first.take(['a'])).toBe(true);
    expect(second.take(['b', 'c'])).toBe(false);
    expect(second.take(['c'])).toBe(true);
    first.release();
    expect(second.take(['a', 'b'])).toBe(true);
  });
});
