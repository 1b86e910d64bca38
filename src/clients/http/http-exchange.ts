/**
 * One HTTP request and its response, over keep-alive connections.
 *
 * Built on Node's own client because it sends header names exactly as given, which some receivers require.
 */
import http, { type IncomingHttpHeaders, type IncomingMessage, type OutgoingHttpHeaders } from 'node:http';
import https from 'node:https';
import { SluiceError } from '../../errors/sluice-error';
import { AddressBlocked, allowedLookup, BLOCKED_ADDRESS_FIX, requireAllowedAddress } from '../blocked-addresses';
import { errorCode, errorText } from '../../errors/foreign-errors';
import type { TlsSettings } from '../tls';

export interface HttpExchange {
  readonly url: URL;
  readonly method: string;
  /** Those that frame the message (`Content-Length` …) are ignored, as in Go: connections are shared, see below. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
  /** For the whole exchange, including the body of the response. */
  readonly timeoutMs: number;
  readonly agent: http.Agent;
  readonly signal: AbortSignal;
}

export interface HttpAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  /** Start of the body, at most BODY_LIMIT bytes. */
  readonly text: string;
}

/** A trigger has no use for more of a response than this. */
const BODY_LIMIT = 64 * 1024;

/**
 * Written by Node itself. A `Content-Length` larger than the body would make the receiver take the next request on the
 * same connection, which may be another tenant's, for the rest of this one.
 */
const FRAMING_HEADERS: readonly string[] = ['content-length', 'transfer-encoding', 'trailer'];

/** Creates an agent that keeps connections open; `tls` applies to https only. Destroy it when done. */
export function createAgent(protocol: string, tls: TlsSettings | undefined): http.Agent {
  // Below the idle timeout of common servers and load balancers (60 s and more). A burst makes up to 200 calls at once,
  // and the next batch needs its connections again.
  const options = { keepAlive: true, timeout: 50_000, maxFreeSockets: 256, lookup: allowedLookup };
  return protocol === 'https:' ? new https.Agent({ ...options, ...tls }) : new http.Agent(options);
}

/** Returns `https://host/path`, without the query and user information, which often hold secrets. */
export function describeUrl(url: URL): string {
  return `${url.protocol}//${url.host}${url.pathname}`;
}

/**
 * Redirects are returned like any other response. Throws TRIGGER_UNREACHABLE if no response arrived (network, TLS,
 * time-out), TRIGGER_REFUSED for a request that cannot be sent, and the signal's reason if it was aborted.
 */
export async function exchangeHttp(exchange: HttpExchange): Promise<HttpAnswer> {
  const deadline = AbortSignal.timeout(exchange.timeoutMs);
  const signal = AbortSignal.any([exchange.signal, deadline]);
  let reused = false;
  const attempt = () => sendOnce(exchange, signal, (isReused) => (reused = isReused));
  try {
    requireAllowedAddress(exchange.url.hostname);
    try {
      return await attempt();
    } catch (error) {
      // The server closed an idle connection just as we used it. This is expected: connect again.
      if (reused && !signal.aborted && isHangUp(error)) return await attempt();
      throw error;
    }
  } catch (error) {
    exchange.signal.throwIfAborted();
    throw describeFailure(error, exchange, deadline.aborted);
  }
}

function sendOnce(
  { url, method, headers, body, agent }: HttpExchange,
  signal: AbortSignal,
  onSocket: (isReused: boolean) => void,
): Promise<HttpAnswer> {
  return new Promise((resolve, reject) => {
    const outgoing: OutgoingHttpHeaders = Object.fromEntries(
      Object.entries(headers).filter(([name]) => !FRAMING_HEADERS.includes(name.toLowerCase())),
    );
    if (body !== undefined) outgoing['Content-Length'] = Buffer.byteLength(body);
    // The certificate must belong to the host that the URL names, also when the Host header says otherwise.
    const options = { method, headers: outgoing, agent, signal, servername: isIpAddress(url) ? '' : url.hostname };
    const send = url.protocol === 'https:' ? https.request : http.request;
    const request = send(url, options, (response) => {
      readAnswer(response).then(resolve, reject);
    });
    request.on('socket', () => onSocket(request.reusedSocket));
    request.on('error', reject);
    request.end(body);
  });
}

async function readAnswer(response: IncomingMessage): Promise<HttpAnswer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of response) {
    if (!Buffer.isBuffer(chunk)) continue;
    chunks.push(chunk);
    size += chunk.length;
    // Leaving the loop destroys the connection, which is cheaper than reading on.
    if (size >= BODY_LIMIT) break;
  }
  const text = Buffer.concat(chunks).subarray(0, BODY_LIMIT).toString('utf8');
  return { status: response.statusCode ?? 0, headers: response.headers, text };
}

function isIpAddress(url: URL): boolean {
  return /^\[|^\d+(\.\d+){3}$/.test(url.hostname);
}

function isHangUp(error: unknown): boolean {
  return ['ECONNRESET', 'EPIPE'].includes(errorCode(error));
}

function describeFailure(error: unknown, { url, method, timeoutMs }: HttpExchange, timedOut: boolean): SluiceError {
  const target = `${method} ${describeUrl(url)}`;
  const code = errorCode(error);
  const detail = errorText(error);
  if (error instanceof AddressBlocked) {
    return new SluiceError('TRIGGER_REFUSED', {
      message: `${target} is not sent: ${detail}`,
      fix: BLOCKED_ADDRESS_FIX,
    });
  }
  if (timedOut) {
    return new SluiceError('TRIGGER_UNREACHABLE', {
      message: `${target} got no complete answer within ${timeoutMs / 1_000} s`,
      fix: 'Check that the receiver is up, or raise `timeout`',
    });
  }
  if (code === 'ERR_INVALID_CHAR' || code === 'ERR_INVALID_HTTP_TOKEN' || code === 'ERR_UNESCAPED_CHARACTERS') {
    // Node's text names the header, never its value.
    return new SluiceError('TRIGGER_REFUSED', {
      message: `${target} cannot be sent: ${detail}`,
      fix: 'Header names and values must be plain text on one line',
    });
  }
  const aboutTls = /CERT|SSL|TLS|SELF_SIGNED|UNABLE_TO/.test(code);
  return new SluiceError('TRIGGER_UNREACHABLE', {
    message: `${target} got no answer: ${detail}`,
    fix: aboutTls
      ? 'Check `tls`: caCertSecret must hold the certificate authority of the receiver, clientCertSecret and clientKeySecret a pair it accepts'
      : 'Check the address and that the receiver can be reached from the worker',
    cause: error,
  });
}
