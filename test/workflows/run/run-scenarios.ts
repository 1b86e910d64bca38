import type { Scenario } from '../sensor/sensor-scenarios';
import { openWorld, type SluiceWorld, type WorldOptions } from '../sluice-world';
import { Stage, type StageOptions } from '../stage';

/** Declares one test for each scenario, all in one world. */
export function testScenarios(
  scenarios: readonly Scenario[],
  worldOptions: WorldOptions = {},
  stageOptions: StageOptions = {},
): void {
  let world: SluiceWorld;
  beforeAll(async () => {
    world = await openWorld(worldOptions);
  });
  afterAll(() => world.close());

  for (const scenario of scenarios) {
    it(scenario.name, async () => {
      const stage = new Stage(world, stageOptions);
      try {
        await scenario.run(stage);
      } finally {
        await stage.remove();
      }
    });
  }
}
