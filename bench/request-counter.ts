/** The target of HTTP triggers: responds at once, and counts the different bodies that came to each path. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface RequestCounter {
  readonly url: string;
  count(path: string): number;
  stop(): void;
}

export async function startRequestCounter(): Promise<RequestCounter> {
  const bodies = new Map<string, Set<string>>();
  const server = createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8');
    request.on('data', (chunk: string) => (body += chunk));
    request.on('end', () => {
      const path = request.url ?? '';
      bodies.set(path, (bodies.get(path) ?? new Set()).add(body));
      response.end('ok');
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    count: (path) => bodies.get(path)?.size ?? 0,
    stop() {
      server.close();
      server.closeAllConnections();
    },
  };
}
