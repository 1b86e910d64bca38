/**
 * What joined triggers promise, step by step. The same table runs undisturbed, with a continue-as-new between the
 * steps, and with every workflow task replayed from the start.
 */
import { eventKey } from '../../../src/event/cloud-event';
import { eventually } from '../../setup/eventually';
import type { Stage } from '../stage';
import { currentDetails } from '../what-people-see';

export interface Scenario {
  readonly name: string;
  run(stage: Stage): Promise<void>;
}

const BY = { by: 'ada', why: 'test' };

export const SENSOR_SCENARIOS: readonly Scenario[] = [
  {
    name: 'a && b fires once with the latest event of each',
    async run(stage) {
      await stage.apply({ dependencies: ['a', 'b'], triggers: [stage.httpTrigger('t', ['a', 'b'])] });
      await stage.publish(stage.event('a', '1'));
      await stage.holdsEvents('a-1');
      await stage.interlude();
      await stage.publish(stage.event('a', '2'));
      await stage.holdsEvents('a-2');
      await stage.interlude();
      await stage.publish(stage.event('b', '3'));
      expect(await stage.bodies(1)).toEqual([{ a: '2', b: '3' }]);
      await stage.holdsEvents();
      await stage.interlude();
      await stage.publish(stage.event('b', '4'), stage.event('a', '5'));
      expect(await stage.bodies(2)).toEqual([
        { a: '2', b: '3' },
        { a: '5', b: '4' },
      ]);
    },
  },
  {
    name: 'an event that is observed again is taken once',
    async run(stage) {
      await stage.apply({ dependencies: ['a', 'b'], triggers: [stage.httpTrigger('t', ['a', 'b'])] });
      const [a, b] = [stage.event('a', '1'), stage.event('b', '1')];
      await stage.publish(a, b);
      await stage.bodies(1);
      await stage.interlude();
      // As a listener does whose acknowledgement was lost.
      const observations = [a, b].map((event) => ({ dependency: event.subject, event, receivedAt: Date.now() }));
      await stage.handle.signal('observe', { observations });
      await stage.publish(stage.event('b', '2'));
      await stage.holdsEvents('b-2');
      expect(stage.requests()).toHaveLength(1);
    },
  },
  {
    name: 'events on both sides of a conditions reset are not joined, even if they arrive late',
    async run(stage) {
      // Once a year: one that comes while the test runs would forget what it is about.
      const template = { conditionsReset: [{ byTime: { cron: '0 0 1 1 *' } }] };
      await stage.apply({
        dependencies: ['a', 'b'],
        triggers: [stage.httpTrigger('t', ['a', 'b'], { template })],
      });
      await stage.publish(stage.event('a', '1', {}, { time: '2025-12-31T23:59:50Z' }));
      await stage.interlude();
      await stage.publish(stage.event('b', '2', {}, { time: '2026-01-01T00:00:10Z' }));
      await stage.interlude();
      await stage.publish(stage.event('a', '3', {}, { time: '2026-01-01T00:00:20Z' }));
      expect(await stage.bodies(1)).toEqual([{ a: '3', b: '2' }]);
    },
  },
  {
    name: 'only events with the same key are joined',
    async run(stage) {
      await stage.apply({
        annotations: { 'sluice.io/correlate-by': 'tile' },
        dependencies: ['a', 'b'],
        triggers: [stage.httpTrigger('t', ['a', 'b'])],
      });
      await stage.publish(stage.event('a', '1', { tile: 'x' }), stage.event('a', '2', { tile: 'y' }));
      await stage.holdsEvents('a-1', 'a-2');
      await stage.interlude();
      await stage.publish(stage.event('b', '3', { tile: 'x' }));
      expect(await stage.bodies(1)).toEqual([{ a: '1', b: '3' }]);
      await stage.interlude();
      await stage.publish(stage.event('b', '4', { tile: 'y' }));
      expect(await stage.bodies(2)).toEqual([
        { a: '1', b: '3' },
        { a: '2', b: '4' },
      ]);
    },
  },
  {
    name: 'half a pair whose window has passed is parked with its reason',
    async run(stage) {
      await stage.apply({
        annotations: { 'sluice.io/correlate-by': 'tile', 'sluice.io/correlate-window': '1s' },
        dependencies: ['a', 'b'],
        triggers: [stage.httpTrigger('t', ['a', 'b'])],
      });
      await stage.publish(stage.event('a', '1', { tile: 'x' }));
      await stage.interlude();
      const run = await stage.onlyRun('Parked');
      const [fire] = await stage.fires(run);
      expect(fire).toMatchObject({ state: 'Parked', failure: { code: 'SENSOR_EVENTS_INCOMPLETE' } });
      expect(fire?.failure?.message).toContain('b');
      await run.signal('discard', BY);
      expect(await run.result()).toMatchObject({ state: 'Discarded' });
    },
  },
  {
    name: 'keep all pairs every event in its turn',
    async run(stage) {
      await stage.apply({
        annotations: { 'sluice.io/keep': 'all' },
        dependencies: ['a', 'b'],
        triggers: [stage.httpTrigger('t', ['a', 'b'])],
      });
      await stage.publish(stage.event('a', '1'), stage.event('a', '2'));
      await stage.holdsEvents('a-1', 'a-2');
      await stage.interlude();
      await stage.publish(stage.event('b', '3'));
      expect(await stage.bodies(1)).toEqual([{ a: '1', b: '3' }]);
      await stage.interlude();
      await stage.publish(stage.event('b', '4'));
      expect(await stage.bodies(2)).toEqual([
        { a: '1', b: '3' },
        { a: '2', b: '4' },
      ]);
    },
  },
  {
    name: 'a batch fires once with all of its events',
    async run(stage) {
      await stage.apply({
        annotations: { 'sluice.io/batch-size': '3' },
        triggers: [collecting(stage)],
      });
      await stage.publish(stage.event('a', '1'), stage.event('a', '2'));
      await stage.holds(([only]) => only?.collected === 2);
      await stage.interlude();
      await stage.publish(stage.event('a', '3'));
      expect(await stage.bodies(1)).toEqual([{ names: ['1', '2', '3'] }]);
    },
  },
  {
    name: 'a debounced trigger fires after a quiet time with all events',
    async run(stage) {
      await stage.apply({
        annotations: { 'sluice.io/debounce': '2s' },
        triggers: [collecting(stage)],
      });
      await stage.publish(stage.event('a', '1'), stage.event('a', '2'));
      await stage.holds(([only]) => only?.collected === 2);
      await stage.interlude();
      expect(await stage.bodies(1)).toEqual([{ names: ['1', '2'] }]);
    },
  },
  {
    name: 'the fires in flight never exceed concurrency',
    async run(stage) {
      await stage.apply({
        annotations: { 'sluice.io/concurrency': '1' },
        triggers: [stage.httpTrigger('t', ['a'], { retryStrategy: { steps: 1_000, duration: '500ms' } })],
      });
      // The first one keeps its place while it is tried again.
      stage.world.receiver.answerWith(503, stage.path('t'));
      await stage.publish(stage.event('a', '1'), stage.event('a', '2'));
      await stage.holds(([only]) => only?.running === 1 && only.waiting === 1);
      await stage.interlude();
      expect(stage.requests().every(({ body }) => body['a'] === '1')).toBe(true);
      stage.world.receiver.answerWith(200, stage.path('t'));
      await eventually(() => stage.requests().some(({ body }) => body['a'] === '2'));
      expect(stage.requests().filter(({ body }) => body['a'] !== '1')).toEqual(stage.requests().slice(-1));
    },
  },
  {
    name: 'configure keeps the state that a change does not affect',
    async run(stage) {
      const triggers = [withCondition(stage, 'b && a')];
      await stage.apply({ dependencies: ['a', 'b'], triggers });
      await stage.publish(stage.event('a', '1'));
      await stage.holdsEvents('a-1');
      await stage.interlude();
      await stage.configure({ dependencies: ['a', 'b', 'c'], triggers: [withCondition(stage, '(b && a)')] });
      await stage.holdsEvents('a-1');
      await stage.publish(stage.event('b', '2'));
      expect(await stage.bodies(1)).toEqual([{ a: '1', b: '2' }]);
    },
  },
  {
    name: 'configure drops the events that a changed dependency held',
    async run(stage) {
      const triggers = [stage.httpTrigger('t', ['a', 'b'])];
      await stage.apply({ dependencies: ['a', 'b'], triggers });
      await stage.publish(stage.event('a', '1'));
      await stage.holdsEvents('a-1');
      await stage.interlude();
      const changed = {
        name: 'a',
        eventName: 'a',
        filters: { data: [{ path: 'name', type: 'string', value: ['2'] }] },
      };
      await stage.configure({ dependencies: [changed, 'b'], triggers });
      await stage.holdsEvents();
      await stage.publish(stage.event('b', '3'));
      await stage.holdsEvents('b-3');
      await stage.interlude();
      await stage.publish(stage.event('a', '2'));
      expect(await stage.bodies(1)).toEqual([{ a: '2', b: '3' }]);
    },
  },
  {
    name: 'a paused sensor leaves its events on the bus and continues with all of them',
    async run(stage) {
      await stage.apply({ triggers: [stage.httpTrigger('t', ['a'])] });
      await stage.publish(stage.event('a', '1'));
      await stage.bodies(1);
      await stage.handle.signal('pause', BY);
      await eventually(async () => !(await isListening(stage)));
      await stage.interlude();
      expect((await stage.status()).paused).toMatchObject(BY);
      await stage.publish(stage.event('a', '2'), stage.event('a', '3'));
      await stage.interlude();
      expect(stage.requests()).toHaveLength(1);
      await stage.handle.signal('resume', BY);
      expect(await stage.bodies(3)).toEqual(expect.arrayContaining([{ a: '1' }, { a: '2' }, { a: '3' }]));
    },
  },
  {
    name: 'a paused sensor keeps the events that joined triggers hold',
    async run(stage) {
      await stage.apply({ dependencies: ['a', 'b'], triggers: [stage.httpTrigger('t', ['a', 'b'])] });
      await stage.publish(stage.event('a', '1'));
      await stage.holdsEvents('a-1');
      await stage.handle.signal('pause', BY);
      await eventually(async () => !(await isListening(stage)));
      await stage.interlude();
      await stage.publish(stage.event('b', '2'));
      await stage.holdsEvents('a-1');
      await stage.handle.signal('resume', BY);
      expect(await stage.bodies(1)).toEqual([{ a: '1', b: '2' }]);
    },
  },
  {
    name: 'a retrigger signal takes effect once; a rejected one is shown',
    async run(stage) {
      await stage.apply({ triggers: [stage.httpTrigger('t', ['a'])] });
      const event = stage.event('a', '1');
      await stage.publish(event);
      await stage.bodies(1);
      await eventually(async () => (await stage.runIds('Succeeded')).length === 1);
      const request = { ...BY, eventId: eventKey(event), again: true };
      // The signal arrives while the sensor is being continued.
      await Promise.all([stage.handle.signal('retrigger', request), stage.interlude()]);
      expect(await stage.bodies(2)).toEqual([{ a: '1' }, { a: '1' }]);
      await stage.handle.signal('retrigger', { ...BY, runId: 'run/nowhere/at/all' });
      await eventually(async () => (await stage.status()).refusals?.length === 1);
      await stage.interlude();
      expect((await stage.status()).refusals).toEqual([expect.stringContaining('run/nowhere/at/all')]);
      expect(stage.requests()).toHaveLength(2);
    },
  },
  {
    name: 'a sensor keeps its counts across configuration changes',
    async run(stage) {
      const counted = (consumed: number): Promise<unknown> =>
        eventually(async () => (await stage.status()).counts.consumed === consumed);
      await stage.apply({ triggers: [stage.httpTrigger('t', ['a'])] });
      await stage.publish(stage.event('a', '1'), stage.event('a', '2'));
      await counted(2);
      const { appliedAt } = await stage.status();
      await stage.interlude();
      await stage.publish(stage.event('a', '3'));
      await counted(3);
      expect(await stage.status()).toMatchObject({ appliedAt, counts: { matched: 3, fired: 3, failed: 0 } });
    },
  },
  {
    name: 'a renamed trigger completes its half pair; complete fires are parked when their trigger is removed',
    async run(stage) {
      const named = (name: string) => ({ dependencies: ['a', 'b'], triggers: [stage.httpTrigger(name, ['a', 'b'])] });
      await stage.apply(named('t'));
      await stage.publish(stage.event('a', '1'));
      await stage.holdsEvents('a-1');
      await stage.interlude();
      await stage.configure(named('renamed'));
      await stage.holdsEvents('a-1');
      await stage.publish(stage.event('b', '2'));
      expect(await stage.bodies(1, 'renamed')).toEqual([{ a: '1', b: '2' }]);
      const annotations = { 'sluice.io/batch-size': '3' };
      await stage.configure({ annotations, dependencies: ['a'], triggers: [stage.httpTrigger('batch', ['a'])] });
      await stage.publish(stage.event('a', '3'));
      await stage.holds(([only]) => only?.collected === 1);
      await stage.interlude();
      await stage.configure({ dependencies: ['c'], triggers: [stage.httpTrigger('other', ['c'])] });
      const run = await stage.onlyRun('Parked');
      expect(await stage.fires(run)).toMatchObject([
        { trigger: 'batch', failure: { message: expect.stringContaining('removed') as string } },
      ]);
      await run.signal('discard', BY);
    },
  },
  {
    name: 'a deleted sensor leaves nothing on its bus',
    async run(stage) {
      await stage.apply({ triggers: [stage.httpTrigger('t', ['a'])] });
      await stage.publish(stage.event('a', '1'));
      await stage.bodies(1);
      await stage.interlude();
      expect(await consumersOf(stage)).toHaveLength(1);
      await stage.handle.signal('delete', BY);
      await stage.handle.result();
      expect(await consumersOf(stage)).toHaveLength(0);
    },
  },
  {
    name: 'a sensor ignores a cancellation request, shows it, and can still be retriggered and deleted',
    async run(stage) {
      await stage.apply({ dependencies: ['a', 'b'], triggers: [stage.httpTrigger('t', ['a', 'b'])] });
      await stage.publish(stage.event('a', '1'));
      await stage.holdsEvents('a-1');
      await stage.handle.cancel();
      await eventually(async () => (await stage.status()).refusals?.some((line) => line.includes('sluice delete')));
      expect(await currentDetails(stage.handle)).toContain('cancellation ignored');
      await stage.interlude();
      await stage.publish(stage.event('b', '1'));
      expect(await stage.bodies(1)).toEqual([{ a: '1', b: '1' }]);
      await eventually(async () => (await stage.runIds('Succeeded')).length === 1);
      const [runId = ''] = await stage.runIds();
      await stage.handle.signal('retrigger', { ...BY, runId, again: true });
      await stage.bodies(2);
      await stage.handle.signal('delete', {});
      await eventually(async () =>
        (await stage.status()).refusals?.some((line) => line.includes('delete: "by" and "why" are required')),
      );
      await stage.handle.signal('delete', BY);
      await stage.handle.result();
      expect(await consumersOf(stage)).toHaveLength(0);
    },
  },
];

