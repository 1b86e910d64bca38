/** HTTP servers for webhooks: one per port in this process, shared by every event name on that port. */
import { once } from 'node:events';
import { createServer as createHttpServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createHttpsServer, type Server as HttpsServer } from 'node:https';
import type { Socket } from 'node:net';
import { limitConnections } from './webhook-connections';

/** Bounds callers that send their headers slowly. */
const HEADERS_TIMEOUT_MS = 10_000;
/** The longest that a whole request may take; its body has a stricter limit of its own (webhook-body.ts). */
const REQUEST_TIMEOUT_MS = 300_000;
const CHECK_CONNECTIONS_EVERY_MS = 2_000;
/** As long as a client may take for its headers. */
const HANDSHAKE_TIMEOUT_MS = 10_000;

/** Node handles all requests of a packet in one turn of the event loop; callers wait for answers, so they send one. */
const MAX_PER_TURN = 20;
/** How long an endpoint whose route was removed asks to be called again, instead of being unknown. */
const FORMER_FOR_MS = 60_000;

export type WebhookRoute = (request: IncomingMessage, response: ServerResponse) => Promise<void>;

export interface ServerCertificate {
  /** Identifies the Secret it is from, which may hold another certificate later. */
  readonly origin: string;
  readonly cert: string;
  readonly key: string;
}

/** Why a route cannot be added: another one in this process has the endpoint, or serves the port differently. */
export class RouteConflict extends Error {}

export interface WebhookListener {
  /** Applies to new connections; open ones continue. Throws if certificate and key do not match. */
  replaceCertificate(certificate: ServerCertificate): void;
  /** Removes the route, and closes the server with its last route. */
  remove(): Promise<void>;
}

interface OwnedRoute {
  readonly owner: string;
  readonly serve: WebhookRoute;
}

interface SharedServer {
  readonly server: Server;
  readonly secure: HttpsServer | undefined;
  /**
   * The last one of each list serves. A worker that stood still may be given two attempts at once to read one event, and
   * learns only later which of them is stale; both have the same owner, and either may be removed first.
   */
  readonly routes: Map<string, readonly OwnedRoute[]>;
  /** Endpoint → when its last route was removed. */
  readonly former: Map<string, number>;
  certificate: ServerCertificate | undefined;
  readonly listening: Promise<void>;
}

const servers = new Map<number, SharedServer>();

/** Starts listening if this is the port's first route. `owner`: an event of an event source. Throws RouteConflict. */
export async function addWebhookRoute(
  port: number,
  endpoint: string,
  owner: string,
  certificate: ServerCertificate | undefined,
  serve: WebhookRoute,
): Promise<WebhookListener> {
  const shared = servers.get(port) ?? openServer(port, certificate);
  const { certificate: served } = shared;
  if (served?.cert !== certificate?.cert && (served === undefined || served.origin !== certificate?.origin)) {
    throw new RouteConflict(`port ${port} is already served with another certificate or without TLS`);
  }
  const present = shared.routes.get(endpoint) ?? [];
  if (present.some((route) => route.owner !== owner)) {
    throw new RouteConflict(`endpoint ${endpoint} on port ${port} is already in use`);
  }
  const route: OwnedRoute = { owner, serve };
  shared.routes.set(endpoint, [...present, route]);
  const remove = (): Promise<void> => removeRoute(port, shared, endpoint, route);
  try {
    await shared.listening;
  } catch (error) {
    await remove();
    throw error;
  }
  return { remove, replaceCertificate: (next) => replaceCertificate(shared, next) };
}

function replaceCertificate(shared: SharedServer, next: ServerCertificate): void {
  const { certificate, secure } = shared;
  if (certificate?.cert === next.cert && certificate.key === next.key) return;
  const { cert, key } = next;
  secure?.setSecureContext({ cert, key });
  shared.certificate = next;
}

function openServer(port: number, certificate: ServerCertificate | undefined): SharedServer {
  const routes: SharedServer['routes'] = new Map();
  const former: SharedServer['former'] = new Map();
  /** Requests of each connection in this turn of the event loop. */
  const inThisTurn = new Map<Socket, number>();
  const onRequest = (request: IncomingMessage, response: ServerResponse): void => {
    const { socket } = request;
    if (socket.destroyed) return;
    const count = (inThisTurn.get(socket) ?? 0) + 1;
    if (count > MAX_PER_TURN) {
      socket.destroy();
      return;
    }
    if (count === 1) setImmediate(() => inThisTurn.delete(socket));
    inThisTurn.set(socket, count);
    const path = pathOf(request);
    const route = routes.get(path)?.at(-1);
    if (route) route.serve(request, response).catch(() => response.destroy());
    else if (path === '/health') respond(response, 200, 'OK');
    else if (performance.now() - (former.get(path) ?? -Infinity) < FORMER_FOR_MS) {
      respond(response, 503, 'not being read at the moment, please try again', { 'Retry-After': '5' });
    } else respond(response, 404, 'unknown endpoint');
  };
  const options = {
    headersTimeout: HEADERS_TIMEOUT_MS,
    requestTimeout: REQUEST_TIMEOUT_MS,
    connectionsCheckingInterval: CHECK_CONNECTIONS_EVERY_MS,
  };
  const secure = certificate
    ? createHttpsServer(
        { ...options, handshakeTimeout: HANDSHAKE_TIMEOUT_MS, cert: certificate.cert, key: certificate.key },
        onRequest,
      )
    : undefined;
  const server = secure ?? createHttpServer(options, onRequest);
  limitConnections(server);
  // After the start, an error of one connection must not end the process.
  server.on('error', () => undefined);
  const listening = Promise.race([
    once(server, 'listening').then(() => undefined),
    once(server, 'error').then(([error]) => Promise.reject(error as Error)),
  ]);
  // Every caller awaits it; this only keeps a failure from counting as unhandled before they do.
  listening.catch(() => undefined);
  server.listen(port);
  const shared: SharedServer = { server, secure, routes, former, certificate, listening };
  servers.set(port, shared);
  return shared;
}

async function removeRoute(port: number, shared: SharedServer, endpoint: string, route: OwnedRoute): Promise<void> {
  const { routes } = shared;
  const others = (routes.get(endpoint) ?? []).filter((other) => other !== route);
  if (others.length > 0) {
    routes.set(endpoint, others);
    return;
  }
  if (!routes.delete(endpoint)) return;
  shared.former.set(endpoint, performance.now());
  if (routes.size > 0) return;
  if (servers.get(port) === shared) servers.delete(port);
  if (!shared.server.listening) return;
  const closed = once(shared.server, 'close');
  shared.server.close();
  shared.server.closeIdleConnections();
  const impatience = setTimeout(() => shared.server.closeAllConnections(), 2_000);
  await closed;
  clearTimeout(impatience);
}

function pathOf(request: IncomingMessage): string {
  return (request.url ?? '/').split('?', 1)[0] ?? '/';
}

export function respond(
  response: ServerResponse,
  status: number,
  text: string,
  headers: Record<string, string> = {},
): void {
  if (response.headersSent || response.destroyed) return;
  response.writeHead(status, { 'Content-Type': 'text/plain; charset=utf-8', ...headers });
  response.end(text);
}
