/** Event sources: the scenarios of the tests. */
import { EVENT_SOURCE_SCENARIOS } from '../workflows/event-source/event-source-scenarios';
import { SourceStage } from '../workflows/event-source/source-stage';
import type { RecordedScenario } from './recorded-scenario';

export const RECORDED_EVENT_SOURCES = recordedEventSources(false);
export const CONTINUED_EVENT_SOURCES = recordedEventSources(true);

function recordedEventSources(continueAsNew: boolean): readonly RecordedScenario[] {
  return EVENT_SOURCE_SCENARIOS.map(({ name, run }) => ({
    name,
    play: async (world, keep) => {
      const stage = await SourceStage.open(world, continueAsNew);
      await run(stage);
      if (continueAsNew) await keep('source-first', stage.begun);
      await keep(continueAsNew ? 'source-last' : 'source', stage.handle);
      await stage.remove();
    },
  }));
}
