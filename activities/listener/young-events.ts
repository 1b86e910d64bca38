import type { CloudEvent } from '../../src/event/cloud-event';

/** Far less than the shortest life of an object that the listener makes (`firstAttemptOf`). */
const YOUNG_FOR_MS = 60_000;
const STREAM_ENTRY = /:(\d{1,15})-\d+$/;

/**
 * True if an object that a run of this event has made cannot be gone yet, because the event did not exist a minute ago:
 * Redis writes the time into the id of a stream entry. A clock that is wrong, an id that a producer chose, and any other
 * kind of source make it false.
 */
export function isYoung({ type, id }: Pick<CloudEvent, 'type' | 'id'>, now: number): boolean {
  const [, createdAt] = (type === 'redisStream' && STREAM_ENTRY.exec(id)) || [];
  return createdAt !== undefined && Math.abs(now - Number(createdAt)) < YOUNG_FOR_MS;
}
