/**
 * The five fields of a cron line as Argo Events (robfig/cron) reads them: numbers, names, ranges, steps and lists.
 *
 * croner reads some of them differently, so it receives the expanded values. Pure.
 */
export interface CronField {
  readonly name: string;
  readonly least: number;
  readonly most: number;
  readonly names?: readonly string[];
}

const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];
const DAYS = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'];

export const CRON_FIELDS: readonly CronField[] = [
  { name: 'minute', least: 0, most: 59 },
  { name: 'hour', least: 0, most: 23 },
  { name: 'day of month', least: 1, most: 31 },
  { name: 'month', least: 1, most: 12, names: MONTHS },
  { name: 'day of week', least: 0, most: 6, names: DAYS },
];

/** Long enough for a list of every value of the largest field. */
const LONGEST_FIELD = 1_000;

/**
 * The field as `*` or as a list of numbers, or undefined if it cannot be parsed.
 *
 * A field with a star anywhere, as in `*,5` or with a step of one, is `*`. This decides how day of month and day of
 * week combine: both must match if one of them is `*`, otherwise either.
 */
export function expandCronField(text: string, field: CronField): string | undefined {
  if (text.length > LONGEST_FIELD) return undefined;
  const values = new Set<number>();
  let hasStar = false;
  for (const part of text.split(',').filter((each) => each !== '')) {
    const range = readRange(part, field);
    if (!range) return undefined;
    hasStar ||= range.isStar;
    for (let value = range.start; value <= range.end; value += range.step) values.add(value);
  }
  if (hasStar) return '*';
  return values.size === 0 ? undefined : [...values].sort((left, right) => left - right).join(',');
}

interface Range {
  readonly start: number;
  readonly end: number;
  readonly step: number;
  readonly isStar: boolean;
}

function readRange(part: string, field: CronField): Range | undefined {
  const [bounds = '', stepText, ...moreSteps] = part.split('/');
  const [low = '', high, ...moreBounds] = bounds.split('-');
  const isWhole = low === '*' || low === '?';
  const step = stepText === undefined ? 1 : readNumber(stepText);
  const start = isWhole ? field.least : readValue(low, field);
  const end = isWhole ? field.most : readEnd(high, start, stepText !== undefined, field);
  if (step === undefined || start === undefined || end === undefined || moreSteps.length > 0) return undefined;
  if (!isWhole && moreBounds.length > 0) return undefined;
  if (start < field.least || end > field.most || start > end || step < 1) return undefined;
  return { start, end, step, isStar: isWhole && step === 1 };
}

/** `5/10` means `5-59/10`. */
function readEnd(
  high: string | undefined,
  start: number | undefined,
  hasStep: boolean,
  field: CronField,
): number | undefined {
  if (high !== undefined) return readValue(high, field);
  return hasStep ? field.most : start;
}

function readValue(text: string, { names = [], least }: CronField): number | undefined {
  const index = names.indexOf(text.toLowerCase());
  return index >= 0 ? index + least : readNumber(text);
}

function readNumber(text: string): number | undefined {
  return /^\+?\d{1,9}$/.test(text) ? Number(text) : undefined;
}
