/** Bounds the connections of a server: each takes memory and a file descriptor, which the worker's clients need, too. */
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

const MOST_CONNECTIONS = 5_000;

/**
 * Beyond the limit, the connection that has waited for a request for the longest is closed: callers that have one send it
 * at once. The limit of Node itself refuses new callers and keeps those that only wait.
 */
export function limitConnections(server: Server, most = MOST_CONNECTIONS): void {
  /** Without a request in hand, the longest idle first. By the caller's address, as TLS has a socket of its own. */
  const idle = new Map<string, Socket>();
  const busy = new Map<string, { readonly socket: Socket; requests: number }>();
  server.on('connection', (socket: Socket) => {
    const caller = callerOf(socket);
    idle.set(caller, socket);
    socket.once('close', () => {
      if (idle.get(caller) === socket) idle.delete(caller);
      if (busy.get(caller)?.socket === socket) busy.delete(caller);
    });
    if (idle.size + busy.size <= most) return;
    const [[oldest, waiting] = [caller, socket]] = idle;
    idle.delete(oldest);
    waiting.destroy();
  });
  server.prependListener('request', ({ socket }: IncomingMessage, response: ServerResponse) => {
    const caller = callerOf(socket);
    const connection = busy.get(caller) ?? { socket: idle.get(caller) ?? socket, requests: 0 };
    connection.requests += 1;
    idle.delete(caller);
    busy.set(caller, connection);
    response.once('close', () => {
      connection.requests -= 1;
      if (connection.requests > 0 || !busy.delete(caller) || connection.socket.destroyed) return;
      idle.set(caller, connection.socket);
    });
  });
}

function callerOf({ remoteAddress, remotePort }: Socket): string {
  return `${remoteAddress} ${remotePort}`;
}
