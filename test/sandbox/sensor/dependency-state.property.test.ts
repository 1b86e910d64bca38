/** The state machine against a simple model and against itself, over random histories. */
import fc from 'fast-check';
import { formatCondition, parseCondition } from '../../../src/sandbox/conditions/conditions';
import { DependencyState, type DependencyStateSnapshot } from '../../../src/sandbox/sensor/dependency-state';
import type {
  Collecting,
  DependencyStateSpec,
  EventReference,
  StateChange,
  StatefulTrigger,
} from '../../../src/sandbox/sensor/dependency-state-types';
import { anyConditionTree, written, type ConditionTree } from '../conditions/condition-trees';
import { mapSnapshotEvents } from '../../../src/sandbox/sensor/snapshot-events';
import { JoiningModel, RESET_EVERY_MS, type ModelEvent, type ModelTrigger } from './joining-model';

const NAMES = ['a', 'b', 'c', 'd'];
const START = Date.parse('2026-07-01T12:00:00Z');
const RESET_SCHEDULE = { cron: `*/${RESET_EVERY_MS / 60_000} * * * *` };
const RUNS = { numRuns: 500 };

interface EventChoice {
  readonly number: number;
  readonly dependency: string;
}
type Step =
  | ({ readonly kind: 'observe' } & EventChoice)
  | { readonly kind: 'advance' }
  | { readonly kind: 'restart' }
  | { readonly kind: 'finish'; readonly which: number }
  | { readonly kind: 'reconcile'; readonly spec: number; readonly changed: readonly string[] };
interface TimedStep {
  readonly step: Step;
  readonly afterMs: number;
}

const anyStep: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 12,
    arbitrary: fc.record({
      kind: fc.constant('observe' as const),
      number: fc.nat(25),
      dependency: fc.constantFrom(...NAMES, 'unknown'),
    }),
  },
  { weight: 1, arbitrary: fc.constant({ kind: 'advance' as const }) },
  { weight: 1, arbitrary: fc.constant({ kind: 'restart' as const }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('finish' as const), which: fc.nat(20) }) },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('reconcile' as const), spec: fc.nat(3), changed: fc.subarray(NAMES) }),
  },
);

const anyHistory: fc.Arbitrary<TimedStep[]> = fc.array(
  fc.record({
    step: anyStep,
    afterMs: fc.oneof(fc.constant(0), fc.nat(5000), fc.nat(RESET_EVERY_MS)),
  }),
  { maxLength: 60 },
);

/** Event number n is always the same event: its time may lie before or after the time at which it is observed. */
function eventOf({ number, dependency }: EventChoice, receivedAt: number): ModelEvent {
  const time = START + (number % 5) * (RESET_EVERY_MS / 2);
  return { dependency, key: `e${number}`, time, receivedAt, correlationKey: `k${number % 3}` };
}

function observe(state: DependencyState<EventReference>, event: ModelEvent): StateChange<EventReference> {
  const { dependency, key, time, receivedAt, correlationKey } = event;
  const reference = { key, id: key, time: new Date(time).toISOString() };
  return state.observe({ dependency, event: reference, receivedAt, keys: { key: correlationKey } });
}

/** As a sensor does that continues as new: the state with places in a list, and the list. */
function restart(state: DependencyState<EventReference>): DependencyState<EventReference> {
  const events: EventReference[] = [];
  const carried = mapSnapshotEvents(state.snapshot(), (event) => events.push(event) - 1);
  const restored = JSON.parse(JSON.stringify({ carried, events })) as {
    carried: DependencyStateSnapshot<number>;
    events: EventReference[];
  };
  return DependencyState.restore(
    mapSnapshotEvents(restored.carried, (place) => {
      const event = restored.events[place];
      if (event === undefined) throw new Error(`there is no event ${place}`);
      return event;
    }),
  );
}

function keysOf(events: Readonly<Record<string, EventReference>>): string[] {
  return Object.values(events).map(({ key }) => key);
}

