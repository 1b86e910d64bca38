import { ProcessLoad } from '../../src/plugin/process-load';

const EVERY_MS = 5_000;

describe('the load of the process', () => {
  let now: number;
  let threads: Map<string, number>;
  let load: ProcessLoad;
  beforeEach(() => {
    now = 0;
    threads = new Map([
      ['main', 0],
      ['workflows', 0],
    ]);
    load = new ProcessLoad(EVERY_MS, { now: () => now, wanted: () => new Map(threads) });
  });
  const after = (ms: number, workflowThreadMs: number): boolean => {
    now += ms;
    threads.set('workflows', (threads.get('workflows') ?? 0) + workflowThreadMs * 1e6);
    return load.wasAtRest();
  };

  it('is at rest while its threads seldom run and need not wait for a processor', () => {
    expect([after(EVERY_MS, 100), after(EVERY_MS, 2_000)]).toEqual([true, true]);
  });

  it('is busy while one of its threads runs or waits for a processor', () => {
    expect([after(EVERY_MS, 3_000), after(EVERY_MS, 100)]).toEqual([false, true]);
  });

  it('is not at rest when the process stood still', () => {
    expect([after(40_000, 0), after(EVERY_MS, 0)]).toEqual([false, true]);
  });

  it('is at rest where the system does not say what its threads want', () => {
    threads.clear();
    now += EVERY_MS;
    expect(load.wasAtRest()).toBe(true);
  });

  it('is read for the threads of a process that computes', () => {
    const real = new ProcessLoad(200);
    for (const end = performance.now() + 220; performance.now() < end;);
    expect(real.wasAtRest()).toBe(false);
  });
});
