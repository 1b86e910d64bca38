/** Current problems of a source or sensor, and what to do about them: one line each. Pure. */
import type { EventSourceStatus } from '../../contract/event-source-messages';
import type { SensorStatus } from '../../contract/sensor-messages';
import { describeStopped, HOW_TO_TRY_AT_ONCE } from '../../sandbox/sensor/stopped-parts';
import { isAsWanted, type Condition } from './condition';
import { readReport } from './heartbeat-report';
import { describeBusProblem, describeUntaken, untakenFor } from './readers';
import type { PendingActivity } from '../pending-activities';

export function sensorProblems(
  status: SensorStatus,
  activities: readonly PendingActivity[],
  condition?: Condition,
): string[] {
  return withCondition(condition, [
    ...(status.stopped ?? []).map(describeStopped),
    ...(status.problems ?? []).map((problem) => `events are returned to the bus and retried: ${problem}`),
    ...failingNow(activities),
    ...busProblems(activities),
  ]);
}

export function sourceProblems(
  status: EventSourceStatus,
  activities: readonly PendingActivity[],
  condition?: Condition,
): string[] {
  const failed = status.events.filter(({ state }) => state === 'Failed');
  return withCondition(condition, [
    ...failed.map(({ name, problem = 'unknown' }) => `event ${name} is not read: ${problem} ${HOW_TO_TRY_AT_ONCE}`),
    ...failingNow(activities),
    ...busProblems(activities),
  ]);
}

/** Adds why it does not read, unless another problem has said so. */
function withCondition(condition: Condition | undefined, problems: string[]): string[] {
  const { state, reason } = condition ?? { state: 'Ready' };
  if (reason === undefined || problems.some((problem) => problem.includes(reason))) return problems;
  if (problems.length > 0 && (state === 'Failed' || state === 'Connecting')) return problems;
  return [isAsWanted({ state }) ? reason : `${state}: ${reason}`, ...problems];
}

/** As relays and listeners reported in their last heartbeat. */
function busProblems(activities: readonly PendingActivity[]): string[] {
  const found = activities.flatMap(({ heartbeat }) => {
    const { busProblem } = readReport(heartbeat);
    return busProblem === undefined ? [] : [describeBusProblem(busProblem)];
  });
  return [...new Set(found)];
}

/** Waits for its next attempt, or for a worker; the previous failure of a running activity is over. */
function failingNow(activities: readonly PendingActivity[]): string[] {
  const now = Date.now();
  return activities.flatMap((activity) => {
    const { type, state, attempt, lastFailure } = activity;
    const untaken = untakenFor(activity, now);
    if (untaken !== undefined) return [`${type}: ${describeUntaken(untaken)}`];
    return state === 'scheduled' && attempt > 1 && lastFailure !== undefined
      ? [`${type} fails and is retried, attempt ${attempt}: ${lastFailure}`]
      : [];
  });
}
