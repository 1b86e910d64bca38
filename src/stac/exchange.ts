/** One request to a STAC API and its response. */
import { fetch, Headers, type Response } from 'undici';
import { AddressBlocked, BLOCKED_ADDRESS_FIX } from '../clients/blocked-addresses';
import { errorCode } from '../errors/foreign-errors';
import { isSluiceError, SluiceError } from '../errors/sluice-error';
import { readJson, textOf, type JsonDocument } from '../event/json-text';
import { BodyTooLarge, readBodyText } from './read-body';
import { isRedirect, MAX_REDIRECTS, redirectedRequest, redirectRefused } from './redirect';
import type { StacConnection } from './stac-connection';
import { refusal, shownUrl } from './stac-refusal';

export interface HttpRequest {
  readonly url: string;
  readonly method: 'GET' | 'POST';
  /** Sent only to the host of `url`. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as JSON; text is sent unchanged. */
  readonly body?: JsonDocument;
  /** The API has returned JSON before: a page that is not JSON is a transient fault of the server or of a proxy. */
  readonly expectsJson?: boolean;
}

export interface ExchangeLimits {
  /** For the whole exchange, redirects and body included. */
  readonly timeoutMs: number;
  readonly maxBytes: number;
}

export type Exchange =
  | { readonly kind: 'answered'; readonly json: JsonDocument; readonly url: string }
  | { readonly kind: 'failed'; readonly error: SluiceError };

/** Rejects only if `signal` aborts. */
export async function exchangeOnce(
  request: HttpRequest,
  limits: ExchangeLimits,
  connection: StacConnection,
  signal: AbortSignal | undefined,
): Promise<Exchange> {
  const timeout = AbortSignal.timeout(limits.timeoutMs);
  const what = `${request.method} ${shownUrl(request.url)}`;
  try {
    const [response, url] = await followRedirects(
      request,
      connection,
      signal ? AbortSignal.any([signal, timeout]) : timeout,
    );
    const text = await readBodyText(response, limits.maxBytes);
    if (!response.ok) return { kind: 'failed', error: refusal(what, request, response, text) };
    return { kind: 'answered', json: readAnswer(text, what, response, request), url };
  } catch (error) {
    signal?.throwIfAborted();
    return { kind: 'failed', error: toFailure(error, what, timeout.aborted ? limits.timeoutMs : undefined) };
  }
}

async function followRedirects(
  first: HttpRequest,
  connection: StacConnection,
  signal: AbortSignal,
): Promise<[Response, string]> {
  let request = first;
  for (let redirects = 0; redirects <= MAX_REDIRECTS; redirects++) {
    const response = await send(request, connection, signal);
    const location = isRedirect(response.status) ? response.headers.get('location') : null;
    if (location === null) return [response, request.url];
    await response.body?.cancel();
    request = redirectedRequest(request, response.status, location);
  }
  throw redirectRefused(first, `more than ${MAX_REDIRECTS} redirects`);
}

async function send(
  { url, method, headers, body }: HttpRequest,
  connection: StacConnection,
  signal: AbortSignal,
): Promise<Response> {
  const sent = new Headers({ accept: 'application/geo+json, application/json' });
  if (body !== undefined) sent.set('content-type', 'application/json');
  for (const [name, value] of Object.entries(headers ?? {})) sent.set(name, value);
  return await fetch(url, {
    method,
    headers: sent,
    body: body === undefined || typeof body === 'string' ? body : textOf(body),
    redirect: 'manual',
    dispatcher: connection.dispatcherFor(new URL(url)),
    signal,
  });
}

function readAnswer(text: string, what: string, { status }: Response, { expectsJson }: HttpRequest): JsonDocument {
  try {
    // Depth is limited item by item, so that one item does not stop the others.
    return readJson(text, Number.POSITIVE_INFINITY);
  } catch (cause) {
    const found = text.trim() === '' ? 'an empty body' : /^\s*</.test(text) ? 'an HTML or XML page' : 'something else';
    throw new SluiceError('EVENT_SOURCE_MISCONFIGURED', {
      message: `${what}: HTTP ${status}, expected JSON, found ${found}`,
      fix: 'Check the address: it is the root of a STAC API',
      retryable: expectsJson === true && status !== 204 && status !== 205,
      cause,
    });
  }
}

function toFailure(error: unknown, what: string, timeoutMs: number | undefined): SluiceError {
  if (isSluiceError(error)) return error;
  if (error instanceof BodyTooLarge) {
    return new SluiceError('EVENT_SOURCE_MISCONFIGURED', {
      message: `${what}: the response is larger than ${error.maxBytes} bytes`,
      fix: 'Ask for smaller pages (limit)',
    });
  }
  const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
  if (cause instanceof AddressBlocked) {
    return new SluiceError('EVENT_SOURCE_MISCONFIGURED', {
      message: `${what}: ${cause.message}`,
      fix: BLOCKED_ADDRESS_FIX,
    });
  }
  // Names of OpenSSL's verification errors and Node's own; a retry would meet the same certificate.
  if (/CERT|UNABLE_TO_(GET|VERIFY)/.test(errorCode(cause))) {
    return new SluiceError('EVENT_SOURCE_UNREACHABLE', {
      message: `${what}: the certificate of the server is not trusted`,
      fix: 'Add its authority with NODE_EXTRA_CA_CERTS, or tls.caCertSecret of an event source',
      retryable: false,
      cause,
    });
  }
  const reason = timeoutMs === undefined ? 'no response' : `no complete response within ${timeoutMs / 1000} s`;
  return new SluiceError('EVENT_SOURCE_UNREACHABLE', { message: `${what}: ${reason}`, cause });
}
