import { findRenamedTriggers } from '../../../src/sandbox/sensor/renamed-triggers';
import { DependencyState } from '../../../src/sandbox/sensor/dependency-state';
import type {
  DependencyStateSpec,
  EventReference,
  StateObservation,
  StateChange,
  StatefulTrigger,
} from '../../../src/sandbox/sensor/dependency-state-types';

type Observed = StateObservation<EventReference>;
const DAY = 86_400_000;
const NOON = Date.parse('2026-07-01T12:00:00Z');

/** A sensor with dependencies a to e and one trigger `t`. */
function sensor(trigger: Omit<StatefulTrigger, 'name'>, ...others: StatefulTrigger[]): DependencyStateSpec {
  return {
    dependencies: { a: 'a1', b: 'b1', c: 'c1', d: 'd1', e: 'e1' },
    triggers: [{ name: 't', ...trigger }, ...others],
  };
}

function event(key: string, time = NOON): EventReference {
  return { key, id: key, time: new Date(time).toISOString() };
}

/** `a1` is an event for dependency `a`; its number is also the second at which it comes. */
function observation(key: string, more: Partial<Observed> = {}): Observed {
  const receivedAt = more.receivedAt ?? NOON + Number(key.slice(1)) * 1000;
  return { dependency: key.slice(0, 1), event: event(key, receivedAt), receivedAt, ...more };
}

/** `a1+b2` for a fire with these events; of a collected one, all of them. */
function firesOf(...changes: Array<StateChange<EventReference>>): string[] {
  return changes.flatMap(({ fires }) =>
    fires.map(({ dependencies, all }) =>
      (all ? Object.values(all).flat() : Object.values(dependencies)).map(({ key }) => key).join('+'),
    ),
  );
}

function parkedOf(...changes: Array<StateChange<EventReference>>): string[] {
  return changes.flatMap(({ parked }) =>
    parked.map(
      ({ reason, dependencies }) =>
        `${reason}: ${Object.values(dependencies)
          .map(({ key }) => key)
          .join('+')}`,
    ),
  );
}

function notesOf(...changes: Array<StateChange<EventReference>>): string[] {
  return changes.flatMap(({ notes }) => notes.map(({ kind, event: { key } }) => `${kind} ${key}`));
}

/** Feeds events by their keys and returns the fires. */
function feed(state: DependencyState<EventReference>, ...keys: string[]): string[] {
  return firesOf(...keys.map((key) => state.observe(observation(key))));
}

