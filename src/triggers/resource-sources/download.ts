/** One GET of a small document, for sources that use HTTP. */
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest, type RequestOptions } from 'node:https';
import { errorCode } from '../../errors/foreign-errors';
import { SluiceError } from '../../errors/sluice-error';
import {
  AddressBlocked,
  allowedLookup,
  BLOCKED_ADDRESS_FIX,
  requireAllowedAddress,
} from '../../clients/blocked-addresses';

export interface Download {
  readonly url: URL;
  /** The source's name in messages, without secrets. */
  readonly origin: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly tls?: Pick<RequestOptions, 'ca' | 'rejectUnauthorized'>;
  readonly maxBytes: number;
  readonly signal: AbortSignal;
}

const TIMEOUT_MS = 30_000;
const MAX_REDIRECTS = 5;

/**
 * Follows redirects, without the headers once the host changes and never from https to http. Throws
 * TRIGGER_SOURCE_UNREADABLE.
 */
export async function download(source: Download): Promise<string> {
  const signal = AbortSignal.any([source.signal, AbortSignal.timeout(TIMEOUT_MS)]);
  let { url, headers } = source;
  try {
    for (let redirects = 0; redirects <= MAX_REDIRECTS; redirects++) {
      const response = await get({ ...source, url, headers }, signal);
      const { location } = response.headers;
      if (location === undefined || !isRedirect(response)) return await readText(response, source);
      response.resume();
      const next = readLocation(location, url, source);
      if (next.host !== url.host) headers = {};
      url = next;
    }
  } catch (error) {
    source.signal.throwIfAborted();
    if (error instanceof SluiceError) throw error;
    if (error instanceof AddressBlocked) {
      throw unreadable(source, error.message, { fix: BLOCKED_ADDRESS_FIX, retryable: false });
    }
    if (isUntrusted(error)) {
      throw unreadable(source, `the server's certificate is not trusted`, {
        fix: 'Add its authority to NODE_EXTRA_CA_CERTS of the worker',
        retryable: false,
        cause: error,
      });
    }
    throw unreadable(source, 'no answer', { retryable: true, cause: error });
  }
  throw unreadable(source, `more than ${MAX_REDIRECTS} redirects`, { retryable: false });
}

/** Returns the target of a redirect. Its text is untrusted and stays out of messages. */
function readLocation(location: string, from: URL, source: Download): URL {
  if (!URL.canParse(location, from.href))
    throw unreadable(source, 'redirected without an address', { retryable: false });
  const next = new URL(location, from);
  if (next.protocol !== from.protocol && next.protocol !== 'https:') {
    throw unreadable(source, `redirected from ${from.protocol}// to ${next.protocol}//`, {
      fix: 'Set the final address',
      retryable: false,
    });
  }
  return next;
}

function isRedirect({ statusCode = 0 }: IncomingMessage): boolean {
  return [301, 302, 303, 307, 308].includes(statusCode);
}

function get({ url, headers, tls, origin }: Download, signal: AbortSignal): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    if (url.protocol !== 'https:' && url.protocol !== 'http:') {
      reject(
        new SluiceError('TRIGGER_SOURCE_UNREADABLE', {
          message: `${origin}: expected an http or https address, found ${url.protocol}`,
          retryable: false,
        }),
      );
      return;
    }
    requireAllowedAddress(url.hostname);
    const send = url.protocol === 'https:' ? httpsRequest : httpRequest;
    const request = send(url, { headers, signal, agent: false, lookup: allowedLookup, ...tls }, resolve);
    request.on('error', reject);
    request.end();
  });
}

async function readText(response: IncomingMessage, source: Download): Promise<string> {
  const { statusCode = 0 } = response;
  if (statusCode !== 200) {
    response.resume();
    const isPassing = statusCode >= 500 || [408, 425, 429].includes(statusCode);
    throw unreadable(source, `expected status 200, got ${statusCode}`, { retryable: isPassing });
  }
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    size += chunk.byteLength;
    if (size > source.maxBytes) {
      response.destroy();
      throw unreadable(source, `larger than ${source.maxBytes} bytes`, { retryable: false });
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** Names of OpenSSL's verification errors and Node's own; a retry would meet the same certificate. */
function isUntrusted(error: unknown): boolean {
  return /CERT|UNABLE_TO_(GET|VERIFY)/.test(errorCode(error));
}

function unreadable(
  { origin }: Download,
  reason: string,
  details: { retryable: boolean; fix?: string; cause?: unknown },
): SluiceError {
  return new SluiceError('TRIGGER_SOURCE_UNREADABLE', { message: `${origin}: ${reason}`, ...details });
}
