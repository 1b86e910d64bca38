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

export interface Health {
  readonly workers: readonly WorkerState[];
  /** Why workers that run take no work. */
  readonly problems: readonly string[];
}

/** Waiting for a server is healthy but not ready: restarting the pod would not bring Temporal back. */
export async function startHealthServer(port: number, look: () => Health): Promise<HealthServer> {
  const server = createServer((request, response) => {
    const { workers, problems } = look();
    const path = request.url?.split('?')[0];
    const ok =
      path === '/healthz'
        ? workers.every((state) => state !== 'FAILED' && state !== 'STOPPED')
        : path === '/readyz'
          ? workers.length > 0 && problems.length === 0 && workers.every((state) => state === 'RUNNING')
          : undefined;
    response.writeHead(ok === undefined ? 404 : ok ? 200 : 503, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ workers, ...(problems.length > 0 && { problems }) }));
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
