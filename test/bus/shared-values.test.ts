import { startNats, type RunningNats } from '../../dev/servers';
import type { Bus } from '../../src/bus/bus';
import { connectTestBus } from './bus-fixture';

describe('values that several workers share', () => {
  let nats: RunningNats;
  let buses: readonly Bus[];

  beforeAll(async () => {
    nats = await startNats({ own: true });
    buses = await Promise.all([connectTestBus(nats), connectTestBus(nats)]);
  });
  afterAll(async () => {
    await Promise.all(buses.map((bus) => bus.close()));
    await nats.stop();
  });

  it('lose no concurrent change, including the first', async () => {
    const add = async (bus: Bus): Promise<number> =>
      bus.updateShared<number>('rate-limits', 'a.b', (before = 0) => before + 1);
    const changes = Array.from({ length: 10 }, () => buses.map(add)).flat();
    expect((await Promise.all(changes)).sort((a, b) => a - b)).toEqual(
      Array.from({ length: 20 }, (_, index) => index + 1),
    );
  });

  it('are returned unchanged if there is nothing to change', async () => {
    const [bus] = buses;
    await bus?.updateShared('rate-limits', 'c', () => ({ n: 1 }));
    expect(await bus?.updateShared<object>('rate-limits', 'c', (before) => before)).toEqual({ n: 1 });
  });
});
