/** What happened to an event at one step, recorded for `sluice explain`. Pure. */
import { eventKey, type CloudEvent } from '../event/cloud-event';
import { isJsonObject } from '../event/json';

/**
 * - `fired`: one or more triggers were started with it.
 * - `joined`: it satisfied a dependency of a trigger that waits for others.
 * - `filtered`: a filter did not match; `clause` and `reason` say which and why.
 * - `failed`: a filter, transform or parameter could not be evaluated; without `sensor`: the item that the event links to
 *   could not be fetched, and the event went on without it.
 * - `unmatched`: no dependency of the sensor asks for it.
 * - `rejected`: it never became an event (not JSON, larger than the bus accepts, not a CloudEvent).
 * - `discarded`: it waited for others, and was replaced or dropped before they arrived.
 * - `duplicate`: it arrived again although it was known already; no effect.
 * - `expired`: the bus removed it before the sensor handled it. Names a range of positions, as the events are gone.
 */
export const DECISIONS = [
  'fired',
  'joined',
  'filtered',
  'failed',
  'unmatched',
  'rejected',
  'discarded',
  'duplicate',
  'expired',
] as const;
export type Decision = (typeof DECISIONS)[number];

/** True if this version can read the record; other programs may write to the bus too. */
export function isDecisionRecord(value: unknown): value is DecisionRecord {
  if (!isJsonObject(value)) return false;
  const texts = [value.at, value.eventKey, value.eventId, value.source, value.subject, value.namespace];
  return texts.every((text) => typeof text === 'string') && DECISIONS.some((decision) => decision === value.decision);
}

export interface DecisionRecord {
  /** RFC 3339. */
  readonly at: string;
  readonly eventKey: string;
  readonly eventId: string;
  /** Event source and event name, as in the CloudEvent. */
  readonly source: string;
  readonly subject: string;
  /** Position of the event on the bus. */
  readonly sequence?: number;
  readonly namespace: string;
  /** The sensor that decided; absent if the event source decided. */
  readonly sensor?: string;
  readonly eventSource?: string;
  readonly decision: Decision;
  readonly dependency?: string;
  readonly triggers?: readonly string[];
  readonly runId?: string;
  /** How the object of a fire ended that was continued, as by `argo retry`, after its run had ended. */
  readonly outcome?: { readonly fireId: string; readonly phase: string };
  /** The filter that did not match, as a path in the manifest. */
  readonly clause?: string;
  readonly reason?: string;
  readonly code?: string;
  readonly expired?: ExpiredRange;
}

/** Events that the bus removed before their sensor handled them. */
export interface ExpiredRange {
  /** Inclusive sequences that span all of them, besides events that were handled or were not for this sensor. */
  readonly fromSequence: number;
  readonly toSequence: number;
  /** The number that is certain. */
  readonly least: number;
  /** The largest possible number; absent if unknown. */
  readonly most?: number;
  /** RFC 3339: the events were published between these two times. */
  readonly fromTime?: string;
  readonly toTime: string;
  readonly cause: string;
}

/** The latest outcome that was recorded for a fire after its run had ended. */
export function lateOutcomeOf(
  records: readonly DecisionRecord[],
  runId: string,
  fireId: string,
): DecisionRecord['outcome'] {
  return records.findLast((record) => record.runId === runId && record.outcome?.fireId === fireId)?.outcome;
}

/** The fields of a record that identify its event. */
export function nameEvent(
  event: Pick<CloudEvent, 'id' | 'source' | 'subject'>,
): Pick<DecisionRecord, 'eventKey' | 'eventId' | 'source' | 'subject'> {
  return { eventKey: eventKey(event), eventId: event.id, source: event.source, subject: event.subject };
}
