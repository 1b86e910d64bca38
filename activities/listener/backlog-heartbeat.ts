/** What the heartbeat says of the events that wait for a sensor: `sluice status` reads it. */
import type { SensorBacklog } from '../../src/bus/bus';
import { describeExpired } from '../../src/records/expired-record';

export interface BacklogHeartbeat {
  readonly waiting: number;
  /** RFC 3339: when the bus removes the first of them, handled or not. */
  readonly expiresAt?: string;
  /** The last events that it did remove unhandled. */
  readonly lost?: string;
}

export function toBacklogHeartbeat({ waiting, oldestAt, maxAgeMs, history }: SensorBacklog): BacklogHeartbeat {
  const last = history.at(-1);
  return {
    waiting,
    ...(oldestAt !== undefined && maxAgeMs > 0 && { expiresAt: new Date(oldestAt + maxAgeMs).toISOString() }),
    ...(last !== undefined && { lost: describeExpired(last) }),
  };
}
