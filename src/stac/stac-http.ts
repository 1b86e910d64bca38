/** JSON over HTTP from STAC APIs: retries transient failures, with back-off, as the server asks. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { SluiceError } from '../errors/sluice-error';
import type { JsonDocument } from '../event/json-text';
import { exchangeOnce, type ExchangeLimits, type HttpRequest } from './exchange';
import type { StacConnection } from './stac-connection';

export interface HttpLimits extends ExchangeLimits {
  /** Attempts per request, including the first. */
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
/** Longer pauses are left to the callers that search again: the event source, `--follow`, or the operator. */
const LONGEST_RETRY_AFTER_MS = 5 * 60_000;

export interface HttpOptions {
  readonly connection: StacConnection;
  readonly signal?: AbortSignal;
  readonly limits?: Partial<HttpLimits>;
  /** Called before each wait, so that the operator sees its reason. */
  onWait?(reason: string, waitMs: number): void;
}

export interface JsonAnswer {
  readonly json: JsonDocument;
  /** Address of the document after redirects: the base of its relative links. */
  readonly url: string;
}

/** Throws EVENT_SOURCE_UNREACHABLE after the last attempt, EVENT_SOURCE_MISCONFIGURED if the server refuses. */
export async function fetchJson(request: HttpRequest, options: HttpOptions): Promise<JsonAnswer> {
  const limits = { ...DEFAULT_LIMITS, ...options.limits };
  for (let attempt = 1; ; attempt++) {
    const outcome = await exchangeOnce(request, limits, options.connection, options.signal);
    if (outcome.kind === 'answered') return outcome;
    const waitMs = attempt < limits.attempts ? pauseAfter(outcome.error, attempt, limits) : undefined;
    if (waitMs === undefined) throw outcome.error;
    options.onWait?.(outcome.error.message, waitMs);
    await sleep(waitMs, undefined, { signal: options.signal });
  }
}

/** Returns undefined if no further attempt is worth making now. */
function pauseAfter(error: SluiceError, attempt: number, limits: HttpLimits): number | undefined {
  const { retryable, retryAfterMs } = error;
  if (!retryable || (retryAfterMs ?? 0) > LONGEST_RETRY_AFTER_MS) return undefined;
  return retryAfterMs ?? Math.min(limits.firstWaitMs * 2 ** (attempt - 1), LONGEST_BACKOFF_MS);
}