describe('dependency state - as Argo Events documents it', () => {
  it.each<[string, string, string[], string[]]>([
    ['fires when the last missing dependency arrives', 'a && b', ['a1', 'b2'], ['a1+b2']],
    ['uses the latest event of each dependency', 'a && b', ['a1', 'a2', 'a3', 'b4'], ['a3+b4']],
    ['starts over after a fire', 'a && b', ['a1', 'b2', 'b3', 'a4'], ['a1+b2', 'a4+b3']],
    ['does not fire twice with one event', 'a && b', ['a1', 'b2', 'b3', 'b4'], ['a1+b2']],
    ['keeps no state without &&', 'a || b', ['a1', 'b2', 'a3'], ['a1', 'b2', 'a3']],
    ['needs no state for a single dependency', 'a', ['a1', 'a2'], ['a1', 'a2']],
    ['includes held events of other branches', '(a && b) || c', ['a1', 'c2'], ['a1+c2']],
    ['clears events of other branches', '(a && b) || c', ['a1', 'c2', 'b3', 'c4'], ['a1+c2', 'b3+c4']],
    ['lets the new event override a held one of its dependency', '(a && b) || (a && c)', ['a1', 'a2', 'c3'], ['a2+c3']],
    ['ignores dependencies that the condition does not name', 'a && b', ['c1', 'a2', 'd3', 'b4'], ['a2+b4']],
    ['fires immediately if a condition names one dependency twice', 'a && a', ['a1'], ['a1']],
    ['groups by parentheses', 'a && (b || c)', ['b1', 'c2', 'a3'], ['a3+b1+c2']],
  ])('%s', (_, conditions, keys, fires) => {
    expect(feed(new DependencyState(sensor({ conditions })), ...keys)).toEqual(fires);
  });

  it('needs all dependencies when the trigger has no condition', () => {
    const state = new DependencyState<EventReference>({ dependencies: { a: '', b: '' }, triggers: [{ name: 't' }] });
    expect(feed(state, 'b1', 'b2', 'a3')).toEqual(['a3+b2']);
  });

  it('reports where each event waits, and for what', () => {
    const correlated = (key: string, pair: string) => observation(key, { keys: { pair } });
    const joined = new DependencyState<EventReference>(sensor({ conditions: 'a && (b || c)', correlateBy: 'pair' }));
    joined.observe(correlated('a1', 'x'));
    joined.observe(correlated('b2', 'y'));
    expect(joined.placesOf('a1')).toEqual([{ trigger: 't', kind: 'held', dependency: 'a', waitingFor: 'b || c' }]);
    expect(joined.placesOf('b2')).toEqual([{ trigger: 't', kind: 'held', dependency: 'b', waitingFor: 'a' }]);
    expect(joined.placesOf('a9')).toEqual([]);

    const collecting = new DependencyState<EventReference>(
      sensor({ conditions: 'a', collect: { kind: 'batch', batchSize: 9, batchWindowMs: 60_000 } }),
    );
    feed(collecting, 'a1', 'a2');
    const dueAt = NOON + 61_000;
    expect(collecting.placesOf('a2')).toEqual([
      { trigger: 't', kind: 'collected', dependency: 'a', collected: 2, dueAt },
    ]);

    const limited = new DependencyState<EventReference>(sensor({ conditions: 'a', concurrency: { limit: 1 } }));
    feed(limited, 'a1', 'a2', 'a3');
    expect(limited.placesOf('a1')).toEqual([]);
    expect(limited.placesOf('a3')).toEqual([{ trigger: 't', kind: 'queued', dependency: 'a', ahead: 1 }]);
    expect(DependencyState.restore(limited.snapshot()).placesOf('a3')).toEqual(limited.placesOf('a3'));
  });

  it('keeps the state of each trigger apart', () => {
    const state = new DependencyState<EventReference>(
      sensor({ conditions: 'a && b' }, { name: 'u', conditions: 'a && c' }),
    );
    expect(feed(state, 'a1', 'b2')).toEqual(['a1+b2']);
    const change = state.observe(observation('c3'));
    expect(change.fires).toMatchObject([{ trigger: 'u', dependencies: { a: { key: 'a1' }, c: { key: 'c3' } } }]);
  });

  it('fires on the second of two dependencies that one event satisfies', () => {
    const state = new DependencyState<EventReference>(sensor({ conditions: 'a && b' }));
    const same = event('x1');
    const first = state.observe({ dependency: 'a', event: same, receivedAt: NOON });
    const second = state.observe({ dependency: 'b', event: same, receivedAt: NOON });
    expect(firesOf(first, second)).toEqual(['x1+x1']);
    expect(second.fires[0]?.reason).toBe('joined');
  });

  it('does not rearm a trigger with a redelivered event', () => {
    const state = new DependencyState<EventReference>(sensor({ conditions: 'a && b' }));
    feed(state, 'a1', 'b2');
    const again = state.observe(observation('a1', { receivedAt: NOON + 60_000 }));
    expect(notesOf(again)).toEqual(['duplicate a1']);
    expect(feed(state, 'b70')).toEqual([]);
  });

  it('does not let a redelivered old event replace a newer one', () => {
    const state = new DependencyState<EventReference>(sensor({ conditions: 'a && b' }));
    expect(feed(state, 'a1', 'a2', 'a1', 'b3')).toEqual(['a2+b3']);
  });

  it('accepts an event again on request', () => {
    const state = new DependencyState<EventReference>(sensor({ conditions: 'a && b' }));
    feed(state, 'a1', 'b2');
    state.observe(observation('a1', { again: 'replay' }));
    expect(firesOf(state.observe(observation('b2', { again: 'replay' })))).toEqual(['a1+b2']);
  });

  it('gives every fire a unique id, even after continue-as-new', () => {
    const state = new DependencyState<EventReference>(sensor({ conditions: 'a || b' }));
    const first = state.observe(observation('a1'));
    const next = DependencyState.restore(state.snapshot()).observe(observation('a2'));
    expect(new Set([...first.fires, ...next.fires].map(({ id }) => id)).size).toBe(2);
  });

  it('records a decision for every event', () => {
    const state = new DependencyState<EventReference>(sensor({ conditions: 'a && b' }));
    expect(state.observe(observation('a1')).notes).toMatchObject([{ kind: 'held', trigger: 't', waitingFor: ['b'] }]);
    expect(notesOf(state.observe(observation('a2')))).toEqual(['replaced a1', 'held a2']);
    expect(notesOf(state.observe(observation('c3')))).toEqual(['unused c3']);
    expect(state.view()).toMatchObject([{ trigger: 't', condition: 'a && b', held: [{ event: { key: 'a2' } }] }]);
  });
});

