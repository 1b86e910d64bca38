/** Cron lines as Argo Events (robfig/cron) reads them, as a sequence of ticks. */
import { Cron } from 'croner';
import { SluiceError } from '../errors/sluice-error';
import { CRON_FIELDS, expandCronField } from './cron-fields';

export interface CronLine {
  /** Five fields (minute, hour, day of month, month, day of week), optionally after `TZ=zone ` or `CRON_TZ=zone `. */
  readonly cron: string;
  /** IANA name; default UTC. A zone inside `cron` wins. */
  readonly timezone?: string;
}

const ZONE_PREFIX = /^(?:CRON_)?TZ=(\S+)\s+/;

/** All times are in milliseconds since 1970. */
export class CronSchedule {
  private readonly cron: Cron;
  /** IANA name of the zone in which the fields are read. */
  readonly timezone: string;

  /**
   * @throws SluiceError EXPRESSION_INVALID if Argo Events cannot parse it either (not five fields, `@daily`, seconds, an
   * unknown time zone), or if the schedule never matches, such as 31 February.
   */
  constructor(line: CronLine) {
    const text = line.cron.trim();
    this.timezone = zoneOf(ZONE_PREFIX.exec(text)?.[1] ?? line.timezone ?? '');
    const fields = text.replace(ZONE_PREFIX, '').split(/\s+/);
    if (fields.length !== CRON_FIELDS.length || fields[0] === '') {
      throw invalid(line, `found ${text === '' ? 0 : fields.length} fields, expected ${CRON_FIELDS.length}`);
    }
    const expanded = CRON_FIELDS.map((field, index) => {
      const written = fields[index] ?? '';
      const values = expandCronField(written, field);
      if (values !== undefined) return values;
      const { name, least, most } = field;
      throw invalid(
        line,
        `${name} "${written}" is not a list of numbers from ${least} to ${most}, ranges, steps or names`,
      );
    });
    this.cron = createCron(line, expanded.join(' '), this.timezone);
    if (this.cron.nextRun(new Date(0)) === null) throw invalid(line, 'no date matches it');
  }

  /** The first tick after a time; Infinity if there is none. */
  nextTick(after: number): number {
    return this.cron.nextRun(new Date(after))?.getTime() ?? Infinity;
  }

  /** The last tick at or before a time; 0 if there is none. */
  previousTick(atOrBefore: number): number {
    // croner searches strictly before its reference and counts in whole seconds.
    const nextSecond = (Math.floor(atOrBefore / 1000) + 1) * 1000;
    return this.cron.previousRuns(1, new Date(nextSecond))[0]?.getTime() ?? 0;
  }
}

/** Go calls the machine's time zone "Local"; in the containers of Argo Events that is UTC. */
function zoneOf(name: string): string {
  return name === 'Local' || name === '' ? 'UTC' : name;
}

function createCron(line: CronLine, pattern: string, timezone: string): Cron {
  try {
    new Intl.DateTimeFormat('en', { timeZone: timezone });
    return new Cron(pattern, { timezone, mode: '5-part', sloppyRanges: true });
  } catch (error) {
    throw invalid(line, error instanceof Error ? error.message : String(error), error);
  }
}

function invalid(line: CronLine, problem: string, cause?: unknown): SluiceError {
  return new SluiceError('EXPRESSION_INVALID', {
    message: `schedule "${line.cron}" is not valid: ${problem}`,
    fix: 'Write "minute hour day-of-month month day-of-week", such as "0 0 * * *", and an IANA time zone such as "Europe/Berlin".',
    context: { cron: line.cron, timezone: line.timezone },
    cause,
  });
}
