import { YieldingWindow } from '../../../activities/worker/yielding-window';

describe('the window of a namespace that yields', () => {
  const observe = (window: YieldingWindow, delays: readonly number[], isUsed = true): void => {
    for (const delayMs of delays) window.observe(delayMs, isUsed);
  };

  it('grows while fires are as quick as ever, however far away Temporal is', () => {
    const window = new YieldingWindow(() => 0);
    observe(window, Array<number>(50_000).fill(300));
    expect(window.fires).toBe(200);
  });

  it('shrinks when fires wait in a queue, once for each delay', () => {
    let now = 0;
    const window = new YieldingWindow(() => now);
    observe(window, [20], false);
    observe(window, Array<number>(10).fill(100));
    expect(window.fires).toBe(8);
    expect(window.pauseMs).toBe(0);
    for (now = 100; now < 500; now += 100) observe(window, [100]);
    // Several together, in one run, and then a pause.
    expect(window.fires).toBe(8);
    expect(window.pauseMs).toBe(800);
    for (now = 500; now < 2_000; now += 100) observe(window, [100]);
    // However slow everything is, it goes on.
    observe(window, [5_000]);
    expect(window.pauseMs).toBe(800);
  });

  it('ends its pauses once fires no longer wait', () => {
    let now = 0;
    const window = new YieldingWindow(() => now);
    observe(window, [20]);
    for (now = 100; now < 2_000; now += 100) observe(window, [100]);
    observe(window, Array<number>(20).fill(20));
    expect(window.pauseMs).toBe(0);
    expect(window.fires).toBeGreaterThan(1);
  });

  it('does not grow while no namespace yields', () => {
    const window = new YieldingWindow(() => 0);
    observe(window, Array<number>(1_000).fill(20), false);
    expect(window.fires).toBe(16);
  });

  it('forgets after two minutes how quick it once was', () => {
    let now = 0;
    const window = new YieldingWindow(() => now);
    observe(window, [20]);
    for (now = 61_000; now < 200_000; now += 61_000) observe(window, [300]);
    const { fires } = window;
    observe(window, Array<number>(100).fill(310));
    expect(window.fires).toBeGreaterThan(fires);
  });
});
