import { boundPriority, readHighestPriority } from '../../../activities/worker/priority-bound';

describe('the most urgent priority of a manifest', () => {
  afterEach(() => delete process.env.SLUICE_HIGHEST_PRIORITY);

  it('counts as the manifest says, unless the operator of the worker bounds it', () => {
    expect([1, 3, 5].map(boundPriority)).toEqual([1, 3, 5]);
    process.env.SLUICE_HIGHEST_PRIORITY = '3';
    expect([1, 3, 5].map(boundPriority)).toEqual([3, 3, 5]);
  });

  it.each(['0', '6', '1.5', 'high'])('cannot be bounded by %s', (text) => {
    expect(() => readHighestPriority({ SLUICE_HIGHEST_PRIORITY: text })).toThrow(`found "${text}"`);
  });
});
