/**
 * `conditionsReset`: the cron ticks at which a trigger forgets the events that still wait for others.
 *
 * The ticks cut time into periods, and only events of one period are joined. Periods go by the time of the event, not
 * by the time at which it is seen, so that an outage over a tick neither pairs yesterday's event with today's nor
 * tears apart two of yesterday that arrive late together.
 */
import { Cron } from 'croner';
import { SluiceError } from '../../errors/sluice-error';
import { CRON_FIELDS, expandCronField } from './cron-fields';

/** One entry of `conditionsReset`, without its `byTime` wrapper. */
export interface ResetSchedule {
  /** Five fields (minute, hour, day of month, month, day of week), optionally after `TZ=zone ` or `CRON_TZ=zone `. */
  readonly cron: string;
  /** IANA name; default UTC. A zone inside `cron` wins. */
  readonly timezone?: string;
}

/** Milliseconds since 1970: from a tick (0 when there never was one) to the next one. */
export interface ResetPeriod {
  readonly start: number;
  readonly end: number;
}

const ZONE_PREFIX = /^(?:CRON_)?TZ=(\S+)\s+/;

/**
 * Checks one schedule as the manifest gives it.
 * @throws SluiceError EXPRESSION_INVALID for what Argo Events cannot parse either: other than five fields, `@daily`,
 * seconds, an unknown time zone; and for a schedule that never comes, such as 31 February.
 */
export function validateResetSchedule(schedule: ResetSchedule): void {
  parseSchedule(schedule);
}

/** The first tick after a time, or undefined when there are no schedules. */
export function nextReset(schedules: readonly ResetSchedule[], after: number): number | undefined {
  const { end } = new ResetClock(schedules).periodOf(after);
  return Number.isFinite(end) ? end : undefined;
}

/** The last tick at or before a time, or undefined when there is none. */
export function previousReset(schedules: readonly ResetSchedule[], atOrBefore: number): number | undefined {
  return new ResetClock(schedules).periodOf(atOrBefore).start || undefined;
}

/** Answers to which period a time belongs; remembers its last answers, because almost all events share them. */
export class ResetClock {
  private readonly crons: readonly Cron[];
  private recent: readonly ResetPeriod[] = [];

  constructor(schedules: readonly ResetSchedule[]) {
    this.crons = schedules.map(parseSchedule);
  }

  periodOf(time: number): ResetPeriod {
    const known = this.recent.find((period) => time >= period.start && time < period.end);
    if (known) return known;
    const period = {
      start: Math.max(0, ...this.crons.map((cron) => previousTick(cron, time))),
      end: Math.min(...this.crons.map((cron) => nextTick(cron, time))),
    };
    this.recent = [period, ...this.recent.slice(0, 7)];
    return period;
  }
}

function previousTick(cron: Cron, atOrBefore: number): number {
  // croner looks strictly before its reference and counts in whole seconds.
  const nextSecond = (Math.floor(atOrBefore / 1000) + 1) * 1000;
  return cron.previousRuns(1, new Date(nextSecond))[0]?.getTime() ?? 0;
}

function nextTick(cron: Cron, after: number): number {
  return cron.nextRun(new Date(after))?.getTime() ?? Infinity;
}

function parseSchedule(schedule: ResetSchedule): Cron {
  const text = schedule.cron.trim();
  const zone = ZONE_PREFIX.exec(text)?.[1] ?? schedule.timezone ?? 'UTC';
  const fields = text.replace(ZONE_PREFIX, '').split(/\s+/);
  if (fields.length !== CRON_FIELDS.length || fields[0] === '') {
    throw invalid(schedule, `found ${text === '' ? 0 : fields.length} fields, expected ${CRON_FIELDS.length}`);
  }
  const expanded = CRON_FIELDS.map((field, index) => {
    const written = fields[index] ?? '';
    const values = expandCronField(written, field);
    if (values !== undefined) return values;
    const { name, least, most } = field;
    throw invalid(
      schedule,
      `${name} "${written}" is no list of numbers from ${least} to ${most}, ranges, steps or names`,
    );
  });
  const cron = createCron(schedule, expanded.join(' '), zone);
  if (cron.nextRun(new Date(0)) === null) throw invalid(schedule, 'it never comes');
  return cron;
}

function createCron(schedule: ResetSchedule, pattern: string, zone: string): Cron {
  try {
    // Go calls the zone of the machine "Local"; in the containers of Argo Events that is UTC.
    const timezone = zone === 'Local' || zone === '' ? 'UTC' : zone;
    new Intl.DateTimeFormat('en', { timeZone: timezone });
    return new Cron(pattern, { timezone, mode: '5-part', sloppyRanges: true });
  } catch (error) {
    throw invalid(schedule, error instanceof Error ? error.message : String(error), error);
  }
}

function invalid(schedule: ResetSchedule, problem: string, cause?: unknown): SluiceError {
  return new SluiceError('EXPRESSION_INVALID', {
    message: `reset schedule "${schedule.cron}" is not valid: ${problem}`,
    fix: 'Write "minute hour day-of-month month day-of-week", such as "0 0 * * *", and an IANA time zone such as "Europe/Berlin".',
    context: { cron: schedule.cron, timezone: schedule.timezone },
    cause,
  });
}
