/**
 * Decrypts payloads for the Temporal UI and the Temporal CLI, by Temporal's protocol of remote codecs: POST /decode and
 * /encode. Responses contain the content of events, so each needs a token or a session, and web pages are served only
 * if their origin was named.
 */
import { createServer as createHttpServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { PayloadCodec } from '@temporalio/common';
import type { Logger } from 'pino';
import { describeError, isSluiceError } from '../errors/sluice-error';
import { BodyReader, BodyRefused } from '../sources/webhook-body';
import type { CheckToken } from './callers';
import { ProtocolError, readPayloads, writePayloads } from './remote-codec';
import { Sessions, signInPage } from './sessions';

export interface CodecServerOptions {
  readonly host: string;
  /** 0 selects a free port. */
  readonly port: number;
  /** PEM. */
  readonly tls?: { readonly cert: string; readonly key: string };
  /** TLS ends before this server. */
  readonly isBehindTls: boolean;
  /** Origins of web pages that may send requests, such as `https://temporal.example.com`. */
  readonly origins: readonly string[];
  readonly checkToken: CheckToken;
  /** One codec for each Temporal namespace that is served. */
  readonly codecs: ReadonlyMap<string, PayloadCodec>;
  /** Gets one line per response: caller, action, count. Never a payload or a token. */
  readonly log: Logger;
}

export interface CodecServer {
  readonly url: string;
  close(): Promise<void>;
}

/** A payload has at most 2 MB, a workflow task 4 MB, and base64 adds a third. */
const MAX_BODY_BYTES = 8 * 1024 * 1024;
/** A form with one token. Any sender may post one, so it must not use the memory of requests with a token. */
const MAX_FORM_BYTES = 16 * 1024;
const HEADERS_TIMEOUT_MS = 10_000;
const REQUEST_TIMEOUT_MS = 60_000;
const MAX_CONNECTIONS = 1_000;

export async function startCodecServer(options: CodecServerOptions): Promise<CodecServer> {
  const handler = new RequestHandler(options);
  const listener = (request: IncomingMessage, response: ServerResponse): void => void handler.handle(request, response);
  const limits = { headersTimeout: HEADERS_TIMEOUT_MS, requestTimeout: REQUEST_TIMEOUT_MS };
  const server: Server = options.tls
    ? createHttpsServer({ ...limits, ...options.tls }, listener)
    : createHttpServer(limits, listener);
  server.maxConnections = MAX_CONNECTIONS;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port, options.host, resolve);
  });
  const { port } = server.address() as AddressInfo;
  const host = options.host.includes(':') ? `[${options.host}]` : options.host;
  return {
    url: `${options.tls ? 'https' : 'http'}://${host}:${port}`,
    close: async () => {
      handler.close();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

interface Answer {
  readonly status: number;
  readonly body: string;
  readonly type?: 'application/json' | 'text/html; charset=utf-8' | 'text/plain';
  readonly headers?: Readonly<Record<string, string>>;
}

class RequestHandler {
  private readonly bodies = new BodyReader(MAX_BODY_BYTES);
  private readonly forms = new BodyReader(MAX_FORM_BYTES);
  private readonly sessions: Sessions;

  constructor(private readonly options: CodecServerOptions) {
    this.sessions = new Sessions(options.tls !== undefined || options.isBehindTls);
  }

  close(): void {
    this.bodies.stop();
    this.forms.stop();
  }

  async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let answer: Answer;
    try {
      answer = await this.answer(request);
    } catch (error) {
      if (error instanceof BodyRefused) answer = refuse(error.refusal === 'tooLarge' ? 413 : 408, error.refusal);
      else {
        this.options.log.error({ error: describeError(error) }, 'request failed');
        answer = refuse(500, 'internal error, see the log of the codec server');
      }
    }
    const { status, body, type = 'application/json', headers } = answer;
    if (status >= 400 && status < 500)
      this.options.log.info(
        { status, origin: request.headers.origin },
        `refused: ${type === 'application/json' ? body : 'sign-in'}`,
      );
    response.writeHead(status, {
      'content-type': type,
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
      'content-security-policy':
        "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'",
      // Without a referrer, browsers would send the sign-in form without its origin.
      'referrer-policy': 'same-origin',
      ...this.corsHeaders(request),
      ...(status === 401 ? { 'www-authenticate': 'Bearer' } : {}),
      // The rest of a refused body is not read.
      ...(request.complete ? {} : { connection: 'close' }),
      ...headers,
    });
    response.end(body);
  }

  private async answer(request: IncomingMessage): Promise<Answer> {
    const { method, url = '/' } = request;
    const path = url.split('?')[0] ?? '/';
    if (path === '/healthz') return { status: 200, body: 'ok', type: 'text/plain' };
    if (path === '/' && method === 'GET') {
      return page(200, 'Sign in with a token, then let the Temporal UI include cross-origin credentials.');
    }
    if (path === '/sign-in' && method === 'POST') return await this.signIn(request);
    if (path !== '/encode' && path !== '/decode') return refuse(404, 'unknown path: POST /decode or /encode');
    // Browsers send the origin of the page; programs send none.
    const { origin } = request.headers;
    if (origin !== undefined && !this.isAllowed(origin)) {
      return refuse(403, `origin ${JSON.stringify(origin)} is not allowed: allow it with --origin`);
    }
    if (method === 'OPTIONS') return { status: 204, body: '', headers: preflightHeaders(request) };
    if (method !== 'POST') return refuse(405, 'POST is expected');
    return await this.code(request, path === '/encode' ? 'encode' : 'decode');
  }

  private async code(request: IncomingMessage, action: 'encode' | 'decode'): Promise<Answer> {
    // A form of any web page could send another content type than this.
    if (!/^application\/json\b/i.test(request.headers['content-type'] ?? '')) {
      return refuse(415, 'Content-Type: application/json is expected');
    }
    const name = await this.identify(request);
    if (name === undefined) return refuse(401, 'a token, or signing in, is required');
    const namespace = this.namespaceOf(request);
    if (namespace === undefined) return refuse(400, 'X-Namespace is required, because several namespaces are served');
    const codec = this.options.codecs.get(namespace);
    if (codec === undefined) return refuse(403, `namespace ${JSON.stringify(namespace)} is not served here`);
    const body = (await this.bodies.read(request)).toString('utf8');
    try {
      const payloads = readPayloads(body);
      const coded = await codec[action](payloads);
      this.options.log.info({ by: name, action, namespace, payloads: payloads.length }, 'answered');
      return { status: 200, body: JSON.stringify(writePayloads(coded)) };
    } catch (error) {
      if (error instanceof ProtocolError) return refuse(400, error.message);
      if (!isSluiceError(error)) throw error;
      return refuse(422, describeError(error), error.code);
    }
  }

  /** Accepts only its own page: another one could sign users in under a different name. */
  private async signIn(request: IncomingMessage): Promise<Answer> {
    const { origin, host } = request.headers;
    if (origin !== undefined && !(URL.canParse(origin) && new URL(origin).host === host))
      return refuse(403, 'another origin');
    const form = new URLSearchParams((await this.forms.read(request)).toString('utf8'));
    const name = await this.options.checkToken(form.get('token') ?? '');
    if (name === undefined) return page(401, 'That token is not accepted.');
    this.options.log.info({ by: name }, 'signed in');
    return {
      ...page(200, 'You are signed in for eight hours. The Temporal UI can decode now.'),
      headers: { 'set-cookie': this.sessions.open(name) },
    };
  }

  /** A session counts only for web pages, whose origin was checked before. */
  private async identify({ headers }: IncomingMessage): Promise<string | undefined> {
    const [, token] = /^Bearer\s+(\S+)$/i.exec(headers.authorization ?? '') ?? [];
    if (token !== undefined) return await this.options.checkToken(token);
    return headers.origin === undefined ? undefined : this.sessions.find(headers.cookie);
  }

  /** The Temporal CLI leaves the header empty for the default namespace. */
  private namespaceOf({ headers: { 'x-namespace': named } }: IncomingMessage): string | undefined {
    if (typeof named === 'string' && named !== '') return named;
    const [only, ...others] = this.options.codecs.keys();
    return others.length === 0 ? only : undefined;
  }

  private corsHeaders({ headers: { origin } }: IncomingMessage): Record<string, string> {
    if (origin === undefined || !this.isAllowed(origin)) return { vary: 'Origin' };
    return {
      vary: 'Origin',
      'access-control-allow-origin': origin,
      'access-control-allow-credentials': 'true',
    };
  }

  private isAllowed(origin: string): boolean {
    return this.options.origins.includes(origin);
  }
}

function preflightHeaders({ headers }: IncomingMessage): Record<string, string> {
  return {
    'access-control-allow-methods': 'POST',
    'access-control-allow-headers': 'Authorization, Authorization-Extras, Content-Type, X-Namespace',
    'access-control-max-age': '600',
    // A page from a public network asks whether it may send requests to this machine.
    ...(headers['access-control-request-private-network'] === 'true'
      ? { 'access-control-allow-private-network': 'true' }
      : {}),
  };
}

function page(status: number, notice: string): Answer {
  return { status, body: signInPage(notice), type: 'text/html; charset=utf-8' };
}

function refuse(status: number, message: string, code?: string): Answer {
  return { status, body: JSON.stringify({ message, ...(code === undefined ? {} : { code }) }) };
}