function collecting(stage: Stage) {
  const trigger = stage.httpTrigger('t', ['a']);
  const url = `${stage.world.receiver.url}${stage.path('t')}`;
  return {
    ...trigger,
    template: {
      name: 't',
      http: {
        url,
        method: 'POST',
        payload: [{ src: { dependencyName: 'a', dataKey: '#.name', useRawData: true }, dest: 'names' }],
      },
    },
  };
}

function withCondition(stage: Stage, conditions: string) {
  return stage.httpTrigger('t', ['a', 'b'], { template: { conditions } });
}

async function isListening(stage: Stage): Promise<boolean> {
  const { raw } = await stage.handle.describe();
  return (raw.pendingActivities ?? []).some(({ activityType }) => activityType?.name === 'sluiceListen');
}

async function consumersOf(stage: Stage): Promise<string[]> {
  const answer = await fetch(`${stage.world.nats.monitorUrl}/jsz?consumers=true`);
  const found = (await answer.json()) as {
    account_details?: ReadonlyArray<{
      stream_detail?: ReadonlyArray<{ consumer_detail?: ReadonlyArray<{ name: string }> }>;
    }>;
  };
  const names = (found.account_details ?? [])
    .flatMap(({ stream_detail }) => stream_detail ?? [])
    .flatMap(({ consumer_detail }) => consumer_detail ?? [])
    .map(({ name }) => name);
  return names.filter((name) => name.includes(stage.namespace));
}
