/**
 * The items that events link to. Whoever can send an event chooses the link, so only what the manifest names is asked,
 * and what servers answer is never quoted: one may echo the credentials.
 */
import { validateHeaderValue } from 'node:http';
import { fetch, type Agent, type Response } from 'undici';
import { AddressBlocked, BLOCKED_ADDRESS_FIX, requireAllowedAddress } from '../clients/blocked-addresses';
import { isTransientStatus } from '../clients/http/http-status';
import { isSluiceError, SluiceError } from '../errors/sluice-error';
import { readJson, type JsonDocument } from '../event/json-text';
import { findStacItems } from '../event/stac-items';
import { parseRetryAfterMs } from '../text/retry-after';
import { isLinkAllowed } from './allowed-link';
import { BodyTooLarge, readBodyText } from './read-body';
import { createGuardedAgent } from './stac-connection';

/** Parsed on the main thread, and NATS accepts no more by default. */
const MAX_BYTES = 1024 * 1024;
const TIMEOUT_MS = 15_000;
const LONGEST_SHOWN = 300;
/** Catalogues announce items before they serve them, and credentials are rotated. */
const MAY_PASS_SOON: readonly number[] = [401, 403, 404];

export interface LinkedItemsOptions {
  /** Where links may lead: `https://stac.example`, `https://*.example.com`, `http://stac.default.svc:8080`. */
  readonly origins: readonly string[];
  /** Sent as bearer token. Throws SECRET_MISSING. */
  readonly token?: () => Promise<string>;
}

/** Why an item could not be read, and whether to try again: `soon` is for what passes within a minute, or never. */
export interface LinkFailure {
  readonly error: SluiceError;
  readonly retry: 'no' | 'soon' | 'yes';
}

export type LinkedItem = { readonly item: JsonDocument } | LinkFailure;

/** Close it when done. */
export class LinkedItems {
  private agent: Agent | undefined;

  constructor(private readonly options: LinkedItemsOptions) {}

  /** Rejects only if `signal` aborts. */
  async read(link: string, signal: AbortSignal): Promise<LinkedItem> {
    const timeout = AbortSignal.timeout(TIMEOUT_MS);
    const what = `GET ${shownLink(link)}`;
    try {
      const response = await this.get(new URL(link), AbortSignal.any([signal, timeout]));
      if (!response.ok) return await refused(what, response);
      return toItem(await readBodyText(response, MAX_BYTES), what);
    } catch (error) {
      signal.throwIfAborted();
      return toFailure(error, what, timeout.aborted);
    }
  }

  async close(): Promise<void> {
    await this.agent?.destroy();
  }

  private async get(url: URL, signal: AbortSignal): Promise<Response> {
    if (url.username + url.password !== '') {
      throw unreadable(`the link to ${url.host} holds a user or a password, so it is not followed`, {
        fix: 'Give credentials by sluice.io/hydrate-token-secret',
      });
    }
    if (!isLinkAllowed(url, this.options.origins)) {
      throw unreadable(`${url.protocol}//${url.host} is not among sluice.io/hydrate-from, so it is not asked`, {
        fix: 'Add it there, if links may lead to it',
      });
    }
    requireAllowedAddress(url.hostname);
    const token = await this.options.token?.();
    this.agent ??= createGuardedAgent();
    return await fetch(url, {
      headers: {
        accept: 'application/geo+json, application/json',
        ...(token !== undefined && { authorization: bearer(token) }),
      },
      redirect: 'manual',
      dispatcher: this.agent,
      signal,
    });
  }
}

/** The client would quote a value that it cannot send. */
function bearer(token: string): string {
  const value = `Bearer ${token}`;
  try {
    validateHeaderValue('authorization', value);
  } catch {
    throw unreadable('the token of sluice.io/hydrate-token-secret cannot be sent', {
      fix: 'It must be plain text on one line',
      retryable: true,
    });
  }
  return value;
}

async function refused(what: string, response: Response): Promise<LinkFailure> {
  const { status, headers } = response;
  await response.body?.cancel();
  const isRedirect = status >= 300 && status < 400;
  const isTransient = isTransientStatus(status);
  const error = unreadable(`${what}: HTTP ${status}${isRedirect ? ', and redirects are not followed' : ''}`, {
    retryable: isTransient,
    retryAfterMs: parseRetryAfterMs(headers.get('retry-after')),
  });
  return { error, retry: isTransient ? 'yes' : MAY_PASS_SOON.includes(status) ? 'soon' : 'no' };
}

function toItem(text: string, what: string): LinkedItem {
  let document: JsonDocument;
  try {
    document = readJson(text);
  } catch (error) {
    // Too deep, or no JSON; a proxy may answer with a page meanwhile.
    const isTooDeep = isSluiceError(error) && error.context['limit'] !== undefined;
    const reason = isTooDeep ? error.message : 'the answer is not JSON';
    return { error: unreadable(`${what}: ${reason}`), retry: isTooDeep ? 'no' : 'soon' };
  }
  const { items = [] } = findStacItems(document, 0) ?? {};
  const [item] = items;
  if (item !== undefined && items.length === 1) return { item };
  return { error: unreadable(`${what}: the answer holds ${items.length} STAC items, expected one`), retry: 'no' };
}

function toFailure(error: unknown, what: string, isTimeout: boolean): LinkFailure {
  if (isSluiceError(error)) return { error, retry: error.retryable ? 'yes' : 'no' };
  if (error instanceof BodyTooLarge) {
    return { error: unreadable(`${what}: the answer is larger than ${MAX_BYTES} bytes`), retry: 'no' };
  }
  const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
  if (cause instanceof AddressBlocked) {
    return { error: unreadable(`${what}: ${cause.message}`, { fix: BLOCKED_ADDRESS_FIX }), retry: 'no' };
  }
  const reason = isTimeout ? `no complete answer within ${TIMEOUT_MS / 1_000} s` : 'no answer';
  return { error: unreadable(`${what}: ${reason}`, { retryable: true, cause }), retry: 'yes' };
}

function unreadable(
  message: string,
  details: Omit<ConstructorParameters<typeof SluiceError>[1], 'message'> = {},
): SluiceError {
  return new SluiceError('EVENT_LINK_UNREADABLE', { message, ...details });
}

/** Without user information, query and fragment, which may hold a token. */
function shownLink(link: string): string {
  const { protocol, host, pathname, search } = new URL(link);
  const shown = `${protocol}//${host}${pathname}${search === '' ? '' : '?…'}`;
  return shown.length > LONGEST_SHOWN ? `${shown.slice(0, LONGEST_SHOWN)}…` : shown;
}
