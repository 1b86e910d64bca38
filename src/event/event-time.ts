/** Times of brokers, in milliseconds since 1970, as text. Pure. */
import { goTime } from './go-time';

/** The end of the year 9999, the last that RFC 3339 can write. */
const LAST_MS = 253_402_300_799_999;
export const GO_ZERO_TIME = '0001-01-01 00:00:00 +0000 UTC';

/** Returns undefined for a time that is missing (0 or less) or that RFC 3339 cannot write. */
export function eventTimeOf(ms: number): string | undefined {
  return ms > 0 && ms <= LAST_MS ? new Date(ms).toISOString() : undefined;
}

/** Returns undefined before 1970 and beyond the year 9999. */
export function goTimeOf(ms: number): string | undefined {
  return ms >= 0 && ms <= LAST_MS ? goTime(new Date(ms).toISOString()) : undefined;
}
