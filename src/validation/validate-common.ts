/** Checks of blocks that several kinds share: TLS, NATS login, delays, schedules. */
import { isSluiceError } from '../errors/sluice-error';
import { CronSchedule } from '../cron/cron-schedule';
import type { NatsAuth, RetryStrategy, TlsConfig } from '../manifest/common';
import { parseGoDurationMs, parseNanosecondsOrDurationMs } from '../text/durations';
import { describeValue, type Findings } from '../manifest/problem';

export function validateTls(tls: TlsConfig | undefined, findings: Findings): void {
  if (tls === undefined) return;
  if ((tls.clientCertSecret === undefined) !== (tls.clientKeySecret === undefined)) {
    const missing = tls.clientCertSecret === undefined ? 'clientCertSecret' : 'clientKeySecret';
    findings.error(`a client certificate needs its key, and the other way round: ${missing} is missing`, {
      fix: `Set ${missing}, or remove the other one.`,
    });
  } else if (!tls.insecureSkipVerify && !tls.caCertSecret && !tls.clientCertSecret && !tls.enabled) {
    findings.error('this block sets no TLS option', {
      expected: 'caCertSecret, or clientCertSecret and clientKeySecret, or enabled: true, or insecureSkipVerify: true',
      fix: 'Set enabled: true to use the certificates that the system trusts.',
    });
  }
}

export function validateNatsAuth(auth: NatsAuth | undefined, findings: Findings): void {
  if (auth === undefined) return;
  const set = Object.keys(auth);
  if (set.length !== 1) {
    findings.error('exactly one way to log in must be set', {
      found: set.length === 0 ? 'none' : set.join(', '),
      expected: 'one of basic, token, nkey, credential',
    });
  }
}

/** A millisecond: a shorter delay between two attempts makes no sense. */
const SHORTEST_NANOSECONDS = 1_000_000;

/** `retryStrategy`, `connectionBackoff`, the back-off of a policy. */
export function validateBackoff(backoff: RetryStrategy | undefined, findings: Findings): void {
  if (backoff === undefined) return;
  const { duration, factor, jitter, steps } = backoff;
  if (duration !== undefined) {
    const milliseconds = parseNanosecondsOrDurationMs(duration);
    if (milliseconds === undefined || milliseconds < 0) {
      const digits = typeof duration === 'string' && /^\d+$/.test(duration);
      findings.at('duration').error('not a duration', {
        found: describeValue(duration),
        expected: 'a Go duration such as "10s" or "1m30s", or a number of nanoseconds',
        fix: digits ? `Write "${duration}s" for seconds, or ${duration} without quotes for nanoseconds.` : undefined,
      });
    } else if (typeof duration === 'number' && duration > 0 && duration < SHORTEST_NANOSECONDS) {
      findings.at('duration').warning(`a number counts nanoseconds, so this is ${duration} ns`, {
        found: describeValue(duration),
        fix: `Write "${duration}s" for seconds.`,
      });
    }
  }
  if (factor !== undefined && !(Number(factor) >= 0)) {
    findings.at('factor').error('must not be negative', { found: describeValue(factor), expected: '0 or more' });
  }
  if (jitter !== undefined && !(Number(jitter) >= 0)) {
    findings.at('jitter').error('must not be negative', { found: describeValue(jitter), expected: '0 or more' });
  }
  if (steps !== undefined && steps < 0) {
    findings.at('steps').error('must not be negative', { found: describeValue(steps), expected: '1 or more' });
  }
}

export function validateDuration(text: string | undefined, findings: Findings): void {
  if (text === undefined || text === '' || parseGoDurationMs(text) !== undefined) return;
  findings.error('not a duration', { found: describeValue(text), expected: 'a Go duration such as "30s" or "2h45m"' });
}

export function validateTimezone(timezone: string | undefined, findings: Findings): void {
  if (timezone === undefined || timezone === '' || isTimezone(timezone)) return;
  findings.error('unknown time zone', {
    found: describeValue(timezone),
    expected: 'an IANA name such as Europe/Rome, or UTC',
  });
}

function isTimezone(timezone: string): boolean {
  // Go's name for the time zone of the machine, which is UTC in the containers of Argo Events.
  if (timezone === 'Local') return true;
  try {
    new Intl.DateTimeFormat('en', { timeZone: timezone });
    return true;
  } catch {
    return false;
  }
}

/** Cron with five fields, optionally after `TZ=…`. */
export function validateCron(cron: string, findings: Findings): void {
  try {
    new CronSchedule({ cron });
  } catch (error) {
    if (!isSluiceError(error)) throw error;
    findings.error(error.message, {
      found: describeValue(cron),
      expected: 'five fields: minute, hour, day of month, month, day of week',
      fix: error.fix,
    });
  }
}

/** Exactly one of the named fields must be set. */
export function requireOneOf(block: object, names: readonly string[], what: string, findings: Findings): void {
  const set = names.filter((name) => name in block && block[name as keyof typeof block] !== undefined);
  if (set.length === 1) return;
  findings.error(set.length === 0 ? `${what} is missing` : `only one ${what} can be set`, {
    found: set.length === 0 ? 'none' : set.join(', '),
    expected: `exactly one of ${names.join(', ')}`,
  });
}
