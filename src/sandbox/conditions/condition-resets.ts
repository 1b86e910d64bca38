/**
 * `conditionsReset`: the cron ticks at which a trigger drops the events that still wait for others.
 *
 * The ticks divide time into periods, and only events of the same period are joined. The time of the event decides, not
 * the time at which it arrives, so an outage that spans a tick neither pairs yesterday's event with today's nor
 * separates two of yesterday's events that arrive late together.
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

/** Milliseconds since 1970: from one tick (0 if there was none yet) to the next. */
export interface ResetPeriod {
  readonly start: number;
  readonly end: number;
}

const ZONE_PREFIX = /^(?:CRON_)?TZ=(\S+)\s+/;

/**
 * Checks one schedule as written in the manifest.
 * @throws SluiceError EXPRESSION_INVALID if Argo Events cannot parse it either (not five fields, `@daily`, seconds, an
 * unknown time zone), or if the schedule never matches, such as 31 February.
 */
export function validateResetSchedule(schedule: ResetSchedule): void {
  parseSchedule(schedule);
}

/** The first tick after a time, or undefined if there are no schedules. */
export function nextReset(schedules: readonly ResetSchedule[], after: number): number | undefined {
  const { end } = new ResetClock(schedules).periodOf(after);
  return Number.isFinite(end) ? end : undefined;
}

/** The last tick at or before a time, or undefined if there is none. */
export function previousReset(schedules: readonly ResetSchedule[], atOrBefore: number): number | undefined {
  return new ResetClock(schedules).periodOf(atOrBefore).start || undefined;
}

/** Returns the period that contains a time. Caches the last results, because almost all events share them. */
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
  // croner searches strictly before its reference and counts in whole seconds.
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
      `${name} "${written}" is not a list of numbers from ${least} to ${most}, ranges, steps or names`,
    );
  });
  const cron = createCron(schedule, expanded.join(' '), zone);
  if (cron.nextRun(new Date(0)) === null) throw invalid(schedule, 'no date matches it');
  return cron;
}

function createCron(schedule: ResetSchedule, pattern: string, zone: string): Cron {
  try {
    // Go calls the machine's time zone "Local"; in the containers of Argo Events that is UTC.
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
