import { cacheSizeFor } from '../../workers/cache-size';

const MB = 2 ** 20;

describe('the cache of a worker', () => {
  it.each([
    ['has a place for some runs without any object', 0, 4_096 * MB, 300],
    ['has a place for each applied object and some more', 1_000, 4_096 * MB, 1_550],
    ['does not exceed what fits into the heap', 1_000, 712 * MB, 300],
    ['has a minimum in a small heap', 1_000, 128 * MB, 100],
  ])('%s', (_what, objects, heapBytes, expected) => {
    expect(cacheSizeFor(objects, heapBytes)).toBe(expected);
  });
});
