/** JSON over HTTP from servers that are sometimes busy: waits and asks again, as long as they ask to. */
import { setTimeout as sleep } from 'node:timers/promises';
import { SluiceError } from '../errors';
import { parseJson } from '../event/json';

const ATTEMPTS = 5;
const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 60_000;
const REQUEST_TIMEOUT_MS = 60_000;

export interface HttpRequest {
  readonly url: string;
  readonly method?: 'GET' | 'POST';
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
}

export interface HttpOptions {
  readonly signal?: AbortSignal;
  /** Called before each wait, so that a person sees why nothing happens. */
  onWait?(reason: string, waitMs: number): void;
}

/** Throws EVENT_SOURCE_UNREACHABLE after the last attempt, EVENT_SOURCE_MISCONFIGURED when the server refuses. */
export async function fetchJson(request: HttpRequest, options: HttpOptions = {}): Promise<unknown> {
  for (let attempt = 1; ; attempt++) {
    const answer = await attemptOnce(request, options.signal);
    if (answer.ok) return answer.json;
    if (!answer.error.retryable || attempt === ATTEMPTS) throw answer.error;
    const waitMs = Math.min(answer.error.retryAfterMs ?? FIRST_WAIT_MS * 2 ** (attempt - 1), LONGEST_WAIT_MS);
    options.onWait?.(answer.error.message, waitMs);
    await sleep(waitMs, undefined, { signal: options.signal });
  }
}

type Answer = { readonly ok: true; readonly json: unknown } | { readonly ok: false; readonly error: SluiceError };

async function attemptOnce(request: HttpRequest, signal: AbortSignal | undefined): Promise<Answer> {
  const { url, method = 'GET' } = request;
  const timeout = AbortSignal.timeout(REQUEST_TIMEOUT_MS);
  const what = `${method} ${withoutCredentials(url)}`;
  let text: string;
  try {
    const response = await fetch(url, {
      method,
      headers: {
        accept: 'application/geo+json, application/json',
        ...(request.body === undefined ? {} : { 'content-type': 'application/json' }),
        ...request.headers,
      },
      body: request.body === undefined ? undefined : JSON.stringify(request.body),
      signal: signal ? AbortSignal.any([signal, timeout]) : timeout,
    });
    text = await response.text();
    if (!response.ok) return { ok: false, error: statusError(what, response, text) };
  } catch (error) {
    signal?.throwIfAborted();
    return { ok: false, error: unreachable(`${what}: no answer`, { cause: error }) };
  }
  try {
    return { ok: true, json: parseJson(text) };
  } catch (error) {
    throw misconfigured(`${what}: expected JSON, found ${JSON.stringify(text.slice(0, 60))}`, error);
  }
}

function statusError(what: string, response: Response, text: string): SluiceError {
  const message = `${what}: HTTP ${response.status} ${response.statusText} ${text.slice(0, 200)}`.trim();
  const passing = response.status === 408 || response.status === 429 || response.status >= 500;
  if (!passing) return misconfigured(message);
  return unreachable(message, { retryAfterMs: parseRetryAfter(response.headers.get('retry-after')) });
}

/** `Retry-After` comes in seconds or as an HTTP date. */
export function parseRetryAfter(value: string | null, now = Date.now()): number | undefined {
  if (!value) return undefined;
  if (/^\d+$/.test(value.trim())) return Number(value) * 1_000;
  const at = Date.parse(value);
  return Number.isNaN(at) ? undefined : Math.max(0, at - now);
}

function unreachable(message: string, details: { cause?: unknown; retryAfterMs?: number }): SluiceError {
  return new SluiceError('EVENT_SOURCE_UNREACHABLE', { message, ...details });
}

function misconfigured(message: string, cause?: unknown): SluiceError {
  return new SluiceError('EVENT_SOURCE_MISCONFIGURED', {
    message,
    fix: 'Check the address and the search parameters',
    cause,
  });
}

function withoutCredentials(url: string): string {
  const shown = new URL(url);
  shown.username = '';
  shown.password = '';
  return shown.href.length > 300 ? `${shown.href.slice(0, 300)}…` : shown.href;
}
