/**
 * `conditionsReset`: the cron ticks at which a trigger drops the events that still wait for others.
 *
 * The ticks divide time into periods, and only events of the same period are joined. The time of the event decides, not
 * the time at which it arrives, so an outage that spans a tick neither pairs yesterday's event with today's nor
 * separates two of yesterday's events that arrive late together.
 */
import { CronSchedule, type CronLine } from '../../cron/cron-schedule';

/** One entry of `conditionsReset`, without its `byTime` wrapper. */
export type ResetSchedule = CronLine;

/** Milliseconds since 1970: from one tick (0 if there was none yet) to the next. */
export interface ResetPeriod {
  readonly start: number;
  readonly end: number;
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
  private readonly schedules: readonly CronSchedule[];
  private recent: readonly ResetPeriod[] = [];

  constructor(schedules: readonly ResetSchedule[]) {
    this.schedules = schedules.map((schedule) => new CronSchedule(schedule));
  }

  periodOf(time: number): ResetPeriod {
    const known = this.recent.find((period) => time >= period.start && time < period.end);
    if (known) return known;
    const period = {
      start: Math.max(0, ...this.schedules.map((schedule) => schedule.previousTick(time))),
      end: Math.min(...this.schedules.map((schedule) => schedule.nextTick(time))),
    };
    this.recent = [period, ...this.recent.slice(0, 7)];
    return period;
  }
}
