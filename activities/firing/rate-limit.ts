/**
 * `rateLimit`: an exact limit. 3 a minute lets 3 through in any 60 seconds, wherever the 60 seconds begin.
 *
 * A sliding window, because a fixed one lets twice the limit through around its edge, and a bucket lets its slack
 * through on top (Argo Events: 11 in the first minute of "3 a minute"). Exactness costs remembering the last
 * `requestsPerUnit` times. Pure functions on plain JSON: whoever must count together (one worker, a workflow, several
 * workers through a key-value store with compare-and-set) holds the state.
 */

export interface RateLimit {
  /** Default `Second`, as in Argo Events. */
  readonly unit?: 'Second' | 'Minute' | 'Hour';
  /** At least 1. */
  readonly requestsPerUnit: number;
}

/** Plain JSON; never more than about 1,000 entries. */
export interface RateLimitState {
  /** When the last reserved request starts, in milliseconds since 1970. */
  readonly lastStart: number;
  /** Starts that may still share a window with a new one, as [time, how many] in ascending order. */
  readonly starts: ReadonlyArray<readonly [time: number, count: number]>;
}

export interface Reservation {
  readonly state: RateLimitState;
  /** How long to wait before the request may start; 0 means now. The place is taken either way. */
  readonly waitMs: number;
}

const UNIT_MS = { Second: 1000, Minute: 60_000, Hour: 3_600_000 } as const;
/** Above so many requests per unit, starts are counted in slices of the window, to bound the state. */
const MAX_EXACT_STARTS = 1000;

export function createRateLimitState(): RateLimitState {
  return { lastStart: 0, starts: [] };
}

/**
 * Takes the next free place. Waiting requests are served in the order in which they reserved. Clocks of several
 * workers may differ: a time before the last reserved start counts as that start.
 */
export function reserve(limit: RateLimit, state: RateLimitState, now: number): Reservation {
  const windowMs = UNIT_MS[limit.unit ?? 'Second'];
  const earliest = Math.max(now, state.lastStart);
  const startOfPrevious = nthLatestStart(state, limit.requestsPerUnit);
  const start = startOfPrevious === undefined ? earliest : Math.max(earliest, startOfPrevious + windowMs);
  const slice = limit.requestsPerUnit > MAX_EXACT_STARTS ? windowMs / MAX_EXACT_STARTS : 1;
  // Rounded up, so that a slice can delay a request a little but never lets one too many through.
  const recorded = Math.ceil(start / slice) * slice;
  const starts = withStart(state.starts, recorded, start - windowMs);
  return { state: { lastStart: start, starts }, waitMs: Math.max(0, start - now) };
}

/** The start that is `count` places back from the next one: the window must have left it behind. */
function nthLatestStart({ starts }: RateLimitState, count: number): number | undefined {
  let left = count;
  for (let index = starts.length - 1; index >= 0; index -= 1) {
    const [time, requests] = starts[index] ?? [0, 0];
    left -= requests;
    if (left <= 0) return time;
  }
  return undefined;
}

/** Adds a start and forgets those that no later request can share a window with. */
function withStart(
  starts: RateLimitState['starts'],
  start: number,
  forgetUpTo: number,
): ReadonlyArray<readonly [number, number]> {
  const kept = starts.filter(([time]) => time > forgetUpTo);
  const last = kept.at(-1);
  return last?.[0] === start ? [...kept.slice(0, -1), [start, last[1] + 1]] : [...kept, [start, 1]];
}
