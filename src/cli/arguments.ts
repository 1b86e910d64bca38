/** Parses option values. Each function throws commander's own error, so that the message names the option. */
import { InvalidArgumentError } from 'commander';
import { parseDurationMs } from '../text/durations';

/** Parses `30s`, `5m`, `1h30m`, `7d` into milliseconds, never negative. */
export function parseDuration(text: string): number {
  const milliseconds = parseDurationMs(text);
  if (milliseconds === undefined || milliseconds < 0) {
    throw new InvalidArgumentError('Expected a duration such as 30s, 5m, 1h30m or 7d.');
  }
  return milliseconds;
}

export function parsePositiveInteger(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 1) throw new InvalidArgumentError('Expected a whole number above 0.');
  return value;
}

export function parsePositiveNumber(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !Number.isFinite(value) || value <= 0) {
    throw new InvalidArgumentError('Expected a number above 0.');
  }
  return value;
}

/** For repeatable options that also accept commas: `--collection a,b --collection c`. */
export function collectList(text: string, previous: readonly string[] = []): string[] {
  return [
    ...previous,
    ...text
      .split(',')
      .map((part) => part.trim())
      .filter((part) => part !== ''),
  ];
}

/** For repeatable options whose values are kept unchanged. */
export function collect(text: string, previous: readonly string[] = []): string[] {
  return [...previous, text];
}

/** Parses west, south, east, north in degrees. */
export function parseBbox(text: string): number[] {
  const numbers = text.split(',').map((part) => (part.trim() === '' ? Number.NaN : Number(part)));
  const known = (numbers.length === 4 || numbers.length === 6) && numbers.every((value) => Number.isFinite(value));
  const [south, north] = numbers.length === 4 ? [numbers[1], numbers[3]] : [numbers[1], numbers[4]];
  if (!known || south === undefined || north === undefined || south > north) {
    throw new InvalidArgumentError('Expected west,south,east,north in degrees, e.g. -121.399,39.834,-120.74,40.472.');
  }
  return numbers;
}

const INSTANT = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:\d{2})$/i;

/** Parses an instant or interval as STAC APIs accept it; days are widened to their first and last moment. */
export function parseDatetimeInterval(text: string): string {
  const ends = text.split('/');
  const [from = '', to = from] = ends;
  const start = widen(from, 'T00:00:00Z');
  const end = widen(to, 'T23:59:59Z');
  if (ends.length > 2 || start === undefined || end === undefined || (start === '..' && end === '..')) {
    throw new InvalidArgumentError('Expected 2021-07-04, 2021-07-04/2021-07-09 or 2021-07-04T00:00:00Z/.. .');
  }
  return start === end ? start : `${start}/${end}`;
}

/** Parses a moment, RFC 3339. */
export function parseInstant(text: string): string {
  if (INSTANT.test(text) && !Number.isNaN(Date.parse(text))) return text;
  throw new InvalidArgumentError('Expected a time such as 2026-01-31T06:00:00Z.');
}

export interface SequenceRange {
  readonly from: number;
  /** Inclusive; absent: up to the last one. */
  readonly to?: number;
}

/** Parses `1200..1450`, `1200..` or `1200`. */
export function parseSequenceRange(text: string): SequenceRange {
  const [, from, dots, to] = /^(\d+)(\.\.)?(\d+)?$/.exec(text) ?? [];
  const range = {
    from: Number(from),
    ...(to !== undefined ? { to: Number(to) } : dots === undefined ? { to: Number(from) } : {}),
  };
  if (from === undefined || range.from < 1 || (range.to !== undefined && range.to < range.from)) {
    throw new InvalidArgumentError('Expected positions such as 1200..1450.');
  }
  return range;
}

function widen(end: string, timeOfDay: string): string | undefined {
  if (end === '' || end === '..') return '..';
  const instant = /^\d{4}-\d{2}-\d{2}$/.test(end) ? end + timeOfDay : end;
  return INSTANT.test(instant) && !Number.isNaN(Date.parse(instant)) ? instant : undefined;
}