/** What a change did to events, in the words of the model. */
function effectsOf({ fires, parked, notes }: StateChange<EventReference>): string[] {
  const verbs = { reset: 'reset', replaced: 'replace', purged: 'purge' } as const;
  return [
    ...fires.map(({ trigger, dependencies }) => `fire ${trigger} ${keysOf(dependencies).sort().join('+')}`),
    ...parked.flatMap(({ trigger, dependencies }) => keysOf(dependencies).map((key) => `park ${trigger} ${key}`)),
    ...notes.flatMap((note) =>
      note.kind === 'reset' || note.kind === 'replaced' || note.kind === 'purged'
        ? [`${verbs[note.kind]} ${note.trigger} ${note.event.key}`]
        : [],
    ),
  ].sort();
}

function heldOf(state: DependencyState<EventReference>): string[] {
  return state.view().flatMap(({ trigger, held }) => held.map(({ event }) => `hold ${trigger} ${event.key}`));
}

describe('dependency state - compared with a simple model', () => {
  const anyTrigger = fc.record({
    tree: fc.nat(2),
    style: fc.array(fc.nat(3), { minLength: 8, maxLength: 8 }),
    keep: fc.constantFrom('latest' as const, 'all' as const),
    correlated: fc.boolean(),
    windowMs: fc.option(fc.integer({ min: 1000, max: 2 * RESET_EVERY_MS }), { nil: undefined }),
    resets: fc.boolean(),
  });
  const anySpec = fc.record({ t: fc.option(anyTrigger), u: fc.option(anyTrigger) });
  type Spec = typeof anySpec extends fc.Arbitrary<infer T> ? T : never;

  function modelTriggers(spec: Spec, trees: readonly ConditionTree[]): ModelTrigger[] {
    return Object.entries(spec).flatMap(([name, options]) => {
      if (options === null) return [];
      const tree = trees[options.tree] ?? 'a';
      const text = written(tree, [...options.style, ...options.style, ...options.style][Symbol.iterator]());
      return [{ ...options, name, tree, expression: formatCondition(parseCondition(text)) }];
    });
  }

  function stateSpec(
    spec: Spec,
    trees: readonly ConditionTree[],
    versions: Readonly<Record<string, number>>,
  ): DependencyStateSpec {
    const styles = { t: spec.t?.style ?? [], u: spec.u?.style ?? [] };
    return {
      dependencies: Object.fromEntries(NAMES.map((name) => [name, `version ${versions[name]}`])),
      triggers: modelTriggers(spec, trees).map(({ name, tree, keep, correlated, windowMs, resets }) => ({
        name,
        conditions: written(tree, (name === 't' ? styles.t : styles.u)[Symbol.iterator]()),
        keep,
        ...(correlated && { correlateBy: 'key' }),
        ...(windowMs !== undefined && { windowMs }),
        ...(resets && { resets: [RESET_SCHEDULE] }),
      })),
    };
  }

  it('fires, parks, replaces, resets, purges and holds the same events', () => {
    fc.assert(
      fc.property(
        fc.array(anyConditionTree(NAMES), { minLength: 3, maxLength: 3 }),
        fc.array(anySpec, { minLength: 4, maxLength: 4 }),
        anyHistory,
        (trees, specs, history) => {
          const specAt = (index: number): Spec => specs[index] ?? { t: null, u: null };
          let versions = Object.fromEntries(NAMES.map((name) => [name, 0]));
          let state = new DependencyState<EventReference>(stateSpec(specAt(0), trees, versions));
          const model = new JoiningModel(modelTriggers(specAt(0), trees));
          let now = START;
          for (const { step, afterMs } of history) {
            now += afterMs;
            switch (step.kind) {
              case 'observe': {
                const event = eventOf(step, now);
                expect(effectsOf(observe(state, event))).toEqual(model.observe(event).sort());
                break;
              }
              case 'advance':
                expect(effectsOf(state.advance(now))).toEqual(model.advance(now).sort());
                break;
              case 'reconcile': {
                versions = Object.fromEntries(
                  NAMES.map((name) => [name, (versions[name] ?? 0) + (step.changed.includes(name) ? 1 : 0)]),
                );
                const change = state.reconcile(stateSpec(specAt(step.spec), trees, versions), now);
                const expected = model.reconcile(modelTriggers(specAt(step.spec), trees), step.changed, now);
                expect(effectsOf(change)).toEqual(expected.sort());
                break;
              }
              case 'restart':
                state = restart(state);
                break;
              case 'finish':
                break;
            }
            expect(heldOf(state).sort()).toEqual(model.allHeld().sort());
          }
        },
      ),
      RUNS,
    );
  });
});