describe('dependency state - condition resets', () => {
  const daily = sensor({ conditions: 'a && b', resets: [{ cron: '0 0 * * *' }] });
  const at = (key: string, time: number): Observed => observation(key, { receivedAt: time, event: event(key, time) });

  it('clears what is held at each tick', () => {
    const state = new DependencyState<EventReference>(daily);
    state.observe(at('a1', NOON));
    const midnight = NOON + DAY / 2;
    expect(state.nextDeadline()).toBe(midnight);
    expect(notesOf(state.advance(midnight))).toEqual(['reset a1']);
    expect(state.nextDeadline()).toBeUndefined();
    expect(firesOf(state.observe(at('b2', midnight + 1)))).toEqual([]);
  });

  it('catches up on a tick that passed while no worker ran', () => {
    const state = new DependencyState<EventReference>(daily);
    state.observe(at('a1', NOON));
    const resumed = DependencyState.restore(state.snapshot());
    const change = resumed.observe(at('b2', NOON + DAY));
    expect(notesOf(change)).toEqual(['reset a1', 'held b2']);
    expect(change.fires).toEqual([]);
  });

  it('never pairs events of two periods, even if both arrive after the tick', () => {
    const state = new DependencyState<EventReference>(daily);
    const late = { ...at('a1', NOON), receivedAt: NOON + DAY };
    expect(firesOf(state.observe(late), state.observe(at('b2', NOON + DAY)))).toEqual([]);
    expect(firesOf(state.observe(at('a3', NOON + DAY)))).toEqual(['a3+b2']);
  });

  it('still pairs events of one period that an outage delayed past the tick', () => {
    const state = new DependencyState<EventReference>(daily);
    const late = (key: string): Observed => ({ ...at(key, NOON), receivedAt: NOON + DAY });
    expect(firesOf(state.observe(late('a1')), state.observe(late('b2')))).toEqual(['a1+b2']);
  });

  it('uses the time of arrival if an event has no valid time', () => {
    const state = new DependencyState<EventReference>(daily);
    const timeless = (key: string): Observed => observation(key, { event: { ...event(key), time: 'yesterday' } });
    expect(firesOf(state.observe(timeless('a1')), state.observe(timeless('b2')))).toEqual(['a1+b2']);
  });

  it('resets in the time zone of the schedule', () => {
    const state = new DependencyState<EventReference>(
      sensor({ conditions: 'a && b', resets: [{ cron: '0 0 * * *', timezone: 'Europe/Berlin' }] }),
    );
    state.observe(at('a1', NOON));
    expect(state.nextDeadline()).toBe(Date.parse('2026-07-01T22:00:00Z'));
  });
});

describe('dependency state - keep all', () => {
  it.each<[string, string, string[], string[]]>([
    ['pairs every event, first come, first served', 'a && b', ['a1', 'a2', 'b3', 'b4'], ['a1+b3', 'a2+b4']],
    ['keeps the remaining events for the next pair', 'a && b', ['a1', 'a2', 'a3', 'b4', 'b5'], ['a1+b4', 'a2+b5']],
    ['uses only the events that satisfied the condition', '(a && b) || c', ['a1', 'c2', 'b3'], ['c2', 'a1+b3']],
    ['uses an event in one fire only', '(a && b) || (a && c)', ['a1', 'b2', 'c3', 'a4'], ['a1+b2', 'a4+c3']],
  ])('%s', (_, conditions, keys, fires) => {
    expect(feed(new DependencyState(sensor({ conditions, keep: 'all' })), ...keys)).toEqual(fires);
  });

  it('parks the oldest event when too many are held', () => {
    const state = new DependencyState<EventReference>(sensor({ conditions: 'a && b', keep: 'all', maxHeld: 2 }));
    feed(state, 'a1', 'a2');
    const change = state.observe(observation('a3'));
    expect(parkedOf(change)).toEqual(['too-many-held: a1']);
    expect(change.parked[0]?.missing).toEqual(['b']);
    expect(feed(state, 'b4', 'b5')).toEqual(['a2+b4', 'a3+b5']);
  });
});

