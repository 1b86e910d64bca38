/** Details of a replay in the Temporal UI: one Markdown panel. Pure. */
import { asCode, asProse, describeFirst } from '../../src/text/markdown-text';
import { showTime } from '../../src/text/readable-times';
import { linkToWorkflow } from '../../src/text/temporal-ui-links';
import { sensorWorkflowId } from '../../src/contract/identity';
import type { ObjectName } from '../../src/contract/definitions';
import { describeReplayLimits, type ReplayProgress, type ReplayRequest } from '../../src/contract/replay-messages';
import { describeRequester } from '../../src/text/requester-name';

const SHOWN_EXAMPLES = { values: 20, characters: 6_000 };

export function describeReplay(
  sensor: ObjectName,
  request: ReplayRequest,
  progress: ReplayProgress,
  temporalNamespace: string,
): string {
  const { state, read, matched, fired, joined, skipped, unmatched, failed, nextSequence, lastSequence } = progress;
  // Events after the last one of the sensor are not read, so the end is not at the last position.
  const position =
    lastSequence === undefined || state === 'Completed' ? '' : ` · position ${nextSequence ?? '?'} of ${lastSequence}`;
  const columns = [
    'read',
    'matched',
    request.dryRun ? 'would fire' : 'fired',
    ...['to joined triggers', 'fired before', 'unmatched', 'failed'],
  ];
  return [
    `Replay through ${linkToWorkflow(temporalNamespace, sensorWorkflowId(sensor.namespace, sensor.name))} by ${asProse(describeRequester(request.by))}: ${asProse(request.why)}`,
    '',
    `**${state}**${position}`,
    '',
    `Events ${describeRange(request)}; ${describeMode(request)}.`,
    '',
    `| ${columns.join(' | ')} |`,
    `|${'---|'.repeat(columns.length)}`,
    `| ${[read, matched, fired, joined, skipped, unmatched, failed].join(' | ')} |`,
    '',
    ...describeReplayLimits(progress).flatMap((limit) => [limit, '']),
    ...describeFirst(
      progress.examples,
      SHOWN_EXAMPLES,
      ({ eventKey, triggers }) => `- ${asCode(eventKey)} → ${asProse(triggers.join(', '))}`,
      () => 'These are the first.',
    ),
    // The UI cuts off the last lines of a list unless something follows it.
    ...['', '<br>'],
  ].join('\n');
}

function describeRange({ from, to, fromSequence, toSequence }: ReplayRequest): string {
  if (fromSequence !== undefined || toSequence !== undefined) {
    return `at positions ${fromSequence ?? 'first'} to ${toSequence ?? 'the last'}`;
  }
  if (from === undefined && to === undefined) return 'that the bus keeps';
  return `from ${from === undefined ? 'the first' : showTime(from)} to ${to === undefined ? 'the last' : showTime(to)}`;
}

function describeMode({ dryRun, again }: ReplayRequest): string {
  const what = again ? 'also events that fired before' : 'only events that never fired';
  return dryRun ? `dry run, nothing is fired (${what})` : what;
}
