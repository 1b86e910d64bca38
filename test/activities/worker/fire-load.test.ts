import { FireLoad } from '../../../activities/worker/fire-load';
import type { ObjectName } from '../../../src/contract/definitions';

const ids = (prefix: string, count: number): string[] => Array.from({ length: count }, (_, n) => `${prefix}-${n}`);
const sensor = (namespace: string, name = 'sensor'): ObjectName => ({ namespace, name });

describe('the load of a worker', () => {
  const { signal } = new AbortController();
  const hasCapacity = async (load: FireLoad, of: ObjectName): Promise<boolean> => {
    const over = new AbortController();
    let has = false;
    void load.capacity(of, over.signal).then(() => (has ||= !over.signal.aborted));
    await new Promise(setImmediate);
    // Whoever asks on would be asked again with each call of a load.
    over.abort();
    return has;
  };

  it('has capacity for two hundred fires of a namespace that is alone, and again when one of them has ended', async () => {
    const load = new FireLoad();
    expect(await load.capacity(sensor('argo'), signal)).toBe(200);
    load.begun(sensor('argo'), ids('a', 200));
    const capacity = load.capacity(sensor('argo'), signal);
    expect(await hasCapacity(load, sensor('argo'))).toBe(false);
    load.finished(['a-7']);
    expect(await capacity).toBe(1);
  });

  it('drops fires that another worker took over, but not slow fires of its own', async () => {
    const load = new FireLoad(5);
    load.started(sensor('argo'), ids('elsewhere', 200));
    expect(await load.capacity(sensor('argo'), signal)).toBeGreaterThan(0);
    load.started(sensor('argo'), ids('here', 200));
    load.begun(sensor('argo'), ids('here', 200));
    const other = new FireLoad(5);
    other.started(sensor('argo'), ids('elsewhere', 200));
    // Once this one has forgotten its fires, the other would have, too.
    await other.capacity(sensor('argo'), signal);
    expect(await hasCapacity(load, sensor('argo'))).toBe(false);
    load.finished(['here-0']);
    expect(await hasCapacity(load, sensor('argo'))).toBe(true);
  });

  it('limits floods to a few fires at a time while another namespace is active, and not that one', async () => {
    const load = new FireLoad();
    load.begun(sensor('quiet'), ids('b', 20));
    load.begun(sensor('flooding'), ids('a', 10));
    load.waiting(sensor('flooding', 'another'), 1_000);
    expect(await load.capacity(sensor('flooding'), signal)).toBe(6);
    load.begun(sensor('flooding'), ids('more', 6));
    expect(await hasCapacity(load, sensor('flooding', 'another'))).toBe(false);
    load.begun(sensor('flooding-too'), ids('c', 16));
    load.waiting(sensor('flooding-too'), 200);
    expect(await hasCapacity(load, sensor('flooding-too'))).toBe(false);
    expect(await load.capacity(sensor('quiet'), signal)).toBe(180);
  });

  it('lets a flood pause between fires once they wait in a queue', async () => {
    let now = 0;
    jest.spyOn(performance, 'now').mockImplementation(() => now);
    const load = new FireLoad();
    const fire = (id: string, delayMs: number): void => {
      load.started(sensor('flooding'), [id]);
      now += delayMs;
      load.calling(sensor('flooding'), [id]);
      load.finished([id]);
    };
    load.begun(sensor('quiet'), ['b']);
    load.waiting(sensor('flooding'), 1_000);
    fire('a-0', 1);
    for (let n = 1; n < 10; n++) fire(`a-${n}`, 100);
    expect(await hasCapacity(load, sensor('flooding'))).toBe(false);
    expect(await hasCapacity(load, sensor('quiet'))).toBe(true);
    // The pause ends by itself, and several start together.
    expect(await load.capacity(sensor('flooding'), signal)).toBe(8);
    jest.restoreAllMocks();
  });

  it('limits no namespace that has as much to do as the others', async () => {
    const load = new FireLoad();
    load.begun(sensor('one'), ids('a', 50));
    load.begun(sensor('other'), ids('b', 50));
    expect(await load.capacity(sensor('one'), signal)).toBe(150);
    load.waiting(sensor('one'), 1);
    expect(await hasCapacity(load, sensor('one'))).toBe(false);
    load.waiting(sensor('one'), 0);
    expect(await hasCapacity(load, sensor('one'))).toBe(true);
  });

  it('starts waiting fires one batch after the other, not all when one has ended', async () => {
    const load = new FireLoad();
    load.begun(sensor('argo'), ids('a', 200));
    let started = 0;
    const starting = ['b', 'c'].map((id) => load.start(sensor('argo'), [id], signal).then(() => (started += 1)));
    load.finished(['a-0']);
    await Promise.race(starting);
    await new Promise(setImmediate);
    expect(started).toBe(1);
    load.finished(['a-1']);
    await Promise.all(starting);
  });

  it('holds up only the sensor whose target does not respond, until its namespace has too many of them', async () => {
    const load = new FireLoad();
    load.calling(sensor('argo', 'dead'), ids('a', 100));
    expect(await hasCapacity(load, sensor('argo', 'dead'))).toBe(false);
    expect(await load.capacity(sensor('argo', 'sound'), signal)).toBe(200);
    load.calling(sensor('argo', 'dead-too'), ids('b', 200));
    expect(await hasCapacity(load, sensor('argo', 'sound'))).toBe(false);
    expect(await load.capacity(sensor('other'), signal)).toBeGreaterThan(0);
  });

  it('has capacity for urgent fires of a namespace that is full of less urgent ones', async () => {
    const load = new FireLoad();
    load.started(sensor('argo', 'backfill'), ids('a', 200), 5);
    expect(await load.capacity(sensor('argo', 'live'), signal, 1)).toBe(200);
    load.started(sensor('argo', 'live'), ids('b', 200), 1);
    expect(await load.capacity(sensor('other'), signal, 1)).toBeGreaterThan(0);
    let has = false;
    void load.capacity(sensor('argo', 'more'), signal, 1).then(() => (has = true));
    await new Promise(setImmediate);
    expect(has).toBe(false);
  });

  it('limits less urgent fires of a namespace to a few at a time while it has more urgent ones', async () => {
    const load = new FireLoad();
    await load.start(sensor('argo', 'live'), ['b'], signal, 1);
    load.finished(['b']);
    expect(await load.capacity(sensor('argo', 'backfill'), signal, 5)).toBe(16);
    expect(await load.capacity(sensor('argo', 'live'), signal, 1)).toBe(200);
    expect(await load.capacity(sensor('other', 'backfill'), signal, 5)).toBe(200);
  });

  it('starts the most urgent of the waiting fires first', async () => {
    const load = new FireLoad();
    load.begun(sensor('argo'), ids('a', 200));
    const started: number[] = [];
    const starting = [5, 3, 4].map((priority) =>
      load.start(sensor('argo'), [`b-${priority}`], signal, priority).then(() => started.push(priority)),
    );
    // Free for the most urgent one; what is less urgent yields to it meanwhile.
    load.finished(ids('a', 200));
    await Promise.all(starting);
    expect(started).toEqual([3, 4, 5]);
  });

  it('stops waiting when the signal aborts', async () => {
    const load = new FireLoad();
    load.begun(sensor('argo'), ids('a', 200));
    const stopping = new AbortController();
    const waiting = [
      load.capacity(sensor('argo'), stopping.signal),
      load.start(sensor('argo'), ['b'], stopping.signal),
    ];
    stopping.abort();
    expect(await Promise.all(waiting)).toEqual([0, undefined]);
  });

  it('leaves slots for others, however few the worker has, when targets do not respond', async () => {
    const most = async (slots: number): Promise<readonly number[]> => {
      const calls = async (sensors: readonly string[]): Promise<number> => {
        const load = new FireLoad();
        load.open(slots);
        for (let n = 0; ; n += 1) {
          const free = await Promise.all(sensors.map((name) => hasCapacity(load, sensor('argo', name))));
          const next = sensors[free.indexOf(true)];
          if (next === undefined) return n;
          load.calling(sensor('argo', next), [`call-${n}`]);
        }
      };
      return [await calls(['one']), await calls(['one', 'two', 'three', 'four', 'five', 'six', 'seven'])];
    };
    expect(await most(2)).toEqual([1, 1]);
    expect(await most(20)).toEqual([10, 15]);
    expect(await most(800)).toEqual([100, 300]);
    expect(await most(1_600)).toEqual([200, 600]);
  });
});
