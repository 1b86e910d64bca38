/** HTTP servers for webhooks: one per port in this process, shared by every event name on that port. */
import { createServer as createHttpServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import { once } from 'node:events';

export type WebhookRoute = (request: IncomingMessage, response: ServerResponse) => Promise<void>;

export interface ServerCertificate {
  readonly cert: string;
  readonly key: string;
}

/** Why a route cannot be added: somebody else in this process has the endpoint, or serves the port differently. */
export class RouteConflict extends Error {}

interface SharedServer {
  readonly server: Server;
  readonly routes: Map<string, WebhookRoute>;
  readonly certificate: ServerCertificate | undefined;
  readonly listening: Promise<void>;
}

const servers = new Map<number, SharedServer>();

/** Starts listening if this is the port's first route. The result removes the route, and ends the server with its last. */
export async function addWebhookRoute(
  port: number,
  endpoint: string,
  certificate: ServerCertificate | undefined,
  route: WebhookRoute,
): Promise<() => Promise<void>> {
  const shared = servers.get(port) ?? openServer(port, certificate);
  if (shared.certificate?.cert !== certificate?.cert) {
    throw new RouteConflict(`port ${port} is already served with another certificate or without TLS`);
  }
  if (shared.routes.has(endpoint)) throw new RouteConflict(`endpoint ${endpoint} on port ${port} is already taken`);
  shared.routes.set(endpoint, route);
  const remove = (): Promise<void> => removeRoute(port, shared, endpoint);
  try {
    await shared.listening;
  } catch (error) {
    await remove();
    throw error;
  }
  return remove;
}

function openServer(port: number, certificate: ServerCertificate | undefined): SharedServer {
  const routes = new Map<string, WebhookRoute>();
  const onRequest = (request: IncomingMessage, response: ServerResponse): void => {
    const path = pathOf(request);
    const route = routes.get(path);
    if (route) void route(request, response);
    else if (path === '/health') respond(response, 200, 'OK');
    else respond(response, 404, 'unknown endpoint');
  };
  const server = certificate ? createHttpsServer({ ...certificate }, onRequest) : createHttpServer(onRequest);
  const listening = Promise.race([
    once(server, 'listening').then(() => undefined),
    once(server, 'error').then(([error]) => Promise.reject(error as Error)),
  ]);
  // Every caller awaits it; this only keeps a failure from counting as unhandled before they do.
  listening.catch(() => undefined);
  server.listen(port);
  const shared = { server, routes, certificate, listening };
  servers.set(port, shared);
  return shared;
}

async function removeRoute(port: number, shared: SharedServer, endpoint: string): Promise<void> {
  if (!shared.routes.delete(endpoint) || shared.routes.size > 0) return;
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
