/** The state of a source or sensor in one word, as observed rather than as requested. Pure. */
import type { EventSourceStatus } from '../../contract/event-source-messages';
import type { SensorStatus } from '../../contract/sensor-messages';
import { describeStopped } from '../../sandbox/sensor/stopped-parts';
import type { PendingActivity } from '../pending-activities';
import { describeEnd, type ExecutionEnd } from './execution-end';
import { readReport } from './heartbeat-report';
import { judgeReader, worstReader, type Reader } from './readers';

export type ConditionState =
  /** Its readers have reported within the last seconds that they read. */
  | 'Ready'
  /** Its readers have not reported yet. */
  | 'Connecting'
  | 'NotReady'
  /** The last report is too old to be meaningful. */
  | 'Stale'
  | 'Paused'
  /** A part of it has stopped until an operator repairs the cause. */
  | 'Failed'
  /** No worker polls its task queue. */
  | 'NoWorker'
  /** Its workflow was ended by something other than `sluice delete`. */
  | 'Gone';

export interface Condition {
  readonly state: ConditionState;
  /** Why it does not work; if it is ready, what is degraded. */
  readonly reason?: string;
}

/** An event of a source as it is observed; `Reading` only while its relay reports so. */
export type ObservedEvent = Omit<EventSourceStatus['events'][number], 'state'> & {
  readonly state: EventSourceStatus['events'][number]['state'] | Exclude<Reader['state'], 'Ready'>;
};

/** True if it works, or is paused by an operator. */
export function isAsWanted({ state }: Condition): boolean {
  return state === 'Ready' || state === 'Paused';
}

export function goneCondition(end: ExecutionEnd): Condition {
  return { state: 'Gone', reason: `${describeEnd(end)}; apply it again, or sluice delete it` };
}

export function noWorkerCondition(taskQueue: string): Condition {
  return { state: 'NoWorker', reason: `no worker polls task queue "${taskQueue}"` };
}

/** A bus carries events also while its stream has other settings than its manifest. */
export function streamCondition(differences: readonly string[]): Condition {
  if (differences.length === 0) return { state: 'Ready' };
  return { state: 'Ready', reason: `its stream differs from the manifest: ${differences.join('. ')}` };
}

export function sensorCondition(
  status: SensorStatus,
  listeners: number,
  activities: readonly PendingActivity[],
  now: number,
): Condition {
  const [stopped] = status.stopped ?? [];
  if (stopped) return { state: 'Failed', reason: describeStopped(stopped) };
  if (status.paused) return { state: 'Paused' };
  const readers = activities.filter(({ type }) => type === 'sluiceListen').map((found) => judgeReader(found, now));
  return worstReader(readers, listeners);
}

export function sourceCondition(status: EventSourceStatus, events: readonly ObservedEvent[]): Condition {
  const failed = events.find(({ state }) => state === 'Failed');
  if (failed) return { state: 'Failed', reason: `${failed.name}: ${failed.problem ?? 'failed'}` };
  if (status.paused) return { state: 'Paused' };
  return worstReader(events.flatMap(readerOf));
}

/** Returns the workflow's state of each event, corrected by its relay's reports. */
export function withRelayReports(
  events: EventSourceStatus['events'],
  activities: readonly PendingActivity[],
  now: number,
): readonly ObservedEvent[] {
  const relays = activities.filter(({ type }) => type === 'sluiceRelayEvents');
  const byEvent = new Map(relays.map((relay) => [readReport(relay.heartbeat).event, relay]));
  // Until its first heartbeat a relay does not report which event it reads.
  const unnamed = relays.filter(({ heartbeat }) => readReport(heartbeat).event === undefined);
  return events.map((event): ObservedEvent => {
    if (event.state !== 'Reading') return event;
    const relay = byEvent.get(event.name) ?? unnamed.shift();
    const { state, reason } = relay ? judgeReader(relay, now) : worstReader([], 1);
    return {
      ...event,
      state: state === 'Ready' ? 'Reading' : state,
      ...(reason !== undefined && { problem: reason }),
    };
  });
}

function readerOf({ name, state, problem }: ObservedEvent): readonly Reader[] {
  switch (state) {
    case 'Failed':
    case 'Paused':
    case 'NotSupported':
      return [];
    case 'Reading':
    case 'Connecting':
    case 'NotReady':
    case 'Stale':
      return [
        {
          state: state === 'Reading' ? 'Ready' : state,
          ...(problem !== undefined && { reason: `${name}: ${problem}` }),
        },
      ];
  }
}
