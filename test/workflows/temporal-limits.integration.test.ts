/** Each of Temporal's limits, set low enough to be reached here; docs/architecture.md lists what happens at them. */
import { eventually } from '../setup/eventually';
import { openWorld, type SluiceWorld } from './sluice-world';
import { Stage } from './stage';

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
  it('parks a flood of events without partners and fires every pair that comes, though few children may be open', async () => {
    await inWorldWith({ 'limit.numPendingChildExecutions.error': '20' }, async (stage, world) => {
      const flood = 1_400;
      await stage.apply({
        annotations: BY_SCENE,
        dependencies: ['a', 'b'],
        triggers: [stage.httpTrigger('t', ['a', 'b'])],
      });
      const events = (dependency: string) =>
        Array.from({ length: flood }, (_, scene) => stage.event(dependency, `${scene}`, { scene: `${scene}` }));
      await world.bus.publishEvents(events('a'));
      // A trigger holds 1,000 events of a dependency: the oldest of the others wait for a person.
      await eventually(async () => (await stage.runIds('Parked')).length === flood - 1_000, { timeoutMs: 120_000 });
      await world.bus.publishEvents(events('b'));
      const expected = Array.from({ length: 1_000 }, (_, at) => `${flood - 1_000 + at}`).map((a) => ({ a, b: a }));
      const bodies = await eventually(() => stage.requests().length >= 1_000 && stage.requests(), {
        timeoutMs: 120_000,
      });
      expect(bodies.map(({ body }) => JSON.stringify(body)).sort()).toEqual(
        expected.map((body) => JSON.stringify(body)).sort(),
      );
      const { raw } = await stage.handle.describe();
      expect(raw.pendingChildren ?? []).toEqual([]);
    });
  });
});
