/** Heartbeat details about the events that wait for a sensor, read by `sluice status`. */
import type { SensorBacklog } from '../../src/bus/bus';
import { describeExpired } from '../../src/records/expired-record';

export interface BacklogHeartbeat {
  readonly waiting: number;
  /** RFC 3339: when the bus removes the first of these events, handled or not. */
  readonly expiresAt?: string;
  /** The latest events that the bus removed unhandled. */
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
