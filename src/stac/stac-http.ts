/** JSON over HTTP from STAC APIs: retries what is transient, with back-off, as the server asks. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { SluiceError } from '../errors/sluice-error';
import type { JsonValue } from '../event/json';
import { exchangeOnce, type ExchangeLimits, type HttpRequest } from './exchange';

export interface HttpLimits extends ExchangeLimits {
  /** Attempts a request, the first one included. */
  readonly attempts: number;
  /** Pause before the second attempt; doubles with each one. */
  readonly firstWaitMs: number;
}

const DEFAULT_LIMITS: HttpLimits = {
  attempts: 5,
  firstWaitMs: 500,
  timeoutMs: 60_000,
  maxBytes: 64 * 1024 * 1024,
};
const LONGEST_BACKOFF_MS = 60_000;
/** A server that asks for a longer pause gets it from `--follow`, or from the person who runs the command again. */
const LONGEST_RETRY_AFTER_MS = 5 * 60_000;

export interface HttpOptions {
  readonly signal?: AbortSignal;
  readonly limits?: Partial<HttpLimits>;
  /** Called before each wait, so that a person sees why nothing happens. */
  onWait?(reason: string, waitMs: number): void;
}

export interface JsonAnswer {
  readonly json: JsonValue;
  /** Where the document was found after redirects: relative links in it start here. */
  readonly url: string;
}

/** Throws EVENT_SOURCE_UNREACHABLE after the last attempt, EVENT_SOURCE_MISCONFIGURED when the server refuses. */
export async function fetchJson(request: HttpRequest, options: HttpOptions = {}): Promise<JsonAnswer> {
  const limits = { ...DEFAULT_LIMITS, ...options.limits };
  for (let attempt = 1; ; attempt++) {
    const outcome = await exchangeOnce(request, limits, options.signal);
    if (outcome.kind === 'answered') return outcome;
    const waitMs = attempt < limits.attempts ? pauseAfter(outcome.error, attempt, limits) : undefined;
    if (waitMs === undefined) throw outcome.error;
    options.onWait?.(outcome.error.message, waitMs);
    await sleep(waitMs, undefined, { signal: options.signal });
  }
}

/** Undefined: no further attempt is worth making now. */
function pauseAfter(error: SluiceError, attempt: number, limits: HttpLimits): number | undefined {
  const { retryable, retryAfterMs } = error;
  if (!retryable || (retryAfterMs ?? 0) > LONGEST_RETRY_AFTER_MS) return undefined;
  return retryAfterMs ?? Math.min(limits.firstWaitMs * 2 ** (attempt - 1), LONGEST_BACKOFF_MS);
}
