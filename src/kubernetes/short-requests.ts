/**
 * Sends short requests to the API server over kept connections. By undici, because `node:https` takes more than twice
 * the processor time for a request, and a burst of events is little else (docs/performance.md).
 */
import { setMaxListeners } from 'node:events';
import { Pool } from 'undici';
import type { KubernetesTls } from './kubernetes-connection';

export interface ShortRequestsOptions {
  /** `https://10.96.0.1:443`, without a path. */
  readonly origin: string;
  readonly tls: KubernetesTls;
  /** Connections at a time. */
  readonly connections: number;
  /** For opening a connection. */
  readonly connectTimeoutMs: number;
}

export interface SentRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** With its query. */
  readonly path: string;
  /** Names and values by turns. */
  readonly headers: string[];
  readonly body?: string;
  readonly signal?: AbortSignal;
  /** From the call to the last byte of the response. */
  readonly timeoutMs: number;
}

export interface ShortResponse {
  readonly status: number;
  readonly body: string;
  /** Of a refusal only. */
  readonly retryAfter?: string;
}

/** The server closed the connection before the first byte of a response. */
export class UnansweredRequest extends Error {}

/** The API server closes idle connections after 90 s; ours close first, so that a request never meets a closing one. */
const IDLE_MS = 45_000;
const CLOSED_BY_SERVER = new Set(['UND_ERR_SOCKET', 'ECONNRESET', 'EPIPE']);

export class ShortRequests {
  private readonly pool: Pool;

  constructor({ origin, tls, connections, connectTimeoutMs }: ShortRequestsOptions) {
    this.pool = new Pool(origin, {
      connections,
      pipelining: 1,
      keepAliveTimeout: IDLE_MS,
      // The limits of each request are below.
      headersTimeout: 0,
      bodyTimeout: 0,
      connect: { ...tls, timeout: connectTimeoutMs },
    });
  }

  /** Rejects with the signal's reason, UnansweredRequest, or what the connection failed of. */
  send({ signal, timeoutMs, ...request }: SentRequest): Promise<ShortResponse> {
    return new Promise((resolve, reject) => {
      let abort: ((reason: Error) => void) | undefined;
      let ended: Error | undefined;
      const end = (reason: Error): void => {
        ended = reason;
        settle();
        reject(reason);
        // Not called for a request that waits for a connection; it ends when it gets one.
        abort?.(reason);
      };
      const onAbort = (): void => end(reasonOf(signal));
      const timer = setTimeout(() => end(new Error(`no complete answer within ${timeoutMs / 1_000} s`)), timeoutMs);
      const settle = (): void => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', onAbort);
      };
      if (signal?.aborted) {
        onAbort();
        return;
      }
      // One listener per in-flight request is expected, not a leak.
      if (signal) setMaxListeners(0, signal);
      signal?.addEventListener('abort', onAbort, { once: true });
      let status = 0;
      let retryAfter: string | undefined;
      const chunks: Buffer[] = [];
      this.pool.dispatch(request, {
        onConnect(abortNow) {
          if (ended !== undefined) abortNow(ended);
          abort = abortNow;
        },
        onHeaders(code, headers) {
          status = code;
          if (code > 299) retryAfter = headerOf(headers, 'retry-after');
          return true;
        },
        onData(chunk) {
          chunks.push(chunk);
          return true;
        },
        onComplete() {
          settle();
          const body = (chunks.length === 1 ? chunks[0] : Buffer.concat(chunks))?.toString('utf8') ?? '';
          resolve({ status, body, ...(retryAfter !== undefined && { retryAfter }) });
        },
        onError(error: Error & { readonly code?: string }) {
          settle();
          const isUnanswered = status === 0 && CLOSED_BY_SERVER.has(error.code ?? '');
          reject(isUnanswered ? new UnansweredRequest(error.message, { cause: error }) : error);
        },
      });
    });
  }

  /** Closes idle and open connections. Idempotent. */
  close(): void {
    if (!this.pool.destroyed) void this.pool.destroy();
  }
}

function reasonOf(signal: AbortSignal | undefined): Error {
  const reason: unknown = signal?.reason;
  return reason instanceof Error ? reason : new Error(String(reason));
}

function headerOf(headers: readonly Buffer[], wanted: string): string | undefined {
  const at = headers.findIndex((name, index) => index % 2 === 0 && name.toString('latin1').toLowerCase() === wanted);
  return at < 0 ? undefined : headers[at + 1]?.toString('latin1');
}