describe('dependency state - correlation', () => {
  const byScene = { conditions: 'a && b', correlateBy: 'scene', windowMs: 60_000 } as const;
  const of = (key: string, scene: string): Observed => observation(key, { keys: { scene } });

  it('joins only events with the same key', () => {
    const state = new DependencyState<EventReference>(sensor(byScene));
    const changes = [of('a1', 'S2A'), of('a2', 'S2B'), of('b3', 'S2A'), of('b4', 'S2B')].map((o) => state.observe(o));
    expect(firesOf(...changes)).toEqual(['a1+b3', 'a2+b4']);
  });

  it('parks a half pair when the window has passed, with what it waited for', () => {
    const state = new DependencyState<EventReference>(sensor({ ...byScene, conditions: 'a && b && c' }));
    state.observe(of('a1', 'S2A'));
    state.observe(of('b1', 'S2A'));
    state.observe(of('a9', 'S2B'));
    expect(state.nextDeadline()).toBe(NOON + 61_000);
    expect(state.advance(NOON + 60_999).parked).toEqual([]);
    expect(state.advance(NOON + 61_000).parked).toMatchObject([
      {
        reason: 'window-passed',
        dependencies: { a: { key: 'a1' }, b: { key: 'b1' } },
        missing: ['c'],
        correlationKey: 'S2A',
      },
    ]);
    expect(state.nextDeadline()).toBe(NOON + 69_000);
  });

  it('does not pair with an event whose window has expired unnoticed', () => {
    const state = new DependencyState<EventReference>(sensor(byScene));
    state.observe(of('a1', 'S2A'));
    const change = state.observe(of('b90', 'S2A'));
    expect(firesOf(change)).toEqual([]);
    expect(parkedOf(change)).toEqual(['window-passed: a1']);
  });

  it('applies the window even without a key', () => {
    const state = new DependencyState<EventReference>(sensor({ conditions: 'a && b', windowMs: 5000 }));
    feed(state, 'a1');
    expect(parkedOf(state.advance(NOON + 6000))).toEqual(['window-passed: a1']);
  });

  it('parks an event without the key, because it could never be joined', () => {
    const state = new DependencyState<EventReference>(sensor(byScene));
    expect(parkedOf(state.observe(observation('a1')))).toEqual(['key-missing: a1']);
  });
});

describe('dependency state - debounce and batch', () => {
  it('debounce: fires once for all events after a quiet time', () => {
    const state = new DependencyState<EventReference>(
      sensor({ conditions: 'a', collect: { kind: 'debounce', debounceMs: 5000, debounceMaxMs: 60_000 } }),
    );
    expect(feed(state, 'a1', 'a3', 'a7')).toEqual([]);
    expect(state.nextDeadline()).toBe(NOON + 12_000);
    const change = state.advance(NOON + 12_000);
    expect(change.fires).toMatchObject([{ trigger: 't', dependencies: { a: { key: 'a7' } }, reason: 'quiet' }]);
    expect(firesOf(change)).toEqual(['a1+a3+a7']);
    expect(state.nextDeadline()).toBeUndefined();
  });

  it('debounce: fires at the latest after the maximum time', () => {
    const state = new DependencyState<EventReference>(
      sensor({ conditions: 'a', collect: { kind: 'debounce', debounceMs: 5000, debounceMaxMs: 8000 } }),
    );
    feed(state, 'a1', 'a5', 'a8');
    expect(state.nextDeadline()).toBe(NOON + 9000);
    expect(state.advance(NOON + 9000).fires).toMatchObject([{ reason: 'full' }]);
  });

  it('debounce: an event after the quiet time starts a new collection', () => {
    const state = new DependencyState<EventReference>(
      sensor({ conditions: 'a', collect: { kind: 'debounce', debounceMs: 5000 } }),
    );
    expect(feed(state, 'a1', 'a2', 'a20')).toEqual(['a1+a2']);
  });

  it('batch: fires when the number is reached', () => {
    const state = new DependencyState<EventReference>(
      sensor({ conditions: 'a && b', collect: { kind: 'batch', batchSize: 2 } }),
    );
    const changes = ['a1', 'b2', 'a3', 'b4'].map((key) => state.observe(observation(key)));
    expect(changes.at(-1)?.fires).toMatchObject([
      {
        reason: 'full',
        dependencies: { a: { key: 'a3' }, b: { key: 'b4' } },
        all: { a: [{ key: 'a1' }, { key: 'a3' }], b: [{ key: 'b2' }, { key: 'b4' }] },
      },
    ]);
    expect(firesOf(...changes.slice(0, -1))).toEqual([]);
    expect(changes[1]?.notes).toMatchObject([{ kind: 'collected', collected: 1 }]);
  });

  it('batch: fires an incomplete batch after its window', () => {
    const state = new DependencyState<EventReference>(
      sensor({ conditions: 'a', collect: { kind: 'batch', batchSize: 10, batchWindowMs: 5000 } }),
    );
    feed(state, 'a1', 'a2');
    expect(state.nextDeadline()).toBe(NOON + 6000);
    expect(firesOf(state.advance(NOON + 6000))).toEqual(['a1+a2']);
  });

  it('batch: collects separately for each value of a key', () => {
    const state = new DependencyState<EventReference>(
      sensor({ conditions: 'a', collect: { kind: 'batch', batchSize: 2, by: 'tile' } }),
    );
    const changes = ['32U', '33U', '32U', '33U'].map((tile, index) =>
      state.observe(observation(`a${index}`, { keys: { tile } })),
    );
    expect(firesOf(...changes)).toEqual(['a0+a2', 'a1+a3']);
  });
});

