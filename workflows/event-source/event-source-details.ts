/** Details of an event source in the Temporal UI: one Markdown panel. Pure. */
import { asCode, asProse, describeFirst } from '../../src/text/markdown-text';
import { showTime } from '../../src/text/readable-times';
import { unreadFate } from '../../src/kinds/source-kinds';
import { describeUnread } from '../../src/contract/source-events';
import { linkToWorkflow } from '../../src/text/temporal-ui-links';
import { describeLastChange, describePause, describeRefusals } from '../../src/contract/operator-request';
import { eventBusWorkflowId } from '../../src/contract/identity';
import type { EventSourceDefinition } from '../../src/contract/definitions';
import type { EventSourceStatus } from '../../src/contract/event-source-messages';
import { HOW_TO_TRY_AT_ONCE } from '../../src/sandbox/sensor/stopped-parts';

type EventState = EventSourceStatus['events'][number];

const SHOWN_EVENTS = { values: 100, characters: 12_000 };

export function describeEventSource(
  { bus }: Pick<EventSourceDefinition, 'bus'>,
  status: EventSourceStatus,
  temporalNamespace: string,
): string {
  const { namespace, name, appliedAt, paused, events } = status;
  const hasFailed = events.some(({ state }) => state === 'Failed');
  return [
    `Event source **${namespace}/${name}**, applied ${showTime(appliedAt)}, to ${linkToWorkflow(temporalNamespace, eventBusWorkflowId(bus.namespace, bus.name))}`,
    ...describeLastChange(status.applied),
    ...(paused ? ['', describePause(paused)] : []),
    ...describeRefusals(status.refusals),
    '',
    ...describeFirst(
      events,
      SHOWN_EVENTS,
      describeEvent,
      (count) => `… and ${count} more events: query \`status\` has all.`,
    ),
    '',
    ...(hasFailed ? [`Correct the cause. ${HOW_TO_TRY_AT_ONCE}`, ''] : []),
    '**Pending Activities** show in their heartbeats how far each has read, and its backlog now.',
  ].join('\n');
}

function describeEvent({ name, kind, state, problem, backlog }: EventState): string {
  const fate = unreadFate(kind);
  return [
    `- **${state === 'NotSupported' ? 'Not supported' : state}** ${asCode(name)} · ${kind}`,
    ...(state === 'NotSupported' ? ['Sluice does not read this kind'] : []),
    ...(state === 'Paused' && fate !== undefined && fate !== 'wait' ? [describeUnread(fate)] : []),
    ...(state === 'Paused' && fate === 'wait' && backlog
      ? [`backlog ${backlog.isAtLeast ? 'at least ' : ''}${backlog.entries}, as of ${showTime(backlog.at)}`]
      : []),
    ...(problem === undefined ? [] : [asProse(problem, 600)]),
  ].join('<br>');
}
