/** A Temporal namespace without Sluice's search attributes: no run can start there. */
import { runSluice } from '../cli/run-cli-for-test';
import { eventually } from '../setup/eventually';
import { openWorld, type SluiceWorld } from './sluice-world';
import { Stage } from './stage';
import { currentDetails } from './what-people-see';

const PATIENCE = { timeoutMs: 60_000 };

describe('a sensor in a Temporal namespace that is not prepared', () => {
  let world: SluiceWorld;
  beforeAll(async () => {
    world = await openWorld({ temporal: { own: true, headless: true, searchAttributes: [] } });
  });
  afterAll(() => world.close());

  it('reports it, keeps the events on the bus, and continues once the namespace is prepared', async () => {
    const stage = new Stage(world);
    await stage.apply({ triggers: [stage.httpTrigger('t', ['a'])] });
    await stage.publish(stage.event('a', '1'));
    await eventually(async () => ((await stage.status()).problems ?? []).length > 0, PATIENCE);
    expect((await stage.status()).problems).toEqual([expect.stringMatching(/search attribute.*`sluice setup`/)]);
    expect(await currentDetails(stage.handle)).toMatch(/\*\*Retried:\*\* events are returned to the bus.*sluice setup/);
    expect(stage.requests()).toHaveLength(0);

    expect(await runSluice(['setup', '--address', world.temporalAddress])).toMatchObject({ exitCode: 0 });
    await eventually(() => stage.requests().length === 1, PATIENCE);
    await eventually(async () => (await stage.status()).problems === undefined, PATIENCE);
    expect(await currentDetails(stage.handle)).not.toContain('Retried');
  }, 180_000);
});