describe('dependency state - concurrency', () => {
  const oneAtATime = { conditions: 'a', concurrency: { limit: 1, by: 'tile' } } as const;
  const of = (key: string, tile: string): Observed => observation(key, { keys: { tile } });

  it('limits the fires in flight for each value of the key, and queues the others', () => {
    const state = new DependencyState<EventReference>(sensor(oneAtATime));
    const first = state.observe(of('a1', '32U'));
    const second = state.observe(of('a2', '32U'));
    const third = state.observe(of('a3', '32U'));
    const other = state.observe(of('a4', '33U'));
    expect(firesOf(first, second, third, other)).toEqual(['a1', 'a4']);
    expect(third.notes).toMatchObject([{ kind: 'queued', ahead: 1 }]);
    expect(state.view()).toMatchObject([{ running: 2, waiting: 2 }]);

    const released = state.finished(first.fires[0]?.id ?? '');
    expect(released.fires).toMatchObject([{ dependencies: { a: { key: 'a2' } }, concurrencyKey: '32U' }]);
    expect(firesOf(state.finished(released.fires[0]?.id ?? ''))).toEqual(['a3']);
  });

  it('ignores a fire that was reported twice or never ran', () => {
    const state = new DependencyState<EventReference>(sensor(oneAtATime));
    const first = state.observe(of('a1', '32U'));
    state.observe(of('a2', '32U'));
    state.observe(of('a3', '32U'));
    expect(firesOf(state.finished(first.fires[0]?.id ?? ''))).toEqual(['a2']);
    expect(firesOf(state.finished(first.fires[0]?.id ?? ''), state.finished('unknown'))).toEqual([]);
  });

  it('counts the events of queued fires', () => {
    const state = new DependencyState<EventReference>(
      sensor({ conditions: 'a && b', keep: 'all', concurrency: { limit: 1 } }),
    );
    feed(state, 'a1', 'b2', 'a3', 'b4', 'a5', 'b6', 'a7');
    expect(state.waitingEvents()).toBe(4);
    expect(DependencyState.restore(state.snapshot()).waitingEvents()).toBe(4);
    state.finished('t/1');
    expect(state.waitingEvents()).toBe(2);
  });

  it('parks a fire if too many are queued', () => {
    const state = new DependencyState<EventReference>(
      sensor({ conditions: 'a', concurrency: { limit: 1, maxWaiting: 1 } }),
    );
    const changes = ['a1', 'a2', 'a3'].map((key) => state.observe(observation(key)));
    expect(parkedOf(...changes)).toEqual(['too-many-waiting: a3']);
  });
});

