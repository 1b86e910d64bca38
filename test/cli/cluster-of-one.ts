/** Everything that commands talk to: Temporal and the API server of this run, a NATS, a Redis, and real workers. */
import { spawn, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { repoRoot } from '../../dev/repo-root';
import { startNats, startRedis, startTemporal } from '../../dev/servers';
import type { OwnKubernetes, RunningNats, RunningRedis, StartTemporalOptions } from '../../dev/servers';
import { sharedKubernetes } from '../setup/shared-kubernetes';
import { createTestNamespace, type TestNamespace } from '../setup/test-namespace';
import { runSluice, type CliRun, type CliRunOptions } from './run-cli-for-test';

export interface ClusterOfOne {
  readonly kubernetes: OwnKubernetes;
  readonly nats: RunningNats;
  readonly redis: RunningRedis;
  readonly namespace: TestNamespace;
  /** For workers: where everything is, and task queues of this cluster's own. */
  readonly environment: Readonly<Record<string, string>>;
  /** `sluice` as a person at this cluster would run it. */
  sluice(argv: readonly string[], options?: CliRunOptions): Promise<CliRun>;
  /** The EventBus `default`, as a document. */
  readonly busDocument: string;
  /** The EventSource `stac`, as a document: events by name, each with the stream that it reads. */
  sourceDocument(streams: Readonly<Record<string, string>>): string;
  /** What a `redisStream` event source says to read this stream. */
  streamSpec(stream: string): string;
  /** Writes documents into one file and answers its path. */
  manifest(name: string, ...documents: readonly string[]): Promise<string>;
  /** `environment`: in addition to that of the cluster. */
  startWorkers(environment?: Readonly<Record<string, string>>): Promise<void>;
  /** In the middle of whatever they do. */
  killWorkers(): Promise<void>;
  stop(): Promise<void>;
}

export interface ClusterOptions {
  /** Default: the server that all tests of this run share. */
  readonly temporal?: StartTemporalOptions;
  /** SLUICE_BUS_URL leads to the NATS of the cluster: each EventBus has a stream of its own. */
  readonly namesBus?: boolean;
  /** More for the environment of workers and commands. */
  readonly environment?: Readonly<Record<string, string>>;
}

export async function startClusterOfOne(options: ClusterOptions = {}): Promise<ClusterOfOne> {
  const [temporal, kubernetes, nats, redis] = await Promise.all([
    startTemporal(options.temporal),
    sharedKubernetes(),
    startNats({ own: true }),
    startRedis({ own: true }),
  ]);
  const namespace = await createTestNamespace(kubernetes, 'cli');
  const folder = await mkdtemp(path.join(tmpdir(), 'sluice-cli-'));
  const suffix = randomBytes(4).toString('hex');
  const env = {
    TEMPORAL_ADDRESS: temporal.address,
    KUBECONFIG: kubernetes.kubeconfigPath,
    SLUICE_NAMESPACE: namespace.name,
    SLUICE_EVENT_SOURCE_TASK_QUEUE: `event-sources-${suffix}`,
    SLUICE_SENSOR_TASK_QUEUE: `sensors-${suffix}`,
    ...(options.namesBus === true && { SLUICE_BUS_URL: nats.url }),
    ...options.environment,
  };
  const streamSpec = (stream: string): string =>
    `{ hostAddress: '${redis.host}:${redis.port}', consumerGroup: g, streams: [${stream}] }`;
  let workers: ChildProcess[] = [];
  return {
    kubernetes,
    nats,
    redis,
    namespace,
    environment: env,
    sluice: (argv, options) => runSluice(argv, { ...options, env: { ...env, ...options?.env } }),
    busDocument: `apiVersion: argoproj.io/v1alpha1
kind: EventBus
metadata: { name: default }
spec: { jetstreamExotic: { url: '${nats.url}' } }
`,
    sourceDocument: (streams) => `apiVersion: argoproj.io/v1alpha1
kind: EventSource
metadata: { name: stac }
spec:
  redisStream:
${Object.entries(streams)
  .map(
    ([event, stream]) => `    ${event}: ${streamSpec(stream)}
`,
  )
  .join('')}`,
    streamSpec,
    manifest: async (name, ...documents) => {
      const file = path.join(folder, name);
      await writeFile(file, documents.join('---\n'));
      return file;
    },
    startWorkers: async (more) => {
      workers.push(await spawnWorkers({ ...env, ...more }));
    },
    killWorkers: async () => {
      await Promise.all(workers.map((each) => endProcess(each, 'SIGKILL')));
      workers = [];
    },
    stop: async () => {
      await Promise.all(workers.map((each) => endProcess(each)));
      await Promise.all([nats.stop(), redis.stop(), namespace.remove(), rm(folder, { recursive: true })]);
      await Promise.all([temporal.stop(), kubernetes.stop()]);
    },
  };
}

/** Resolves when both workers poll. */
async function spawnWorkers(env: Readonly<Record<string, string>>): Promise<ChildProcess> {
  const child = spawn(process.execPath, [path.join(repoRoot, 'dist/workers/all-in-one.js')], {
    env: { ...process.env, ...env, SLUICE_HEALTH_PORT: '0', SLUICE_METRICS_PORT: '0' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let log = '';
  await new Promise<void>((resolve, reject) => {
    const read = (chunk: Buffer): void => {
      log += chunk.toString();
      if (log.split('worker is ready').length > 2) resolve();
    };
    child.stdout.on('data', read);
    child.stderr.on('data', read);
    child.once('exit', () => reject(new Error(`the workers ended: ${log}`)));
  });
  return child;
}

async function endProcess(child: ChildProcess, signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
  if (child.exitCode !== null) return;
  const ended = new Promise((resolve) => child.once('exit', resolve));
  child.kill(signal);
  await ended;
}
