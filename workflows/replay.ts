/** A replay: events that lie on the bus go through a sensor's present logic once more, portion by portion. */
import { continueAsNew, proxyActivities, setCurrentDetails, setHandler, workflowInfo } from '@temporalio/workflow';
import type { SensorActivities } from '../activities/contracts';
import { replayProgressQuery, type ReplayProgress, type ReplayRequest, type SensorDefinition } from './messages';

export interface ReplayInput {
  /** The sensor as it was when the replay began. */
  readonly definition: SensorDefinition;
  readonly request: ReplayRequest;
  /** Handed on by continue-as-new. */
  readonly progress?: ReplayProgress;
}

const { sluiceReplayPortion } = proxyActivities<SensorActivities>({
  startToCloseTimeout: '30m',
  heartbeatTimeout: '10s',
  retry: { initialInterval: '500ms', maximumInterval: '30s' },
});

const SHOWN_EXAMPLES = 20;
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
  const replayId = workflowInfo().workflowId.split('/').at(-1) ?? '';
  while (progress.state === 'Running') {
    setCurrentDetails(describe(definition, request, progress));
    progress = await sluiceReplayPortion({ definition, request, replayId, progress });
    if (progress.state === 'Running' && workflowInfo().continueAsNewSuggested) {
      await continueAsNew<typeof replay>({ definition, request, progress });
    }
  }
  setCurrentDetails(describe(definition, request, progress));
  return progress;
}

function describe(definition: SensorDefinition, request: ReplayRequest, progress: ReplayProgress): string {
  const { read, matched, fired, joined, skipped, unmatched, failed, nextSequence, lastSequence } = progress;
  const position = lastSequence === undefined ? '' : ` · position ${nextSequence ?? ''} of ${lastSequence}`;
  const columns = [
    'read',
    'matched',
    request.dryRun ? 'would fire' : 'fired',
    ...['to joined triggers', 'fired before', 'unmatched', 'failed'],
  ];
  return [
    `Replay through sensor **${definition.namespace}/${definition.name}** by ${request.by}: ${request.why}`,
    '',
    `**${progress.state}**${position}${request.dryRun ? ' · dry run, nothing is fired' : ''}`,
    '',
    `| ${columns.join(' | ')} |`,
    `|${'---|'.repeat(columns.length)}`,
    `| ${[read, matched, fired, joined, skipped, unmatched, failed].join(' | ')} |`,
    '',
    ...progress.examples
      .slice(0, SHOWN_EXAMPLES)
      .map(({ eventKey, triggers }) => `- \`${eventKey}\` → ${triggers.join(', ')}`),
  ].join('\n');
}
