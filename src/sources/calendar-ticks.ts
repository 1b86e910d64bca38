/** The ticks of a calendar event source: cron or interval, without the days that are excluded. Pure. */
import { CronSchedule } from '../cron/cron-schedule';
import type { EventOptions } from '../manifest/event-source';
import { parseGoDurationMs } from '../text/durations';

export type CalendarOptions = EventOptions<'calendar'>;

/** Why the options describe no calendar; for operators. */
export class CalendarUnusable extends Error {}

const SECOND_MS = 1_000;
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** The clock of some zones was put back by more than an hour. */
const LONGEST_DAY_MS = DAY_MS + 3 * HOUR_MS;
/** Argo Events rounds to whole seconds, and loops without a pause below one. */
const SHORTEST_INTERVAL_MS = 1_000;
/** Ten years: each excluded day costs a step of the search for the next tick. */
const MOST_EXCLUSIONS = 3_660;
const EXCLUSION_PREFIX = 'EXDATE:';
const EXCLUSION = /^(\d{4})(\d{2})(\d{2})T\d{6}Z$/;

/** All times are in milliseconds since 1970. */
export class CalendarTicks {
  /** Names the sequence of ticks: a position belongs to one of them. */
  readonly name: string;
  /** Undefined: in intervals. */
  private readonly cron: CronSchedule | undefined;
  private readonly intervalMs: number;
  /** Midnight in UTC of each excluded day → the day as `2019-01-02`. */
  private readonly excluded: ReadonlyMap<number, string>;
  private readonly dayFormat: Intl.DateTimeFormat;
  /** Its readers ask for the same one again and again. */
  private latest: { readonly last: number; readonly next: number } | undefined;

  /** @throws CalendarUnusable, and EXPRESSION_INVALID for a schedule that cannot be parsed. */
  constructor({ schedule, interval, timezone, exclusionDates = [] }: CalendarOptions) {
    this.cron = schedule ? new CronSchedule({ cron: schedule, ...(timezone && { timezone }) }) : undefined;
    this.intervalMs = this.cron ? 0 : readInterval(interval);
    this.name = this.cron ? `${schedule} in ${this.cron.timezone}` : `every ${interval}`;
    const days = exclusionDates.flatMap(readExclusions);
    if (days.length > MOST_EXCLUSIONS) {
      throw new CalendarUnusable(`exclusionDates has ${days.length} times, expected at most ${MOST_EXCLUSIONS}`);
    }
    this.excluded = new Map(days.map((day) => [Date.parse(day), day]));
    this.dayFormat = dayFormatIn(timezone && timezone !== 'Local' ? timezone : 'UTC');
  }

  /** The first tick after `last`, which is a tick or where the calendar began; Infinity if there is none. */
  nextTick(last: number): number {
    if (this.latest?.last !== last) this.latest = { last, next: this.search(last) };
    return this.latest.next;
  }

  private search(last: number): number {
    let tick = this.step(last);
    // Not from tick to tick: a day may have 86,400 of them, and others wait meanwhile.
    while (Number.isFinite(tick) && this.isExcluded(tick))
      tick = this.step(this.skipTo(tick, this.lastSecondOfDay(tick)));
    return tick;
  }

  /** Returns up to `limit` ticks after `last`, until `end` inclusive. */
  between(last: number, end: number, limit: number): number[] {
    const ticks: number[] = [];
    for (let tick = this.nextTick(last); tick <= end && ticks.length < limit; tick = this.nextTick(tick)) {
      ticks.push(tick);
    }
    return ticks;
  }

  /** Returns a `last` whose next ticks come after `time`; intervals keep their rhythm. */
  skipTo(last: number, time: number): number {
    if (time <= last) return last;
    return this.cron ? time : last + Math.floor((time - last) / this.intervalMs) * this.intervalMs;
  }

  private step(last: number): number {
    return this.cron ? this.cron.nextTick(last) : last + this.intervalMs;
  }

  /** Of the day in the time zone of the calendar; days are as long as their changes of the clock make them. */
  private lastSecondOfDay(tick: number): number {
    const day = this.dayFormat.format(tick);
    let [last, next] = [tick, tick + LONGEST_DAY_MS];
    while (next - last > SECOND_MS) {
      const middle = last + Math.floor((next - last) / 2 / SECOND_MS) * SECOND_MS;
      if (this.dayFormat.format(middle) === day) last = middle;
      else next = middle;
    }
    return last;
  }

  /** Compares days in the time zone of the calendar, as Argo Events does. */
  private isExcluded(tick: number): boolean {
    if (this.excluded.size === 0) return false;
    const midnight = Math.floor(tick / DAY_MS) * DAY_MS;
    // Elsewhere it may be the day before or after.
    const days = [midnight - DAY_MS, midnight, midnight + DAY_MS].flatMap((day) => this.excluded.get(day) ?? []);
    return days.length > 0 && days.includes(this.dayFormat.format(tick));
  }
}

function dayFormatIn(timeZone: string): Intl.DateTimeFormat {
  try {
    return new Intl.DateTimeFormat('en-CA', { timeZone, year: 'numeric', month: '2-digit', day: '2-digit' });
  } catch {
    throw new CalendarUnusable(`unknown time zone ${JSON.stringify(timeZone)}`);
  }
}

function readInterval(interval: string | undefined): number {
  if (!interval) throw new CalendarUnusable('neither schedule nor interval is set');
  const milliseconds = parseGoDurationMs(interval);
  if (milliseconds === undefined || milliseconds < SHORTEST_INTERVAL_MS) {
    throw new CalendarUnusable(`interval is ${JSON.stringify(interval)}, expected a Go duration of 1s or more`);
  }
  return Math.floor(milliseconds);
}

/** Returns days as `2019-01-02`. Argo Events ignores entries without the prefix. */
function readExclusions(entry: string): string[] {
  if (!entry.startsWith(EXCLUSION_PREFIX)) return [];
  return entry
    .slice(EXCLUSION_PREFIX.length)
    .split(',')
    .map((text) => {
      const [, year = '', month = '', day = ''] = EXCLUSION.exec(text) ?? [];
      const date = `${year}-${month}-${day}`;
      if (!Number.isNaN(Date.parse(date))) return date;
      throw new CalendarUnusable(`exclusionDates has ${JSON.stringify(text)}, expected a time like 20190102T150405Z`);
    });
}
