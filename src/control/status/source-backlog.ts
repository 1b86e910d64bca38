/** Events that wait outside of an event source, from the latest report of its activities or its workflow. */
import { unreadFate, type UnreadFate } from '../../kinds/source-kinds';
import { describeUnread } from '../../contract/source-events';
import type { EventBacklog } from '../../contract/event-source-messages';
import { ageOf } from '../../text/ages';
import type { ObservedEvent } from './condition';
import type { PendingActivity } from '../pending-activities';
import { readReport } from './heartbeat-report';

/** `unread`: the fate of events that arrive while there is no reader. */
export type EventWithFate = ObservedEvent & { readonly unread?: UnreadFate };

export function withBacklogs(
  events: readonly ObservedEvent[],
  activities: readonly PendingActivity[],
): readonly EventWithFate[] {
  // Of relays, and of the watches of a paused source.
  const reports = activities.map(({ heartbeat }) => readReport(heartbeat));
  return events.map(({ backlog: reported, ...event }) => {
    const unread = unreadFate(event.kind);
    const told = reports.findLast((report) => report.event === event.name && report.backlog)?.backlog;
    const backlog = reported && told ? later(reported, told) : (told ?? reported);
    return { ...event, ...(unread && { unread }), ...(backlog && { backlog }) };
  });
}

/** For a cell of a table. */
export function describeBacklog({ state, unread, backlog }: EventWithFate): string {
  if (backlog) {
    const { entries, pending, isAtLeast, at } = backlog;
    const unconfirmed = pending > 0 ? ` (${pending} read, not confirmed)` : '';
    return `${isAtLeast ? 'at least ' : ''}${entries}${unconfirmed}, ${ageOf(at)} ago`;
  }
  return state === 'Paused' && unread !== undefined && unread !== 'wait' ? describeUnread(unread) : '-';
}

function later(one: EventBacklog, other: EventBacklog): EventBacklog {
  return one.at > other.at ? one : other;
}
