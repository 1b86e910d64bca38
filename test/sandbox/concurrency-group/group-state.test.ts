/** The places of a concurrency group: each test is a rule that operators rely on. */
import fc from 'fast-check';
import { GroupSimulation } from './group-simulation';

describe('a concurrency group', () => {
  it('starts no more fires than its limit over all sensors, and the next when one ends', () => {
    const world = new GroupSimulation();
    for (const name of ['a', 'b']) world.apply(name, 2);
    for (const name of ['a', 'a', 'b', 'b']) world.event(name);
    world.settle();
    expect(world.openRuns()).toHaveLength(2);
    expect(world.waiting()).toBe(2);
    const [first = ''] = world.openRuns();
    world.finish(first);
    world.settle();
    expect(world.openRuns()).toHaveLength(2);
    expect(world.waiting()).toBe(1);
  });

  it('serves a sensor with one event before the rest of a flood that came before it', () => {
    const world = new GroupSimulation();
    for (const name of ['flood', 'late']) world.apply(name, 2);
    for (let count = 0; count < 50; count += 1) world.event('flood');
    world.settle();
    world.event('late');
    world.settle();
    const ended: string[] = [];
    while (![...world.runs.values()].some(({ sensor }) => sensor === 'late')) {
      const [run = ''] = world.openRuns();
      world.finish(run);
      ended.push(run);
      world.settle();
    }
    expect(ended.length).toBeLessThanOrEqual(3);
  });

  it('applies the smallest limit that a sensor states, until the others agree', () => {
    const world = new GroupSimulation();
    world.apply('a', 4);
    world.apply('b', 1);
    for (let count = 0; count < 4; count += 1) world.event('a');
    world.settle();
    expect(world.openRuns()).toHaveLength(1);
    expect(world.group.status()).toMatchObject({ limit: 1, used: 1 });
    world.apply('b', 4);
    world.settle();
    expect(world.openRuns()).toHaveLength(4);
  });

  it('starts nothing while more is in flight than a limit that was lowered', () => {
    const world = new GroupSimulation();
    world.apply('a', 3);
    for (let count = 0; count < 5; count += 1) world.event('a');
    world.settle();
    world.apply('a', 1);
    world.settle();
    const [first = '', second = '', third = ''] = world.openRuns();
    for (const run of [first, second]) world.finish(run);
    world.settle();
    expect(world.openRuns()).toEqual([third]);
    world.finish(third);
    world.settle();
    expect(world.openRuns()).toHaveLength(1);
  });

  it('counts the runs of a deleted sensor until they end', () => {
    const world = new GroupSimulation();
    for (const name of ['a', 'b']) world.apply(name, 1);
    world.event('a');
    world.settle();
    world.event('b');
    world.delete('a');
    world.settle();
    world.look();
    expect(world.group.status()).toMatchObject({ used: 1, leftBehind: [expect.stringContaining('run/')] });
    expect(world.waiting()).toBe(1);
    world.finish(world.openRuns()[0] ?? '');
    world.look();
    world.settle();
    expect(world.waiting()).toBe(0);
  });

  it('frees the place of a run that was terminated', () => {
    const world = new GroupSimulation();
    world.apply('a', 1);
    for (let count = 0; count < 2; count += 1) world.event('a');
    world.settle();
    world.kill(world.openRuns()[0] ?? '');
    world.settle();
    expect(world.waiting()).toBe(1);
    world.look();
    world.settle();
    expect(world.waiting()).toBe(0);
  });

  it('ends when its last sensor has left', () => {
    const world = new GroupSimulation();
    world.apply('a', 1);
    world.event('a');
    world.settle();
    world.finish(world.openRuns()[0] ?? '');
    world.settle();
    expect(world.group.isEmpty()).toBe(false);
    world.delete('a');
    expect(world.group.isEmpty()).toBe(true);
  });

  const NAMES = ['a', 'b', 'c'] as const;
  const anyName = fc.constantFrom(...NAMES);
  const anyStep = fc.oneof(
    { weight: 8, arbitrary: fc.record({ kind: fc.constant('event' as const), name: anyName }) },
    { weight: 8, arbitrary: fc.record({ kind: fc.constant('deliverShare' as const), name: anyName }) },
    { weight: 8, arbitrary: fc.record({ kind: fc.constant('deliverNews' as const), name: anyName }) },
    { weight: 4, arbitrary: fc.record({ kind: fc.constant('finish' as const), which: fc.nat(20) }) },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant('kill' as const), which: fc.nat(20) }) },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant('deliverAgain' as const), name: anyName }) },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant('restartSensor' as const), name: anyName }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('delete' as const), name: anyName }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('terminate' as const), name: anyName }) },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant('apply' as const), name: anyName }) },
    { weight: 1, arbitrary: fc.constant({ kind: 'restartGroup' as const }) },
    { weight: 1, arbitrary: fc.constant({ kind: 'look' as const }) },
  );

  it('never exceeds its limit, and serves every fire, whatever happens in whatever order', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 3 }), fc.array(anyStep, { maxLength: 120 }), (limit, steps) => {
        const world = new GroupSimulation();
        for (const name of NAMES) world.apply(name, limit);
        for (const step of steps) {
          take(world, step, limit);
          expect(world.openRuns().length).toBeLessThanOrEqual(limit);
        }
        world.settle();
        // What an operator has terminated is found by looking; then everything that waits gets its turn.
        for (let round = 0; round < 500 && world.waiting() > 0; round += 1) {
          for (const run of world.openRuns()) world.finish(run);
          world.look();
          world.settle();
          expect(world.openRuns().length).toBeLessThanOrEqual(limit);
        }
        expect(world.waiting()).toBe(0);
        for (const run of world.openRuns()) world.finish(run);
        for (const name of NAMES) world.delete(name);
        world.look();
        expect(world.group.isEmpty()).toBe(true);
      }),
      { numRuns: 1_000 },
    );
  });

  type Step = typeof anyStep extends fc.Arbitrary<infer One> ? One : never;

  function take(world: GroupSimulation, step: Step, limit: number): void {
    switch (step.kind) {
      case 'apply':
        return world.apply(step.name, limit);
      case 'finish':
      case 'kill': {
        const runs = world.openRuns();
        const run = runs[step.which % Math.max(1, runs.length)];
        return run === undefined ? undefined : world[step.kind](run);
      }
      case 'restartGroup':
      case 'look':
        return world[step.kind]();
      default:
        return world[step.kind](step.name);
    }
  }
});
