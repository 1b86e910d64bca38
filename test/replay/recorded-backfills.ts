/** Back-fills: one that waits and runs to its end, one that is paused, resumed and cancelled. */
import { BackfillStage } from '../workflows/backfill/backfill-stage';
import type { RecordedScenario } from './recorded-scenario';

interface Scenario {
  readonly name: string;
  readonly run: (stage: BackfillStage) => Promise<void>;
}

const BY = { by: 'ann', why: 'recorded' };

const SCENARIOS: readonly Scenario[] = [
  {
    name: 'a back-fill that waits for its API and runs to its end',
    run: async (stage) => {
      stage.putScenes(100);
      let isBusy = true;
      stage.api.fault = () => (isBusy ? { status: 429, headers: { 'retry-after': '3600' }, body: {} } : undefined);
      await stage.start({}, { limit: 50 });
      await stage.until(({ state }) => state === 'Waiting');
      isBusy = false;
      await stage.handle.signal('pause', BY);
      await stage.until(({ state }) => state === 'Paused');
      await stage.handle.signal('resume', BY);
      expect(await stage.handle.result()).toMatchObject({ state: 'Completed', published: 100 });
    },
  },
  {
    name: 'a back-fill that is paused, resumed and cancelled',
    run: async (stage) => {
      await stage.startHalf();
      await stage.handle.signal('pause', BY);
      await stage.until(({ state }) => state === 'Paused');
      await stage.handle.signal('resume', BY);
      await stage.until(({ state }) => state === 'Running');
      await stage.handle.signal('cancel', BY);
      expect(await stage.handle.result()).toMatchObject({ state: 'Cancelled', cancelled: BY });
    },
  },
];

export const RECORDED_BACKFILLS = recordedBackfills(false);
export const CONTINUED_BACKFILLS = recordedBackfills(true);

function recordedBackfills(continueAsNew: boolean): readonly RecordedScenario[] {
  return SCENARIOS.map(({ name, run }) => ({
    name,
    play: async (world, keep) => {
      const stage = await BackfillStage.open(world);
      try {
        await run(stage);
        if (continueAsNew) {
          expect((await stage.handle.describe()).runId).not.toBe((await stage.begun.describe()).runId);
          await keep('backfill-first', stage.begun);
        }
        await keep(continueAsNew ? 'backfill-last' : 'backfill', stage.handle);
      } finally {
        await stage.remove();
      }
    },
  }));
}
