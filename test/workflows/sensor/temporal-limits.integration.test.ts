/** Each of Temporal's limits, set low enough to be reached here; docs/architecture.md lists what happens at them. */
import { startDecidedRun } from '../../../activities/starting/start-decided-run';
import { createRunStart } from '../../../src/contract/run-start';
import { eventually } from '../../setup/eventually';
import { openWorld, type SluiceWorld } from '../sluice-world';
import { Stage } from '../stage';

/** A server of its own for each test, and floods: minutes where other work loads the machine. */
jest.setTimeout(420_000);

const BY_SCENE = { 'sluice.io/correlate-by': 'scene' };

async function inWorldWith(
  dynamicConfig: Readonly<Record<string, string>>,
  play: (stage: Stage, world: SluiceWorld) => Promise<void>,
): Promise<void> {
  const world = await openWorld({ temporal: { own: true, headless: true, dynamicConfig } });
  const stage = new Stage(world);
  try {
    await play(stage, world);
  } finally {
    await stage.remove();
    await world.close();
  }
}

describe('a sensor at the limits of Temporal', () => {
  it('parks a flood of events without partners and fires every pair, with a low limit of open children', async () => {
    await inWorldWith({ 'limit.numPendingChildExecutions.error': '20' }, async (stage, world) => {
      const flood = 1_200;
      await stage.apply({
        annotations: BY_SCENE,
        dependencies: ['a', 'b'],
        triggers: [stage.httpTrigger('t', ['a', 'b'])],
      });
      const events = (dependency: string) =>
        Array.from({ length: flood }, (_, scene) => stage.event(dependency, `${scene}`, { scene: `${scene}` }));
      await world.bus.publishEvents(events('a'));
      // A trigger holds 1,000 events of a dependency: the oldest of the others wait for a person.
      await eventually(async () => (await stage.runIds('Parked')).length === flood - 1_000, { timeoutMs: 180_000 });
      await world.bus.publishEvents(events('b'));
      const bodies = await eventually(() => stage.requests().length >= 1_000 && stage.requests(), {
        timeoutMs: 180_000,
      });
      // Which were the oldest is decided by the order in which two pulls were handled; each of the others fires once.
      const isPair = (text: string): boolean => /^\{"a":"(\d+)","b":"\1"\}$/.test(text);
      const pairs = bodies.map(({ body }) => JSON.stringify(body));
      expect(pairs.filter((text) => !isPair(text))).toEqual([]);
      expect([pairs.length, new Set(pairs).size]).toEqual([1_000, 1_000]);
      const { raw } = await stage.handle.describe();
      expect(raw.pendingChildren ?? []).toEqual([]);
    });
  });

  it('parks a run that Temporal rejects for its size instead of retrying forever', async () => {
    await inWorldWith({ 'limit.blobSize.error': '60000', 'limit.blobSize.warn': '50000' }, async (stage, world) => {
      const definition = stage.define({ triggers: [stage.httpTrigger('t', ['a'])] });
      const event = stage.event('a', '1', { item: 'x'.repeat(80_000) });
      const start = createRunStart(definition, [{ id: 'fire', trigger: 't', dependencies: { a: [event] } }]);
      await startDecidedRun(world.client.workflow, world.taskQueue, start);
      const run = await stage.onlyRun('Parked');
      expect(await stage.fires(run)).toMatchObject([{ failure: { code: 'BUS_EVENT_TOO_LARGE' } }]);
      await run.signal('discard', { by: 'ada', why: 'test' });
    });
  });

  it('keeps fewer activities of a run pending than Temporal allows, and fires all', async () => {
    await inWorldWith({ 'limit.numPendingActivities.error': '510' }, async (stage) => {
      const triggers = Array.from({ length: 60 }, (_, at) => stage.httpTrigger(`t${at}`, ['a']));
      await stage.apply({ triggers });
      await stage.handle.signal('pause', { by: 'ada', why: 'so that they come together' });
      await eventually(async () => {
        const { raw } = await stage.handle.describe();
        return !(raw.pendingActivities ?? []).some(({ activityType }) => activityType?.name === 'sluiceListen');
      });
      await stage.publish(...Array.from({ length: 10 }, (_, at) => stage.event('a', `${at}`)));
      await stage.handle.signal('resume', { by: 'ada', why: 'now' });
      await eventually(async () => (await stage.runIds('Succeeded')).length > 0, { timeoutMs: 180_000 });
      await eventually(() => triggers.every((_, at) => stage.requests(`t${at}`).length === 10), { timeoutMs: 180_000 });
    });
  });

  it('continues as new before its history or its signals reach their limit', async () => {
    const dynamicConfig = {
      'history.maximumSignalsPerExecution': '60',
      'limit.historyCount.suggestContinueAsNew': '40',
      'limit.historyCount.error': '400',
    };
    await inWorldWith(dynamicConfig, async (stage) => {
      await stage.apply({
        annotations: BY_SCENE,
        dependencies: ['a', 'b'],
        triggers: [stage.httpTrigger('t', ['a', 'b'])],
      });
      const { runId } = await stage.handle.describe();
      for (let scene = 0; scene < 80; scene += 1) {
        await stage.publish(...['a', 'b'].map((name) => stage.event(name, `${scene}`, { scene: `${scene}` })));
        // One after the other, so that each takes signals of its own.
        await eventually(() => stage.requests().length > scene);
      }
      expect(stage.requests()).toHaveLength(80);
      expect((await stage.handle.describe()).runId).not.toBe(runId);
    });
  });
});
