import { EVENT_SOURCE_SCENARIOS } from './event-source-scenarios';
import { openWorld, proposeContinueAsNewAfter, type SluiceWorld } from '../sluice-world';
import { SourceStage } from './source-stage';

describe('an event source that continues as new after every few events', () => {
  let world: SluiceWorld;
  beforeAll(async () => {
    world = await openWorld({ ...proposeContinueAsNewAfter(8), role: 'event-source' });
  });
  afterAll(() => world.close());

  it.each(EVENT_SOURCE_SCENARIOS)('$name', async ({ run }) => {
    const stage = await SourceStage.open(world, true);
    try {
      await run(stage);
    } finally {
      await stage.remove();
    }
  });
});
