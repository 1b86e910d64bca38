/** Redirects never turn a search into another one, and never carry credentials to another host. */
import { SluiceError } from '../errors/sluice-error';
import type { HttpRequest } from './exchange';
import { shownUrl } from './stac-refusal';

export const MAX_REDIRECTS = 5;

export function isRedirect(status: number): boolean {
  return [301, 302, 303, 307, 308].includes(status);
}

/**
 * 301 and 302 keep the method, too: clients that turn POST into GET drop the body, and a search without its body
 * matches everything. 303 requires exactly that, so a search with that response cannot be followed.
 */
export function redirectedRequest(request: HttpRequest, status: number, location: string): HttpRequest {
  if (!URL.canParse(location, request.url)) throw redirectRefused(request, 'redirected to an invalid address');
  const from = new URL(request.url);
  const to = new URL(location, from);
  if (to.protocol !== from.protocol && to.protocol !== 'https:') {
    throw redirectRefused(request, `redirected from ${from.protocol}// to ${to.protocol}//`);
  }
  if (request.method === 'POST' && status === 303) {
    throw new SluiceError('EVENT_SOURCE_MISCONFIGURED', {
      message: `POST ${shownUrl(request.url)}: HTTP 303 to ${shownUrl(to.href)}, where the search would be lost`,
      fix: 'Search by the method get, or name the address that the server redirects to',
    });
  }
  to.username = '';
  to.password = '';
  // A fragment is never sent; the one of the first URL would apply to the new one.
  to.hash = '';
  return { ...request, url: to.href, headers: to.host === from.host ? request.headers : undefined };
}

export function redirectRefused({ method, url }: HttpRequest, reason: string): SluiceError {
  return new SluiceError('EVENT_SOURCE_MISCONFIGURED', {
    message: `${method} ${shownUrl(url)}: ${reason}`,
    fix: 'Name the final address of the API',
  });
}
