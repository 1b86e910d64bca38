/** The record of events that the bus removed before their sensor handled them. Pure. */
import type { DecisionRecord, ExpiredRange } from './decision-record';

export function expiredRecord(
  sensor: { readonly namespace: string; readonly name: string },
  expired: ExpiredRange,
  at: Date,
): DecisionRecord {
  const { fromSequence, toSequence } = expired;
  return {
    at: at.toISOString(),
    // The events are gone, and their ids with them: the record is named by their positions.
    eventKey: `positions ${fromSequence}-${toSequence}`,
    eventId: `${fromSequence}-${toSequence}`,
    source: '-',
    subject: '-',
    namespace: sensor.namespace,
    sensor: sensor.name,
    decision: 'expired',
    reason: describeExpired(expired),
    expired,
  };
}

/** A sentence without its full stop. */
export function describeExpired(expired: ExpiredRange): string {
  const { fromSequence, toSequence, fromTime, toTime } = expired;
  const when = fromTime === undefined ? `before ${toTime}` : `from ${fromTime} to ${toTime}`;
  return (
    `${countExpired(expired)} (positions ${fromSequence} to ${toSequence}, published ${when}) left the bus before the ` +
    `sensor handled them: ${describeCause(expired.cause)}`
  );
}

function countExpired({ least, most }: ExpiredRange): string {
  if (least === most) return least === 1 ? '1 event' : `${least} events`;
  return least === 0 ? `up to ${most ?? 'an unknown number of'} events` : `at least ${least} events`;
}

function describeCause(cause: string): string {
  switch (cause) {
    case 'age':
      return "they became older than the stream's maxAge";
    case 'stream':
      return 'the stream was deleted';
    default:
      return 'they were pushed out by maxMsgs or maxBytes, or purged';
  }
}
