/** `Retry-After` in milliseconds: a number of seconds, or an HTTP date. Undefined if absent or unreadable. */
export function parseRetryAfterMs(header: string | null | undefined, nowMs = Date.now()): number | undefined {
  if (header === null || header === undefined) return undefined;
  if (/^\s*\d+\s*$/.test(header)) return Number(header) * 1_000;
  const untilMs = Date.parse(header) - nowMs;
  return Number.isNaN(untilMs) ? undefined : Math.max(0, untilMs);
}
