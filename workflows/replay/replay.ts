/** A replay: passes events on the bus through a sensor's current logic once more, portion by portion. */
import {
  continueAsNew,
  isCancellation,
  proxyActivities,
  setCurrentDetails,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow';
import type { SensorActivities } from '../../src/contract/activities';
import { describeReplay } from './replay-details';
import { replayProgressQuery, type ReplayInput, type ReplayProgress } from '../../src/contract/replay-messages';

const { sluiceReplayPortion } = proxyActivities<SensorActivities>({
  startToCloseTimeout: '30m',
  heartbeatTimeout: '10s',
  retry: { initialInterval: '500ms', maximumInterval: '30s' },
});

const NOTHING_YET: ReplayProgress = {
  state: 'Running',
  read: 0,
  matched: 0,
  fired: 0,
  joined: 0,
  skipped: 0,
  unmatched: 0,
  failed: 0,
  examples: [],
};

export async function replay(input: ReplayInput): Promise<ReplayProgress> {
  const { definition, request } = input;
  let progress = input.progress ?? NOTHING_YET;
  setHandler(replayProgressQuery, () => progress, { description: 'How far the replay has come' });
  const show = (): void => setCurrentDetails(describeReplay(definition, request, progress, workflowInfo().namespace));
  const replayId = workflowInfo().workflowId.split('/').at(-1) ?? '';
  while (progress.state === 'Running') {
    show();
    try {
      progress = await sluiceReplayPortion.executeWithOptions(
        { summary: `from position ${progress.nextSequence ?? request.fromSequence ?? 'where it begins'}` },
        [{ definition, request, replayId, progress }],
      );
    } catch (error) {
      progress = { ...progress, state: isCancellation(error) ? 'Cancelled' : 'Failed' };
      show();
      throw error;
    }
    if (progress.state === 'Running' && workflowInfo().continueAsNewSuggested) {
      await continueAsNew<typeof replay>({ definition, request, progress });
    }
  }
  show();
  return progress;
}
