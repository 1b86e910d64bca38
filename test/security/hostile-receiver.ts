/** A receiver that says everything it got in its answers, as error pages of proxies and debug servers do. */
import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http';
import { createServer as createTlsServer, type ServerOptions } from 'node:https';
import type { AddressInfo } from 'node:net';

export interface HostileReceiver {
  readonly url: string;
  /** Paths that were asked for, with the header Authorization. */
  readonly requests: ReadonlyArray<{ readonly path: string; readonly authorization: string }>;
  stop(): Promise<void>;
}

/**
 * Paths: `/status/401` answers with that status, `/redirect` leads back here, `/slack/…` refuses as Slack does;
 * everything else is taken.
 */
export async function startHostileReceiver(tls?: ServerOptions): Promise<HostileReceiver> {
  const requests: Array<{ path: string; authorization: string }> = [];
  const answer: RequestListener = (request, response) => {
    const path = request.url ?? '';
    requests.push({ path, authorization: request.headers.authorization ?? '' });
    request.resume().once('end', () => {
      const echo = echoOf(request);
      const status = Number(/^\/status\/(\d+)/.exec(path)?.[1] ?? 200);
      if (path.startsWith('/slack/')) return response.end(JSON.stringify({ ok: false, error: `not_authed: ${echo}` }));
      if (path.startsWith('/redirect')) {
        return response.writeHead(302, echo.slice(0, 0), { location: `/taken?${encodeURIComponent(echo)}` }).end(echo);
      }
      response.writeHead(status, `No ${printable(echo)}`, { 'www-authenticate': `Basic realm="${printable(echo)}"` });
      return response.end(echo);
    });
  };
  const server: Server = tls === undefined ? createServer(answer) : createTlsServer(tls, answer);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `${tls === undefined ? 'http' : 'https'}://127.0.0.1:${port}`,
    requests,
    stop: () => {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

function echoOf({ url, rawHeaders }: IncomingMessage): string {
  return `${url} ${rawHeaders.join(' ')}`;
}

function printable(text: string): string {
  return text.replace(/[^ -!#-~]/g, ' ').slice(0, 1_000);
}
