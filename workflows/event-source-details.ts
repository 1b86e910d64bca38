/** What a person sees of an event source in the Temporal UI: one Markdown panel. Pure. */
import { asCode, asProse, describeFirst } from '../src/markdown-text';
import { showTime } from '../src/readable-times';
import { unreadFate } from '../src/sandbox/kinds/source-kinds';
import { describeUnread } from '../src/sources/source-events';
import { linkToWorkflow } from '../src/temporal-ui-links';
import { describePause, describeRefusals } from './accountable';
import { eventBusWorkflowId } from './identity';
import type { EventSourceDefinition, EventSourceStatus } from './messages';
import { HOW_TO_TRY_AT_ONCE } from './stopped-parts';

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
    ...(hasFailed ? [`Repair what has failed. ${HOW_TO_TRY_AT_ONCE}`, ''] : []),
    'How far each has read, and its backlog now: **Pending Activities**, in the heartbeat.',
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