describe('dependency state - over all options', () => {
  const optional = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> =>
    fc.option(arbitrary, { nil: undefined });
  const anyCollecting: fc.Arbitrary<Collecting> = fc.oneof(
    fc.record({
      kind: fc.constant('debounce' as const),
      debounceMs: fc.integer({ min: 1, max: 20_000 }),
      debounceMaxMs: optional(fc.integer({ min: 20_000, max: 60_000 })),
      by: optional(fc.constant('key')),
    }),
    fc.record({
      kind: fc.constant('batch' as const),
      batchSize: fc.integer({ min: 1, max: 4 }),
      batchWindowMs: optional(fc.integer({ min: 1, max: 60_000 })),
      by: optional(fc.constant('key')),
    }),
  );
  const anyTrigger = fc.record({
    conditions: fc.constantFrom('a', 'a || b', 'a && b', '(a && b) || c', 'a && (b || c) && d', undefined),
    keep: optional(fc.constantFrom('latest' as const, 'all' as const)),
    correlateBy: optional(fc.constantFrom('key', 'absent')),
    windowMs: optional(fc.integer({ min: 1, max: RESET_EVERY_MS })),
    maxHeld: optional(fc.integer({ min: 1, max: 3 })),
    resets: optional(fc.constant([RESET_SCHEDULE])),
    collect: optional(anyCollecting),
    concurrency: optional(
      fc.record({
        limit: fc.integer({ min: 1, max: 2 }),
        by: optional(fc.constant('key')),
        maxWaiting: optional(fc.integer({ min: 1, max: 3 })),
      }),
    ),
  });
  const anyTriggers: fc.Arbitrary<StatefulTrigger[]> = fc
    .array(anyTrigger, { maxLength: 3 })
    .map((triggers) => triggers.map((trigger, index) => ({ name: `t${index}`, ...trigger })));
  const anySpecs = fc.array(anyTriggers, { minLength: 4, maxLength: 4 });

  /** Runs a history; after each step `look` sees what came of it. */
  function run(
    specs: ReadonlyArray<readonly StatefulTrigger[]>,
    history: readonly TimedStep[],
    restartsAlways: boolean,
    look: (
      change: StateChange<EventReference>,
      after: {
        state: DependencyState<EventReference>;
        step: Step;
        running: readonly string[];
        triggers: readonly StatefulTrigger[];
      },
    ) => void,
  ): void {
    let versions = Object.fromEntries(NAMES.map((name) => [name, 0]));
    const specOf = (index: number): DependencyStateSpec => ({
      dependencies: Object.fromEntries(NAMES.map((name) => [name, String(versions[name])])),
      triggers: specs[index] ?? [],
    });
    let triggers = specs[0] ?? [];
    let state = new DependencyState<EventReference>(specOf(0));
    let running: string[] = [];
    let now = START;
    const take = (step: Step): StateChange<EventReference> => {
      switch (step.kind) {
        case 'observe':
          return observe(state, eventOf(step, now));
        case 'finish': {
          const fireId = running[step.which % Math.max(1, running.length)] ?? 'none';
          running = running.filter((id) => id !== fireId);
          return state.finished(fireId);
        }
        case 'reconcile':
          versions = Object.fromEntries(
            NAMES.map((name) => [name, (versions[name] ?? 0) + (step.changed.includes(name) ? 1 : 0)]),
          );
          triggers = specs[step.spec] ?? [];
          return state.reconcile(specOf(step.spec), now);
        case 'advance':
        case 'restart':
          return state.advance(now);
      }
    };
    for (const { step, afterMs } of history) {
      now += afterMs;
      const change = take(step);
      running.push(...change.fires.map(({ id }) => id));
      if (restartsAlways) state = restart(state);
      look(change, { state, step, running, triggers });
    }
  }

  it('does the same whether or not it is carried over continue-as-new after every step', () => {
    fc.assert(
      fc.property(anySpecs, anyHistory, (specs, history) => {
        const lived: unknown[] = [];
        const restarted: unknown[] = [];
        run(specs, history, false, (change, { state }) => lived.push([change, state.nextDeadline(), state.view()]));
        run(specs, history, true, (change, { state }) => restarted.push([change, state.nextDeadline(), state.view()]));
        expect(JSON.parse(JSON.stringify(restarted))).toEqual(JSON.parse(JSON.stringify(lived)));
      }),
      RUNS,
    );
  });

  it('loses nothing: every event ends in exactly one fire, parking or decision, or is still held', () => {
    fc.assert(
      fc.property(anySpecs, anyHistory, (specs, history) => {
        const open = new Map<string, number>();
        const count = (trigger: string, dependency: string, key: string, by: number): void => {
          const id = `${trigger} ${dependency} ${key}`;
          open.set(id, (open.get(id) ?? 0) + by);
        };
        run(specs, history, false, ({ fires, parked, notes }, { state, step, triggers }) => {
          const isTaken = notes.every(({ kind }) => kind !== 'duplicate' && kind !== 'unused');
          if (step.kind === 'observe' && isTaken) {
            for (const { name, conditions = NAMES.join('&&') } of triggers) {
              if (conditions.includes(step.dependency)) count(name, step.dependency, `e${step.number}`, 1);
            }
          }
          for (const { trigger, dependencies, all } of [...fires, ...parked]) {
            const lists = all ?? Object.fromEntries(Object.entries(dependencies).map(([name, one]) => [name, [one]]));
            for (const [dependency, events] of Object.entries(lists)) {
              for (const { key } of events) count(trigger, dependency, key, -1);
            }
          }
          for (const note of notes) {
            if (note.kind === 'replaced' || note.kind === 'reset' || note.kind === 'purged') {
              count(note.trigger, note.dependency, note.event.key, -1);
            }
          }
          const stillThere = [...open].filter(([, times]) => times !== 0).sort();
          expect(stillThere).toEqual(eventsIn(state.snapshot()).map((id) => [id, 1]));
        });
      }),
      RUNS,
    );
  });

  it('never collects or runs more than the limits', () => {
    const withoutReconcile = anyHistory.map((history) => history.filter(({ step }) => step.kind !== 'reconcile'));
    fc.assert(
      fc.property(anySpecs, withoutReconcile, (specs, history) => {
        run(specs, history, false, ({ fires }, { state, running, triggers }) => {
          for (const { name, collect, concurrency } of triggers) {
            const mine = fires.filter(({ trigger }) => trigger === name);
            for (const { all } of mine) {
              const largest = Math.max(...Object.values(all ?? {}).map(({ length }) => length));
              if (collect?.kind === 'batch') expect(largest).toBeLessThanOrEqual(collect.batchSize);
            }
            const lanes = state.snapshot().triggers[name]?.lanes ?? [];
            for (const lane of lanes) {
              expect(lane.running.length).toBeLessThanOrEqual(concurrency?.limit ?? 0);
              // Nothing waits while there is room.
              if (lane.waiting.length > 0) expect(lane.running).toHaveLength(concurrency?.limit ?? 0);
              expect(running).toEqual(expect.arrayContaining([...lane.running]));
            }
          }
        });
      }),
      RUNS,
    );
  });

  function eventsIn({ triggers }: DependencyStateSnapshot<EventReference>): string[] {
    return Object.entries(triggers)
      .flatMap(([trigger, { joiner, collections = [], lanes = [] }]) => [
        ...(joiner?.held ?? []).map(({ dependency, event }) => `${trigger} ${dependency} ${event.key}`),
        ...collections
          .flatMap(({ joined }) => joined.flatMap((events) => Object.entries(events)))
          .map(([dependency, { key }]) => `${trigger} ${dependency} ${key}`),
        ...lanes
          .flatMap(({ waiting }) => waiting)
          .flatMap(({ dependencies, all }) =>
            all
              ? Object.entries(all).flatMap(([name, events]) => events.map((one) => [name, one] as const))
              : Object.entries(dependencies),
          )
          .map(([dependency, { key }]) => `${trigger} ${dependency} ${key}`),
      ])
      .sort();
  }
});
