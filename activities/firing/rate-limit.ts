/**
 * `rateLimit`: an exact limit. 3 a minute allows 3 requests in any 60 seconds, wherever they begin.
 *
 * A sliding window, because a fixed window allows twice the limit around its edge, and a bucket allows its slack on top
 * (Argo Events: 11 in the first minute of "3 a minute"). An exact limit has to remember the last `requestsPerUnit`
 * times. Pure functions on plain JSON: the scope that counts together (one worker, a workflow, several workers through
 * a key-value store with compare-and-set) holds the state.
 */

export interface RateLimit {
  /** Default `Second`, as in Argo Events. */
  readonly unit?: 'Second' | 'Minute' | 'Hour';
  /** At least 1. */
  readonly requestsPerUnit: number;
}

/** Plain JSON; at most about 1,000 entries. */
export interface RateLimitState {
  /** Start of the last reserved request, in milliseconds since the epoch. */
  readonly lastStart: number;
  /** Starts that may still share a window with a new one, as [time, count] in ascending order. */
  readonly starts: ReadonlyArray<readonly [time: number, count: number]>;
}

export interface Reservation {
  readonly state: RateLimitState;
  /** How long to wait before the request may start; 0 means now. The place is reserved either way. */
  readonly waitMs: number;
}

const UNIT_MS = { Second: 1000, Minute: 60_000, Hour: 3_600_000 } as const;
/** Above this many requests per unit, starts are counted in slices of the window, to bound the state. */
const MAX_EXACT_STARTS = 1000;

export function createRateLimitState(): RateLimitState {
  return { lastStart: 0, starts: [] };
}

/**
 * Reserves the next free place. Waiting requests start in the order in which they reserved. Clocks of several workers
 * may differ: a time before the last reserved start counts as that start.
 */
export function reserve(limit: RateLimit, state: RateLimitState, now: number): Reservation {
  const windowMs = UNIT_MS[limit.unit ?? 'Second'];
  const earliest = Math.max(now, state.lastStart);
  const startOfPrevious = nthLatestStart(state, limit.requestsPerUnit);
  const start = startOfPrevious === undefined ? earliest : Math.max(earliest, startOfPrevious + windowMs);
  const slice = limit.requestsPerUnit > MAX_EXACT_STARTS ? windowMs / MAX_EXACT_STARTS : 1;
  // Rounded up: a slice can delay a request a little but never allows one too many.
  const recorded = Math.ceil(start / slice) * slice;
  const starts = withStart(state.starts, recorded, start - windowMs);
  return { state: { lastStart: start, starts }, waitMs: Math.max(0, start - now) };
}

/** Returns the start `count` places before the next one, which must be out of the window by then. */
function nthLatestStart({ starts }: RateLimitState, count: number): number | undefined {
  let left = count;
  for (let index = starts.length - 1; index >= 0; index -= 1) {
    const [time, requests] = starts[index] ?? [0, 0];
    left -= requests;
    if (left <= 0) return time;
  }
  return undefined;
}

/** Adds a start and removes those that can no longer share a window with a later request. */
function withStart(
  starts: RateLimitState['starts'],
  start: number,
  forgetUpTo: number,
): ReadonlyArray<readonly [number, number]> {
  const kept = starts.filter(([time]) => time > forgetUpTo);
  const last = kept.at(-1);
  return last?.[0] === start ? [...kept.slice(0, -1), [start, last[1] + 1]] : [...kept, [start, 1]];
}
