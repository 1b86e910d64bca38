/** A Temporal namespace without Sluice's search attributes: no run can start there. */
import { runSluice } from '../cli/run-cli-for-test';
import { eventually } from '../setup/eventually';
import { openWorld, type SluiceWorld } from './sluice-world';
import { Stage } from './stage';
import { currentDetails } from './what-people-see';

const PATIENCE = { timeoutMs: 60_000 };

describe('a sensor in a Temporal namespace that is not prepared', () => {
  let world: SluiceWorld;
  let stage: Stage;
  beforeAll(async () => {
    world = await openWorld({ temporal: { own: true, headless: true, searchAttributes: [] } });
    stage = new Stage(world);
  });
  afterAll(async () => {
    await stage.remove();
    await world.close();
  });

  it('reports it, keeps the events on the bus, and continues once the namespace is prepared', async () => {
    await stage.apply({ triggers: [stage.httpTrigger('t', ['a'])] });
    await stage.publish(stage.event('a', '1'));
    // The listener makes this call before it learns that no run can be started, and no other until one can.
    await stage.bodies(1);
    await eventually(async () => ((await stage.status()).problems ?? []).length > 0, PATIENCE);
    expect((await stage.status()).problems).toEqual([expect.stringMatching(/search attribute.*`sluice setup`/)]);
    expect(await currentDetails(stage.handle)).toMatch(/\*\*Retried:\*\* events are returned to the bus.*sluice setup/);
    await stage.publish(stage.event('a', '2'));
    const bus = await stage.bus();
    await eventually(async () => ((await bus.position(stage.namespace, stage.sensor))?.waiting ?? 0) === 2, PATIENCE);
    expect(stage.requests()).toHaveLength(1);

    expect(await runSluice(['setup', '--address', world.temporalAddress])).toMatchObject({ exitCode: 0 });
    expect(await stage.bodies(2)).toEqual([{ a: '1' }, { a: '2' }]);
    await eventually(async () => (await stage.status()).problems === undefined, PATIENCE);
    expect(await currentDetails(stage.handle)).not.toContain('Retried');
    expect(stage.requests()).toHaveLength(2);
  }, 180_000);
});