describe('dependency state - freeing capacity', () => {
  it('parks the events that have waited longest, for any trigger', () => {
    const state = new DependencyState<EventReference>(
      sensor({ conditions: 'a && b', keep: 'all' }, { name: 'u', conditions: 'c && d', keep: 'all' }),
    );
    feed(state, 'a1', 'c2', 'a3', 'c4');
    expect(parkedOf(state.parkOldest(3))).toEqual(['too-many-held: a1', 'too-many-held: c2', 'too-many-held: a3']);
    expect(parkedOf(state.parkOldest(3))).toEqual(['too-many-held: c4']);
  });

  const large = (key: string, bytes: number): Observed => {
    const plain = observation(key);
    return { ...plain, event: { ...plain.event, bytes } };
  };

  it.each<[string, number[], string[]]>([
    ['fires a collection before it exceeds the size of a run', [400_000, 400_000, 400_000], ['a1+a2']],
    ['fires a large one alone', [10, 1_000_000], ['a1', 'a2']],
    ['keeps collecting small events', [10, 10, 10], []],
  ])('%s', (_, sizes, fires) => {
    const state = new DependencyState<EventReference>(
      sensor({ conditions: 'a', collect: { kind: 'batch', batchSize: 100 } }),
    );
    const changes = sizes.map((bytes, index) => state.observe(large(`a${index + 1}`, bytes)));
    expect(firesOf(...changes)).toEqual(fires);
    expect(changes.flatMap((change) => change.fires).every(({ reason }) => reason === 'full')).toBe(true);
  });

  it('fires the oldest collection if all together exceed the limit', () => {
    const state = new DependencyState<EventReference>(
      sensor({ conditions: 'a', collect: { kind: 'batch', batchSize: 100, by: 'tile' } }),
    );
    const fires = Array.from({ length: 2_001 }, (_, index) =>
      firesOf(state.observe(observation(`a${index + 1}`, { keys: { tile: `${index}` } }))),
    );
    expect(fires.flat()).toEqual(['a1']);
    expect(state.view()).toMatchObject([{ collected: 2_000 }]);
  });
});

