import { openWorld, type SluiceWorld } from '../sluice-world';
import { BACKFILL_SCENARIOS } from './backfill-scenarios';
import { BackfillStage } from './backfill-stage';

describe('a back-fill', () => {
  let world: SluiceWorld;
  beforeAll(async () => {
    world = await openWorld({ role: 'event-source' });
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
