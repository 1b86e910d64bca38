/** A replay: events that lie on the bus go through a sensor's present logic once more, portion by portion. */
import { proxyActivities, setCurrentDetails, setHandler, workflowInfo } from '@temporalio/workflow';
import type { SensorActivities } from '../activities/contracts';
import { replayProgressQuery, type ReplayProgress, type ReplayRequest, type SensorDefinition } from './messages';

export interface ReplayInput {
  /** The sensor as it was when the replay began. */
  readonly definition: SensorDefinition;
  readonly request: ReplayRequest;
}

const { sluiceReplayPortion } = proxyActivities<SensorActivities>({
  startToCloseTimeout: '5m',
  heartbeatTimeout: '30s',
  retry: { maximumInterval: '30s' },
});

export async function replay({ definition, request }: ReplayInput): Promise<ReplayProgress> {
  let progress: ReplayProgress = {
    state: 'Running',
    read: 0,
    matched: 0,
    fired: 0,
    skipped: 0,
    unmatched: 0,
    failed: 0,
    examples: [],
  };
  setHandler(replayProgressQuery, () => progress, { description: 'How far the replay has come' });
  const replayId = workflowInfo().workflowId.split('/').at(-1) ?? '';
  while (progress.state === 'Running') {
    setCurrentDetails(describe(definition, request, progress));
    progress = await sluiceReplayPortion({ definition, request, replayId, progress });
  }
  setCurrentDetails(describe(definition, request, progress));
  return progress;
}

function describe(definition: SensorDefinition, request: ReplayRequest, progress: ReplayProgress): string {
  const { read, matched, fired, skipped, unmatched, failed, nextSequence, lastSequence } = progress;
  return [
    `Replay through sensor **${definition.namespace}/${definition.name}** by ${request.by}: ${request.why}`,
    '',
    `**${progress.state}** ${nextSequence ?? ''}${lastSequence === undefined ? '' : ` of ${lastSequence}`}${request.dryRun ? ', dry run: nothing is fired' : ''}`,
    '',
    `| read | matched | ${request.dryRun ? 'would fire' : 'fired'} | fired before | unmatched | failed |`,
    '|---|---|---|---|---|---|',
    `| ${read} | ${matched} | ${fired} | ${skipped} | ${unmatched} | ${failed} |`,
    '',
    ...progress.examples.slice(0, 20).map(({ eventKey, triggers }) => `- \`${eventKey}\` → ${triggers.join(', ')}`),
  ].join('\n');
}