describe('dependency state - changes of the spec', () => {
  const both = sensor({ conditions: 'a && b' }, { name: 'u', conditions: 'a && c' });
  const later = NOON + 100_000;

  function changed(to: DependencyStateSpec, from = both): { state: DependencyState<EventReference>; notes: string[] } {
    const state = new DependencyState<EventReference>(from);
    feed(state, 'a1');
    const { notes } = state.reconcile(to, later);
    return {
      state,
      notes: notes.map((note) => `${note.kind} ${note.event.key} ${'trigger' in note ? note.trigger : ''}`),
    };
  }

  it('keeps everything if nothing changed', () => {
    const { state, notes } = changed({ ...both });
    expect(notes).toEqual([]);
    expect(feed(state, 'b200', 'c201')).toEqual(['a1+b200', 'a1+c201']);
  });

  it('purges a changed dependency from all triggers', () => {
    const { state, notes } = changed({ ...both, dependencies: { ...both.dependencies, a: 'a2' } });
    expect(notes).toEqual(['purged a1 t', 'purged a1 u']);
    expect(feed(state, 'b200', 'a201')).toEqual(['a201+b200']);
  });

  it('purges only the triggers whose condition changed', () => {
    const { state, notes } = changed(sensor({ conditions: 'a && b && d' }, { name: 'u', conditions: 'a && c' }));
    expect(notes).toEqual(['purged a1 t']);
    expect(feed(state, 'c200')).toEqual(['a1+c200']);
  });

  it('keeps the state if only the spelling of a condition changed', () => {
    const { state, notes } = changed(sensor({ conditions: '( a )&&b' }, { name: 'u', conditions: 'a && c' }));
    expect(notes).toEqual([]);
    expect(feed(state, 'b200')).toEqual(['a1+b200']);
  });

  it('purges a removed trigger', () => {
    expect(changed(sensor({ conditions: 'a && b' })).notes).toEqual(['purged a1 u']);
  });

  it('keeps the state of a trigger without a condition when the sensor gets one more dependency', () => {
    const small: DependencyStateSpec = { dependencies: { a: '1', b: '1' }, triggers: [{ name: 't' }] };
    const { state, notes } = changed({ ...small, dependencies: { a: '1', b: '1', c: '1' } }, small);
    expect(notes).toEqual([]);
    expect(feed(state, 'b200', 'c201')).toEqual(['a1+b200+c201']);
  });

  it('purges a removed dependency', () => {
    const small: DependencyStateSpec = { dependencies: { a: '1', b: '1', c: '1' }, triggers: [{ name: 't' }] };
    const { state, notes } = changed({ ...small, dependencies: { b: '1', c: '1' } }, small);
    expect(notes).toEqual(['purged a1 t']);
    expect(feed(state, 'b200', 'c201')).toEqual(['b200+c201']);
  });

  it('starts fresh when events are joined by another key', () => {
    const { notes } = changed(
      sensor({ conditions: 'a && b', correlateBy: 'scene' }, { name: 'u', conditions: 'a && c' }),
    );
    expect(notes).toEqual(['purged a1 t']);
  });

  function firstNamed(name: string, spec: DependencyStateSpec): DependencyStateSpec {
    return { ...spec, triggers: spec.triggers.map((trigger, at) => (at === 0 ? { ...trigger, name } : trigger)) };
  }

  it('keeps the events of a renamed trigger', () => {
    const limited = { conditions: 'a && b', concurrency: { limit: 1 } };
    const state = new DependencyState<EventReference>(sensor(limited));
    expect(feed(state, 'a1', 'b2', 'a3', 'b4', 'a5')).toEqual(['a1+b2']);
    const after = firstNamed('renamed', sensor(limited));
    const renamed = findRenamedTriggers(sensor(limited), after);
    expect([...renamed]).toEqual([['t', 'renamed']]);
    const change = state.reconcile(after, later, { renamed, parkRemoved: true });
    expect([change.notes, change.parked, change.fires]).toEqual([[], [], []]);
    const finished = state.finished('t/1');
    expect(firesOf(finished)).toEqual(['a3+b4']);
    expect(finished.fires[0]?.trigger).toBe('renamed');
    state.finished(finished.fires[0]?.id ?? '');
    expect(feed(state, 'b200')).toEqual(['a5+b200']);
  });

  it('does not treat a trigger with another condition as renamed', () => {
    const before = sensor({ conditions: 'a && b' }, { name: 'u', conditions: 'a && c' });
    expect([...findRenamedTriggers(before, firstNamed('x', sensor({ conditions: 'a && c' })))]).toEqual([['u', 'x']]);
    expect([...findRenamedTriggers(before, firstNamed('x', sensor({ conditions: 'b && c' })))]).toEqual([]);
  });

  it('parks complete fires of a removed trigger, and records its waiting events', () => {
    const state = new DependencyState<EventReference>(
      sensor(
        { conditions: 'a', collect: { kind: 'batch', batchSize: 9 } },
        { name: 'u', conditions: 'a', concurrency: { limit: 1 } },
        { name: 'v', conditions: 'a && b' },
      ),
    );
    feed(state, 'a1', 'a2');
    const { parked, notes, fires } = state.reconcile(firstNamed('other', sensor({ conditions: 'c' })), later, {
      parkRemoved: true,
    });
    expect(parked.map(({ trigger, reason }) => [trigger, reason])).toEqual([
      ['t', 'trigger-removed'],
      ['u', 'trigger-removed'],
    ]);
    expect([notes.map(({ kind, event }) => `${kind} ${event.key}`), fires]).toEqual([['purged a2'], []]);
  });

  it('still recognises a redelivered event after the change', () => {
    const { state } = changed(sensor({ conditions: 'a && b && d' }));
    expect(notesOf(state.observe(observation('a1')))).toEqual(['duplicate a1']);
  });

  it('fires events that are no longer collected', () => {
    const state = new DependencyState<EventReference>(
      sensor({ conditions: 'a', collect: { kind: 'batch', batchSize: 9 } }),
    );
    feed(state, 'a1', 'a2');
    const change = state.reconcile(sensor({ conditions: 'a' }), later);
    expect(firesOf(change)).toEqual(['a1+a2']);
    expect(change.fires[0]?.reason).toBe('reconfigured');
  });

  it('starts queued fires when the limit is raised or removed', () => {
    const limited = (limit: number): DependencyStateSpec => sensor({ conditions: 'a', concurrency: { limit } });
    const state = new DependencyState<EventReference>(limited(1));
    expect(feed(state, 'a1', 'a2', 'a3', 'a4')).toEqual(['a1']);
    expect(firesOf(state.reconcile(limited(2), later))).toEqual(['a2']);
    expect(firesOf(state.reconcile(sensor({ conditions: 'a' }), later))).toEqual(['a3', 'a4']);
  });

  it('applies a new reset schedule to events already held', () => {
    const { state, notes } = changed(sensor({ conditions: 'a && b', resets: [{ cron: '1 12 * * *' }] }));
    expect(notes).toEqual(['purged a1 u']);
    expect(notesOf(state.advance(later))).toEqual(['reset a1']);
  });
});
