/** Clients that POST objects to the API server and do nothing else: what Sluice is compared with. */
import { connect, type ClientHttp2Session } from 'node:http2';
import { Agent, request } from 'node:https';
import { Pool } from 'undici';

export interface RawTarget {
  readonly url: string;
  readonly ca: string;
  readonly token: string;
  readonly path: string;
}

export interface RawClient {
  readonly name: string;
  /** POSTs in flight at a time. */
  readonly concurrency: number;
  /** Rejects if the object was not created. */
  post(body: string): Promise<void>;
  close(): Promise<void>;
}

/** Every client that was thought of, at several concurrencies. */
export const RAW_CLIENTS: ReadonlyArray<(target: RawTarget) => RawClient> = [
  (target) => nodeHttps(target, 32),
  ...[4, 8, 16, 32].map((connections) => (target: RawTarget) => undiciPool(target, connections, 1)),
  (target) => undiciPool(target, 4, 8),
  ...[8, 32].map((streams) => (target: RawTarget) => nodeHttp2(target, streams)),
];

export function nameOf({ name, concurrency }: RawClient): string {
  return `${name}, ${concurrency} at a time`;
}

/** POSTs `count` bodies; resolves with the number per second. */
export async function postAll(client: RawClient, count: number, bodyOf: (index: number) => string): Promise<number> {
  let next = 0;
  const begun = performance.now();
  await Promise.all(
    Array.from({ length: client.concurrency }, async () => {
      for (let index = next++; index < count; index = next++) await client.post(bodyOf(index));
    }),
  );
  return count / ((performance.now() - begun) / 1_000);
}

function headersOf({ token }: RawTarget): Record<string, string> {
  return { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
}

function nodeHttps(target: RawTarget, connections: number): RawClient {
  const { url, ca, path } = target;
  const agent = new Agent({ keepAlive: true, maxSockets: connections, ca });
  const { hostname, port } = new URL(url);
  const options = { hostname, port, path, agent, method: 'POST', headers: headersOf(target) };
  return {
    name: 'node:https',
    concurrency: connections,
    post: (body) =>
      new Promise((resolve, reject) => {
        const sent = request(options, (response) => {
          response.resume();
          response.on('end', () => settle(response.statusCode, resolve, reject));
        });
        sent.on('error', reject);
        sent.end(body);
      }),
    close: () => Promise.resolve(agent.destroy()),
  };
}

function undiciPool(target: RawTarget, connections: number, pipelining: number): RawClient {
  const { url, ca, path } = target;
  const pool = new Pool(url, { connections, pipelining, connect: { ca } });
  const options = { path, method: 'POST', headers: headersOf(target), idempotent: pipelining > 1 } as const;
  return {
    name: pipelining > 1 ? `undici, ${pipelining} pipelined` : 'undici',
    concurrency: connections * pipelining,
    post: (body) =>
      new Promise((resolve, reject) => {
        let status = 0;
        pool.dispatch(
          { ...options, body },
          {
            onConnect: () => undefined,
            onHeaders: (code) => {
              status = code;
              return true;
            },
            onData: () => true,
            onComplete: () => settle(status, resolve, reject),
            onError: reject,
          },
        );
      }),
    close: () => pool.close(),
  };
}

function nodeHttp2(target: RawTarget, streams: number): RawClient {
  const { url, ca, path } = target;
  const session: ClientHttp2Session = connect(url, { ca });
  const headers = { ...headersOf(target), ':method': 'POST', ':path': path };
  return {
    name: 'HTTP/2, one connection',
    concurrency: streams,
    post: (body) =>
      new Promise((resolve, reject) => {
        const stream = session.request(headers);
        let status: number | undefined;
        stream.on('response', ({ ':status': code }) => (status = code));
        stream.on('error', reject);
        stream.on('end', () => settle(status, resolve, reject));
        stream.resume();
        stream.end(body);
      }),
    close: () => new Promise((resolve) => session.close(resolve)),
  };
}

function settle(status: number | undefined, resolve: () => void, reject: (error: Error) => void): void {
  if (status === 201) resolve();
  else reject(new Error(`the API server answered ${status} to a POST`));
}
