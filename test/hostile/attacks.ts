/** What tenant A does, all of it at once, until it is stopped. */
import { request } from 'node:http';
import { connect, type Socket } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import Redis from 'ioredis';
import type { ApiClient } from '../../dev/kubernetes/api-client';
import { TENANT_A } from './hostile-manifests';

export interface Targets {
  readonly port: number;
  readonly redisUrl: string;
  readonly api: ApiClient;
}

/** By name: how often it was done. */
export type AttackCounts = Record<string, number>;

const DEEP = `${'['.repeat(6_000)}${']'.repeat(6_000)}`;
const SLOW_BODIES = 1_000;

export interface RunningAttacks {
  readonly counts: AttackCounts;
  stop(): Promise<void>;
}

export function startAttacks(targets: Targets, only?: readonly string[]): RunningAttacks {
  const stopped = new AbortController();
  const { signal } = stopped;
  const counts: AttackCounts = {};
  const redis = new Redis(targets.redisUrl);
  const sockets = new Set<Socket>();
  const post = (path: string, body: string): Promise<void> => send(targets.port, path, body, signal);
  const attacks: Readonly<Record<string, { everyMs: number; act: (n: number) => Promise<unknown> }>> = {
    'deep bodies': { everyMs: 50, act: () => post('/flood', DEEP) },
    'deep messages': { everyMs: 50, act: () => redis.publish('deep', DEEP) },
    scripts: { everyMs: 100, act: (n) => post('/scripts', JSON.stringify({ n })) },
    'poisoned filters': { everyMs: 100, act: (n) => post('/poisoned', JSON.stringify({ n })) },
    'odd ids': {
      everyMs: 100,
      act: (n) => post('/flood', JSON.stringify({ n, id: '\u0000'.repeat(1_000), specversion: '1.0' })),
    },
    flood: { everyMs: 0, act: (n) => post('/flood', JSON.stringify({ n })) },
    'slow bodies': { everyMs: 20, act: () => Promise.resolve(openSlowBody(targets.port, sockets)) },
    'decompression bombs': { everyMs: 500, act: (n) => createBomb(targets.api, n) },
  };
  const chosen = Object.entries(attacks).filter(([name]) => only?.includes(name) ?? true);
  const running = chosen.map(async ([name, { everyMs, act }]) => {
    for (let n = 0; !signal.aborted; n++) {
      // Being refused is part of it.
      await act(n).catch(() => undefined);
      counts[name] = n + 1;
      await pause(everyMs, undefined, { signal }).catch(() => undefined);
    }
  });
  return {
    counts,
    stop: async () => {
      stopped.abort();
      for (const socket of sockets) socket.destroy();
      await Promise.all(running);
      redis.disconnect();
    },
  };
}

async function send(port: number, path: string, body: string, signal: AbortSignal): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const headers = { 'content-type': 'application/json' };
    const call = request({ host: '127.0.0.1', port, path, method: 'POST', headers, signal }, (response) => {
      response.resume().once('end', resolve);
    });
    call.once('error', reject);
    call.end(body);
  });
}

/** A body of which one byte has come. */
function openSlowBody(port: number, sockets: Set<Socket>): void {
  if (sockets.size >= SLOW_BODIES) return;
  const socket = connect(port, '127.0.0.1');
  sockets.add(socket);
  socket.on('error', () => undefined);
  socket.once('close', () => sockets.delete(socket));
  socket.write('POST /flood HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{');
}

let packed: string | undefined;

/** A Workflow of a kilobyte or so whose nodes unpack to a hundred megabytes, as the outcome watch of A's sensor sees it. */
async function createBomb(api: ApiClient, n: number): Promise<void> {
  packed ??= gzipSync(Buffer.alloc(100 * 2 ** 20, 0x20)).toString('base64');
  const name = `bomb-${n}`;
  const path = `/apis/argoproj.io/v1alpha1/namespaces/${TENANT_A}/workflows`;
  await api.expect('POST', path, {
    apiVersion: 'argoproj.io/v1alpha1',
    kind: 'Workflow',
    metadata: { name, labels: { 'events.argoproj.io/sensor': 'yaml' } },
    spec: { entrypoint: 'main' },
    status: { phase: 'Failed', compressedNodes: packed },
  });
}
