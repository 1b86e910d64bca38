/**
 * Time filter: a daily window that the event's own time must lie in, `start` included, `stop` excluded.
 *
 * The window is compared with the local time in `timezone`, so it means the same on days when the clock changes.
 */
import type { CloudEvent } from '../event/cloud-event';
import type { TimeFilter } from '../manifest/filters';
import { failed, verdictFrom } from './clause-verdict';
import type { ClauseVerdict } from './clause-verdict';
import { memoize } from '../expressions/fast-paths/memoize';

const CLOCK_TEXT = /^([0-9]{1,2}):([0-9]{2}):([0-9]{2})$/;
const MS_PER_DAY = 86_400_000;

export function decideTimeFilter(filter: TimeFilter, event: CloudEvent): ClauseVerdict {
  // Go calls the machine's time zone "Local"; in the containers of Argo Events that is UTC.
  const timezone = !filter.timezone || filter.timezone === 'Local' ? 'UTC' : filter.timezone;
  const start = parseClock(filter.start);
  const stop = parseClock(filter.stop);
  const at = Date.parse(event.time);
  if (start === undefined) return invalid(`start ${filter.start} is not HH:MM:SS`);
  if (stop === undefined) return invalid(`stop ${filter.stop} is not HH:MM:SS`);
  if (Number.isNaN(at)) {
    return failed({ code: 'EVENT_UNDECODABLE', message: `the event's time ${event.time} is not a date` });
  }
  const clock = clockAt(at, timezone);
  if (clock === undefined) return invalid(`there is no time zone ${timezone}`);
  const isInside = start < stop ? start <= clock && clock < stop : start <= clock || clock < stop;
  const reason = `the event's time is ${clockText(clock)}, wanted ${filter.start} to ${filter.stop} (${timezone})`;
  return verdictFrom(isInside, reason);
}

function invalid(message: string): ClauseVerdict {
  return failed({ code: 'EXPRESSION_INVALID', message });
}

/** Milliseconds since midnight. */
function parseClock(text: string): number | undefined {
  const match = CLOCK_TEXT.exec(text);
  if (!match) return undefined;
  const [hours = 0, minutes = 0, seconds = 0] = match.slice(1).map(Number);
  if (hours > 23 || minutes > 59 || seconds > 59) return undefined;
  return ((hours * 60 + minutes) * 60 + seconds) * 1_000;
}

const clockFormat = memoize((timezone: string): Intl.DateTimeFormat | undefined => {
  try {
    const part = 'numeric';
    return new Intl.DateTimeFormat('en-GB', {
      timeZone: timezone,
      hourCycle: 'h23',
      hour: part,
      minute: part,
      second: part,
    });
  } catch {
    return undefined; // Intl throws for an unknown name; the caller reports it.
  }
});

function clockAt(at: number, timezone: string): number | undefined {
  if (timezone === 'UTC') return ((at % MS_PER_DAY) + MS_PER_DAY) % MS_PER_DAY;
  const format = clockFormat(timezone);
  if (!format) return undefined;
  const parts: Record<string, number> = {};
  for (const { type, value } of format.formatToParts(at)) parts[type] = Number(value);
  const { hour = 0, minute = 0, second = 0 } = parts;
  return ((hour * 60 + minute) * 60 + second) * 1_000 + (((at % 1_000) + 1_000) % 1_000);
}

function clockText(clock: number): string {
  return new Date(clock).toISOString().slice(11, 19);
}
