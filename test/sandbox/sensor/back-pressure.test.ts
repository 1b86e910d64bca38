import { BackPressure } from '../../../src/sandbox/sensor/back-pressure';

describe('back-pressure', () => {
  it('begins when many events are queued, and ends when few are', () => {
    const pressure = new BackPressure(0);
    const seen = [0, 499, 500, 499, 251, 250, 251].map((waiting) => {
      pressure.look(waiting);
      return [waiting, pressure.isHolding(), pressure.capacity(waiting)];
    });
    expect(seen).toEqual([
      [0, false, 500],
      [499, false, 1],
      [500, true, 0],
      [499, true, 0],
      [251, true, 0],
      [250, false, 250],
      [251, false, 249],
    ]);
  });
});
