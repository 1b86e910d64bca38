/** Explains a status other than success, and what an operator can do about it. */
import type { Response } from 'undici';
import { SluiceError } from '../errors/sluice-error';
import { isJsonObject, parseJson } from '../event/json';
import { parseRetryAfterMs } from '../text/retry-after';
import type { HttpRequest } from './exchange';

const LONGEST_DETAIL = 200;

/** The HTTP status is `context.status` of the error. `text` is the body of the response. */
export function refusal(what: string, { method }: HttpRequest, response: Response, text: string): SluiceError {
  const { status, statusText, headers } = response;
  const message = [`${what}: HTTP ${status}`, statusText, detailOf(text)].filter((part) => part !== '').join(' ');
  const context = { status };
  if (isTransientStatus(status)) {
    const retryAfterMs = parseRetryAfterMs(headers.get('retry-after'));
    return new SluiceError('EVENT_SOURCE_UNREACHABLE', { message, context, retryAfterMs });
  }
  return new SluiceError('EVENT_SOURCE_MISCONFIGURED', { message, context, fix: fixOf(status, method) });
}

/** Returns true if the API refuses the method itself; gateways return 403 for a method that they do not route. */
export function isMethodRefusal(status: unknown): boolean {
  return status === 403 || status === 405 || status === 501;
}

function isTransientStatus(status: number): boolean {
  return status === 408 || status === 425 || status === 429 || (status >= 500 && ![501, 505].includes(status));
}

function fixOf(status: number, method: HttpRequest['method']): string {
  if (isMethodRefusal(status)) {
    return method === 'POST'
      ? 'Try the method get, and check the credentials'
      : 'Check the address of the API and the credentials';
  }
  if (status === 401) return 'Give credentials that the API accepts';
  if (status === 404) return 'Check the address of the API and the collections';
  if (status === 413 || status === 414) return 'Shorten the search, or use the method post';
  if (status >= 300 && status < 400) return 'Name the final address of the API';
  return 'Check the search parameters; some APIs also refuse large pages (limit)';
}

/** Returns the API's own explanation, on one line; never a whole page. */
function detailOf(text: string): string {
  if (/^\s*</.test(text)) return '(an HTML or XML page)';
  const line = (described(text) ?? text).replace(/\s+/g, ' ').trim();
  return line.length > LONGEST_DETAIL ? `${line.slice(0, LONGEST_DETAIL)}…` : line;
}

function described(text: string): string | undefined {
  try {
    const json = parseJson(text);
    if (!isJsonObject(json)) return undefined;
    return [json['description'], json['detail'], json['message']].find((value) => typeof value === 'string');
  } catch {
    return undefined;
  }
}

/** Returns the URL for messages: without credentials and without the query, which may hold a token. */
export function shownUrl(url: string): string {
  const { protocol, host, pathname, search } = new URL(url);
  return `${protocol}//${host}${pathname}${search === '' ? '' : '?…'}`;
}
