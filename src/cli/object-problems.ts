/** What is wrong with a source or sensor at this moment, and what to do about it: one line each. Pure. */
import type { EventSourceStatus, SensorStatus } from '../../workflows/messages';
import { describeStopped, HOW_TO_START_AGAIN } from '../../workflows/stopped-parts';
import type { PendingActivity } from './pending-activities';

export function sensorProblems(status: SensorStatus, activities: readonly PendingActivity[]): string[] {
  return [
    ...(status.stopped ?? []).map(describeStopped),
    ...(status.problems ?? []).map((problem) => `events go back to the bus and are tried again: ${problem}`),
    ...failingNow(activities),
  ];
}

export function sourceProblems(status: EventSourceStatus, activities: readonly PendingActivity[]): string[] {
  const failed = status.events.filter(({ state }) => state === 'Failed');
  return [
    ...failed.map(({ name, problem = 'unknown' }) => `event ${name} is not read: ${problem} ${HOW_TO_START_AGAIN}`),
    ...failingNow(activities),
  ];
}

/** Waits for its next attempt; a former failure of an activity that is at work is over. */
function failingNow(activities: readonly PendingActivity[]): string[] {
  return activities.flatMap(({ type, state, attempt, lastFailure }) =>
    state === 'scheduled' && attempt > 1 && lastFailure !== undefined
      ? [`${type} fails and is tried again, attempt ${attempt}: ${lastFailure}`]
      : [],
  );
}
