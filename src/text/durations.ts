/** Durations as written in manifests. Pure: every stage and the workflows read them here. */

const UNIT_MS: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  μs: 1e-3,
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
};
const DAY_MS = 24 * 3_600_000;
const TERM = /(\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h|d)/gy;

/** Milliseconds of a Go duration (`90s`, `1h30m`, `1.5h`), or undefined if the text is not one. */
export function parseGoDurationMs(text: string): number | undefined {
  return parseTerms(text, UNIT_MS);
}

/** As a Go duration, with days too: `7d`, `1d12h`. For our own annotations and commands. */
export function parseDurationMs(text: string): number | undefined {
  return parseTerms(text, { ...UNIT_MS, d: DAY_MS });
}

/**
 * Milliseconds of a duration as `retryStrategy.duration` writes it: an integer of nanoseconds or a Go duration. A
 * string of digits is rejected as in Argo Events, where it has no unit.
 */
export function parseNanosecondsOrDurationMs(value: number | string): number | undefined {
  return typeof value === 'number' ? value / 1e6 : parseGoDurationMs(value);
}

function parseTerms(text: string, units: Readonly<Record<string, number>>): number | undefined {
  if (text === '0' || text === '+0' || text === '-0') return 0;
  const sign = text.startsWith('-') ? -1 : 1;
  const body = text.replace(/^[+-]/, '');
  if (body === '') return undefined;
  let total = 0;
  let position = 0;
  while (position < body.length) {
    TERM.lastIndex = position;
    const match = TERM.exec(body);
    const unit = match?.[2] === undefined ? undefined : units[match[2]];
    if (match === null || unit === undefined) return undefined;
    total += Number(match[1]) * unit;
    position = TERM.lastIndex;
  }
  return sign * total;
}
