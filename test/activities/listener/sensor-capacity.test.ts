import { SensorCapacity } from '../../../activities/listener/sensor-capacity';

describe('the capacity of a sensor, as its listener sees it', () => {
  const { signal } = new AbortController();

  /** A sensor that answers these numbers, one after the other, and then the last one again. */
  function answering(...rooms: number[]): { room: SensorCapacity; asked: () => number } {
    let asked = 0;
    const ask = (): Promise<number> => {
      asked += 1;
      return Promise.resolve(rooms[Math.min(asked, rooms.length) - 1] ?? 0);
    };
    return { room: new SensorCapacity(ask), asked: () => asked };
  }

  it('is queried once, and used in parts', async () => {
    const { room, asked } = answering(500);
    expect([await room.take(200, signal), await room.take(200, signal), await room.take(200, signal)]).toEqual([
      200, 200, 100,
    ]);
    expect(asked()).toBe(1);
  });

  it('is not used twice for events in flight to the sensor', async () => {
    const { room } = answering(500, 500);
    await room.take(200, signal);
    await room.take(300, signal);
    room.settle(200);
    expect(await room.take(400, signal)).toBe(200);
  });

  it('is returned if a pull brought fewer events', async () => {
    const { room, asked } = answering(200, 0);
    await room.take(200, signal);
    room.settle(199, 199);
    expect(await room.take(200, signal)).toBe(199);
    expect(asked()).toBe(1);
  });

  it('is waited for while the sensor holds back or does not answer', async () => {
    let asked = 0;
    const room = new SensorCapacity(() => {
      asked += 1;
      if (asked === 1) return Promise.reject(new Error('no worker'));
      return Promise.resolve(asked === 2 ? 0 : 7);
    });
    expect(await room.take(200, signal)).toBe(7);
  });

  it('does not delay a listener that stops', async () => {
    const stop = new AbortController();
    const { room } = answering(0);
    const taking = room.take(200, stop.signal);
    stop.abort();
    expect(await taking).toBe(0);
  });

  it('waits for signals in flight, without repeated queries', async () => {
    const { room, asked } = answering(50);
    await room.take(50, signal);
    const taking = room.take(50, signal);
    room.settle(49, 49);
    expect(await taking).toBe(49);
    expect(asked()).toBeLessThanOrEqual(2);
  });
});
