import { openWorld, proposeContinueAsNewAfter, type SluiceWorld } from '../sluice-world';
import { BACKFILL_SCENARIOS } from './backfill-scenarios';
import { BackfillStage } from './backfill-stage';

describe('a back-fill that continues as new after every few events', () => {
  let world: SluiceWorld;
  beforeAll(async () => {
    world = await openWorld({ ...proposeContinueAsNewAfter(8), role: 'event-source', maxCachedWorkflows: 0 });
  });
  afterAll(() => world?.close());

  it.each(BACKFILL_SCENARIOS)('$name', async ({ run }) => {
    const stage = await BackfillStage.open(world);
    try {
      await run(stage);
    } finally {
      await stage.remove();
    }
  });
});
