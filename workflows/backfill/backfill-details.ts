/** Details of a back-fill in the Temporal UI: one Markdown panel. Pure. */
import type { BackfillStatus } from '../../src/contract/backfill-messages';
import type { ObjectName } from '../../src/contract/definitions';
import { eventSourceWorkflowId } from '../../src/contract/identity';
import { paceOf } from '../../src/sandbox/backfill/backfill-pace';
import { asCode, asProse } from '../../src/text/markdown-text';
import { showDuration, showTime } from '../../src/text/readable-times';
import { describeRequester } from '../../src/text/requester-name';
import { linkToWorkflow } from '../../src/text/temporal-ui-links';

export function describeBackfill(source: ObjectName, status: BackfillStatus, temporalNamespace: string): string {
  const { state, request, found, published, duplicates, filtered, rejected, matched, doneTo, activeMs } = status;
  const { share, perSecond, remainingMs } = paceOf(status);
  const facts = [
    `**${state}**`,
    `${Math.floor(share * 100)} %${matched === undefined ? '' : ` of ${matched} items`}`,
    `complete up to ${showTime(doneTo)}`,
    ...(perSecond === undefined ? [] : [`${perSecond} items/s`]),
    ...(remainingMs === undefined || status.isComplete ? [] : [`about ${showDuration(remainingMs)} left`]),
    `${showDuration(activeMs)} so far`,
  ];
  const columns = ['found', 'published', 'on the bus before', 'filtered', 'rejected'];
  return [
    `Back-fill of ${linkToWorkflow(temporalNamespace, eventSourceWorkflowId(source.namespace, source.name))}, event ${asCode(request.eventName)}, by ${asProse(describeRequester(request.by))}: ${asProse(request.why)}`,
    '',
    facts.join(' · '),
    '',
    `Items acquired from ${showTime(request.from)} to ${showTime(request.to)}${request.rate === undefined ? '' : `, at most ${request.rate} events/s`}.`,
    '',
    `| ${columns.join(' | ')} |`,
    `|${'---|'.repeat(columns.length)}`,
    `| ${[found, published, duplicates, filtered, rejected].join(' | ')} |`,
    '',
    ...describeControls(status).flatMap((line) => [line, '']),
    // The UI cuts off the last lines of a list unless something follows it.
    ...['', '<br>'],
  ].join('\n');
}

function describeControls({ waitsFor, paused, cancelled, refusals = [] }: BackfillStatus): readonly string[] {
  return [
    ...(waitsFor === undefined ? [] : [`Waits: ${asProse(waitsFor)}`]),
    ...(paused === undefined
      ? []
      : [`Paused since ${showTime(paused.since)} by ${asProse(describeRequester(paused.by))}: ${asProse(paused.why)}`]),
    ...(cancelled === undefined
      ? []
      : [
          `Cancelled ${showTime(cancelled.at)} by ${asProse(describeRequester(cancelled.by))}: ${asProse(cancelled.why)}`,
        ]),
    ...refusals.map((refusal) => `Rejected request: ${asProse(refusal)}`),
  ];
}
