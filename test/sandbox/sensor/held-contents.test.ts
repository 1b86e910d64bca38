import { jsonBytes } from '../../../src/text/json-bytes';
import type { CloudEvent } from '../../../src/event/cloud-event';
import { parseSensor } from '../../../src/validation/parse-manifest';
import type { SensorDefinition } from '../../../src/contract/definitions';
import { SensorMemory, type CarriedSensor } from '../../../src/sandbox/sensor/sensor-memory';
import { cloudEvent } from '../../setup/cloud-event';

const NOON = Date.parse('2026-07-01T12:00:00Z');
const TWO_MEGABYTES = 2 * 1024 * 1024;
const SCENE_BYTES = 20_000;
const BY_TILE = { 'sluice.io/correlate-by': 'tile', 'sluice.io/keep': 'all' };

function sensor(annotations: Readonly<Record<string, string>>, dependencies = ['a', 'b']): SensorDefinition {
  const { object, options } = parseSensor({
    apiVersion: 'argoproj.io/v1alpha1',
    kind: 'Sensor',
    metadata: { name: 'water', namespace: 'eo', annotations },
    spec: {
      dependencies: dependencies.map((name) => ({ name, eventSourceName: 'stac', eventName: name })),
      triggers: [{ template: { name: 't', log: {} } }],
    },
  });
  const bus = { namespace: 'eo', name: 'default', spec: { jetstreamExotic: { url: 'nats://nats:4222' } } };
  return { namespace: 'eo', name: 'water', spec: object.spec, options, bus };
}

function event(dependency: string, number: number, bytes = SCENE_BYTES): CloudEvent {
  const time = new Date(NOON + number).toISOString();
  const data = { number, item: 'x'.repeat(bytes) };
  return cloudEvent({ id: `${dependency}${number}`, subject: dependency, time, data });
}

function observe(memory: SensorMemory, events: readonly CloudEvent[]) {
  return memory.observe(
    events.map((one, index) => ({
      dependency: one.subject,
      event: one,
      keys: { tile: one.id.slice(1) },
      receivedAt: NOON + index,
    })),
  );
}

function scenes(count: number, bytes?: number): CloudEvent[] {
  return Array.from({ length: count }, (_, number) => event('a', number, bytes));
}

/** As the sensor does before it continues as new; answers what it puts on the bus. */
function moveContents(memory: SensorMemory): ReadonlyMap<string, CloudEvent> {
  const onBus = new Map<string, CloudEvent>();
  for (const portion of memory.contentsToMove()) {
    for (const { name, event: content } of portion) onBus.set(name, content);
    memory.contentsMoved(portion);
  }
  return onBus;
}

function continueAsNew(memory: SensorMemory): SensorMemory {
  const carried = JSON.parse(JSON.stringify(memory.carry())) as CarriedSensor;
  return new SensorMemory(memory.definition, carried, NOON);
}

