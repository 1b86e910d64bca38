/** What an HTTP status means for a fire: done, try again, or give up. */

/** The other side is alive but cannot answer now: 408, 425, 429 and every 5xx except "not implemented". */
export function isPassingStatus(status: number): boolean {
  return status === 408 || status === 425 || status === 429 || (status >= 500 && status !== 501);
}

/** `Retry-After` in milliseconds: a number of seconds, or a date. Undefined when absent or unreadable. */
export function parseRetryAfterMs(header: string | undefined, nowMs = Date.now()): number | undefined {
  if (header === undefined) return undefined;
  if (/^\s*\d+\s*$/.test(header)) return Number(header) * 1_000;
  const untilMs = Date.parse(header) - nowMs;
  return Number.isNaN(untilMs) ? undefined : Math.max(0, untilMs);
}
