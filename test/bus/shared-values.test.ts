import { connect } from '@nats-io/transport-node';
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

  it.each([
    ['including the first', 'a.b', {}],
    ['also where each begins with what it wrote last', 'o.p', { optimistic: true }],
  ])('lose no concurrent change, %s', async (_name, key, options) => {
    const add = async (bus: Bus): Promise<number> =>
      bus.updateShared<number>('rate-limits', key, (before = 0) => before + 1, options);
    const changes = Array.from({ length: 10 }, () => buses.map(add)).flat();
    expect((await Promise.all(changes)).sort((a, b) => a - b)).toEqual(
      Array.from({ length: 20 }, (_, index) => index + 1),
    );
  });

  it('are not read again by the only one that changes them', async () => {
    const [bus] = buses;
    const observer = await connect({ servers: nats.url });
    let reads = 0;
    observer.subscribe('$JS.API.STREAM.MSG.GET.>', { callback: () => void (reads += 1) });
    await observer.flush();
    const add = (): Promise<number> | undefined =>
      bus?.updateShared<number>('rate-limits', 'only', (before = 0) => before + 1, { optimistic: true });
    for (let n = 1; n <= 3; n += 1) expect(await add()).toBe(n);
    await observer.flush();
    expect(reads).toBe(1);
    await observer.close();
  });

  it('are returned unchanged if there is nothing to change', async () => {
    const [bus] = buses;
    await bus?.updateShared('rate-limits', 'c', () => ({ n: 1 }));
    expect(await bus?.updateShared<object>('rate-limits', 'c', (before) => before)).toEqual({ n: 1 });
  });
});