describe('the contents of held events', () => {
  it('stay in the sensor as long as it can carry them', () => {
    const memory = new SensorMemory(sensor(BY_TILE), undefined, NOON);
    observe(memory, scenes(10));
    expect(memory.contentsToMove()).toEqual([]);
    const [run] = observe(continueAsNew(memory), [event('b', 3)]).runs;
    expect(run?.stored).toBeUndefined();
    expect(run?.input.events).toEqual([event('a', 3), event('b', 3)]);
  });

  it('move to the bus in portions of the size of an activity, to keep the carried state small', () => {
    const memory = new SensorMemory(sensor(BY_TILE), undefined, NOON);
    observe(memory, scenes(500));
    expect(memory.contentsToMove().every((portion) => jsonBytes(portion) < TWO_MEGABYTES / 4)).toBe(true);
    moveContents(memory);
    expect(jsonBytes(memory.carry())).toBeLessThan(TWO_MEGABYTES / 4);
    expect(memory.contentsToMove()).toEqual([]);
  });

  it('are named by the runs that need them, also after the sensor has continued as new', () => {
    const memory = new SensorMemory(sensor(BY_TILE), undefined, NOON);
    observe(memory, scenes(100));
    const onBus = moveContents(memory);
    const continued = continueAsNew(memory);
    const pairs = observe(
      continued,
      Array.from({ length: 100 }, (_, number) => event('b', number, 10)),
    ).runs;
    const loaded = pairs.flatMap(({ input, stored = {} }) =>
      input.events.map((head, index) => onBus.get(stored[index] ?? '') ?? head),
    );
    expect(loaded.filter(({ subject }) => subject === 'a').map(({ data }) => data)).toEqual(
      scenes(100).map(({ data }) => data),
    );
    expect(pairs.flatMap(({ input }) => input.fires)).toHaveLength(100);
  });

  it('are deleted once the runs that need them have started, and not before', () => {
    const memory = new SensorMemory(sensor(BY_TILE), undefined, NOON);
    observe(memory, scenes(100));
    moveContents(memory);
    const continued = continueAsNew(memory);
    expect(continued.unneededContents()).toEqual([]);
    const { runs } = observe(continued, [event('b', 10)]);
    expect(continued.unneededContents()).toEqual([]);
    continued.runsStarted(runs);
    expect(continued.unneededContents()).toEqual(Object.values(runs[0]?.stored ?? {}));
    // Carried until somebody has deleted them.
    const later = continueAsNew(continued);
    expect(later.unneededContents()).toHaveLength(1);
    later.contentsForgotten(later.unneededContents());
    expect(continueAsNew(later).unneededContents()).toEqual([]);
  });

  it('are carried once, however many triggers hold the event', () => {
    const definition = sensor(BY_TILE);
    const [trigger] = definition.spec.triggers;
    const names = ['t', 'u', 'v'];
    const triggers = names.map((name) => ({ ...trigger, template: { ...trigger?.template, name } }));
    const memory = new SensorMemory({ ...definition, spec: { ...definition.spec, triggers } }, undefined, NOON);
    observe(memory, scenes(10));
    expect(memory.held().map(({ held }) => held.length)).toEqual([10, 10, 10]);
    expect(jsonBytes(memory.carry())).toBeLessThan(2 * 10 * SCENE_BYTES);
  });

  it('are held up to the number of events that can be carried: the oldest are parked', () => {
    const dependencies = Array.from({ length: 12 }, (_, index) => `d${index}-${'long'.repeat(10)}`);
    const memory = new SensorMemory(sensor(BY_TILE, dependencies), undefined, NOON);
    const events = dependencies.flatMap((dependency) =>
      Array.from({ length: 700 }, (_, number) => event(dependency, number, 600)),
    );
    for (const [index, one] of events.entries()) {
      // No two of them meet.
      const observation = { dependency: one.subject, event: one, keys: { tile: one.id }, receivedAt: NOON + index };
      memory.observe([observation]);
    }
    moveContents(memory);
    const { runs } = memory.parkWhatCannotBeCarried();
    expect(runs.length).toBeGreaterThan(0);
    expect(runs.every(({ input }) => input.parkedBecause !== undefined)).toBe(true);
    expect(runs[0]?.input.events[0]?.id).toBe(events[0]?.id);
    expect(jsonBytes({ definition: memory.definition, carried: memory.carry() })).toBeLessThan(TWO_MEGABYTES);
    expect(memory.parkWhatCannotBeCarried().runs).toEqual([]);
  });

  it('are omitted from a run that could not carry them, which is parked', () => {
    const memory = new SensorMemory(sensor({ 'sluice.io/keep': 'all' }), undefined, NOON);
    const megabyte = 1_000_000;
    const [run] = observe(memory, [event('a', 1, megabyte), event('b', 1, megabyte)]).runs;
    expect(run?.input).toMatchObject({ contentMissing: 'too-large', events: [{ id: 'a1' }, { id: 'b1' }] });
    expect(run?.input.parkedBecause).toContain('2.0 MB');
    expect(jsonBytes(run?.input)).toBeLessThan(10_000);
  });

  it('of fires decided together go into several runs if they are too large for one', () => {
    const memory = new SensorMemory(sensor({ 'sluice.io/concurrency': '100' }, ['a']), undefined, NOON);
    const { runs } = observe(memory, scenes(100));
    expect(runs.flatMap(({ input }) => input.fires)).toHaveLength(100);
    expect(runs.every(({ input }) => jsonBytes(input) < TWO_MEGABYTES / 4)).toBe(true);
  });
});
