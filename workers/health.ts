/** Liveness and readiness over HTTP, for the probes of a Deployment. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface HealthServer {
  readonly port: number;
  close(): Promise<void>;
}

/** State of the worker, in the terms of Temporal's SDK. */
export type WorkerState =
  'CONNECTING' | 'INITIALIZED' | 'RUNNING' | 'STOPPING' | 'DRAINING' | 'DRAINED' | 'STOPPED' | 'FAILED';

/** Waiting for a server is healthy but not ready: restarting the pod would not bring Temporal back. */
export async function startHealthServer(port: number, states: () => readonly WorkerState[]): Promise<HealthServer> {
  const server = createServer((request, response) => {
    const current = states();
    const path = request.url?.split('?')[0];
    const ok =
      path === '/healthz'
        ? current.every((state) => state !== 'FAILED' && state !== 'STOPPED')
        : path === '/readyz'
          ? current.length > 0 && current.every((state) => state === 'RUNNING')
          : undefined;
    response.writeHead(ok === undefined ? 404 : ok ? 200 : 503, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ workers: current }));
  });
  await listen(server, port);
  return {
    port: (server.address() as AddressInfo).port,
    close: () => new Promise((resolve) => server.close(() => resolve())),
  };
}

function listen(server: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, () => resolve());
  });
}
