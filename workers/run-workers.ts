/**
 * Runs workers until the process is told to stop: connects (waiting for a Temporal that is not up yet), polls, serves
 * probes, and on SIGTERM lets running triggers finish.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { loadClientConnectConfig } from '@temporalio/envconfig';
import { Client } from '@temporalio/client';
import { NativeConnection, Runtime, Worker, makeTelemetryFilterString } from '@temporalio/worker';
import type { Logger } from 'pino';
import { describeError } from '../src/errors/sluice-error';
import type { SluicePlugin } from '../src/plugin/sluice-plugin';
import { watchEventLoop } from '../src/plugin/event-loop-watch';
import { guardProcess } from '../src/plugin/process-guard';
import { METRIC_BUCKETS } from '../src/metrics/metric-definitions';
import { Metrics } from '../src/metrics/metrics';
import { chooseCacheSize } from './cache-size';
import { startHealthServer, type WorkerState } from './health';
import { createLogger, temporalLogger } from './logger';
import { keepManifestsApplied } from './keep-manifests-applied';
import { requireFreePort } from './require-free-port';
import type { WorkerSettings } from './settings';
import { loadWorkflowBundle } from './workflow-bundle';
import { startTracing } from './tracing';

export interface WorkerRole {
  readonly taskQueue: string;
  readonly plugin: SluicePlugin;
  /** Runs beside the worker until the signal aborts. */
  beside?(signal: AbortSignal): Promise<void>;
}

const METRICS_HOST = '0.0.0.0';
const RECONNECT_AFTER_MS = 3_000;
const FATAL_EXIT_AFTER_MS = 30_000;

export async function runWorkers(
  settings: WorkerSettings,
  createRoles: (log: Logger) => readonly WorkerRole[],
): Promise<void> {
  const log = createLogger(settings.logLevel);
  const workers: Worker[] = [];
  const plugins: SluicePlugin[] = [];
  let failed = false;
  const stopping = new AbortController();
  await requireFreePort(settings.healthPort, undefined, 'SLUICE_HEALTH_PORT');
  await requireFreePort(settings.metricsPort, METRICS_HOST, 'SLUICE_METRICS_PORT');
  const health = await startHealthServer(settings.healthPort, () => ({
    workers: failed
      ? ['FAILED']
      : workers.length === 0
        ? ['CONNECTING']
        : workers.map((worker): WorkerState => worker.getState()),
    problems: plugins.flatMap((plugin) => plugin.problem() ?? []),
  }));
  Runtime.install({
    logger: temporalLogger(log),
    telemetryOptions: {
      logging: { forward: {}, filter: makeTelemetryFilterString({ core: 'WARN', other: 'ERROR' }) },
      ...(settings.metricsPort === 0
        ? {}
        : {
            metrics: {
              prometheus: {
                bindAddress: `${METRICS_HOST}:${settings.metricsPort}`,
                histogramBucketOverrides: METRIC_BUCKETS,
              },
            },
          }),
    },
  });
  const fatal: Error[] = [];
  const unguard = guardProcess({
    log,
    onFatal: (error) => {
      fatal.push(error instanceof Error ? error : new Error(describeError(error)));
      stopping.abort();
      for (const worker of workers) if (worker.getState() === 'RUNNING') worker.shutdown();
      // The broken part may keep the workers from ending.
      setTimeout(() => process.exit(1), FATAL_EXIT_AFTER_MS).unref();
    },
  });
  const stopWatching = watchEventLoop({ log });
  const tracing = await startTracing(process.env);
  const { connectionOptions, namespace } = loadClientConnectConfig();
  const connection = await connectPatiently(connectionOptions, log, stopping);
  if (connection === undefined) {
    stopWatching();
    unguard();
    await tracing?.close();
    await health.close();
    return throwFatal(fatal);
  }
  const ending = new AbortController();
  const beside: Array<Promise<void>> = [];
  try {
    const roles = createRoles(log);
    const workflowBundle = await loadWorkflowBundle({
      logger: temporalLogger(log),
      plugins: roles.map(({ plugin }) => plugin),
    });
    const client = new Client({ connection, ...(namespace !== undefined && { namespace }) });
    for (const { taskQueue, plugin } of roles) {
      plugins.push(plugin);
      const maxCachedWorkflows = settings.maxCachedWorkflows ?? (await chooseCacheSize(client, taskQueue, log));
      workers.push(
        await Worker.create({
          connection,
          ...(namespace === undefined ? {} : { namespace }),
          taskQueue,
          workflowBundle,
          plugins: [plugin],
          maxCachedWorkflows,
          maxConcurrentActivityTaskExecutions: settings.maxActivities,
          shutdownGraceTime: 0,
          shutdownForceTime: settings.shutdownGrace,
          // Not autoscaling ones: those shrink until a query or a signal to a cached workflow waits for a poller.
          maxConcurrentWorkflowTaskPolls: 10,
          maxConcurrentActivityTaskPolls: 10,
        }),
      );
      log.info({ taskQueue, maxCachedWorkflows }, 'worker is ready');
    }
    const runs = workers.map((worker) => worker.run());
    // If one worker of a process fails, the process must end, so that Kubernetes restarts it whole.
    for (const run of runs)
      run.catch(() => workers.forEach((worker) => worker.getState() === 'RUNNING' && worker.shutdown()));
    for (const role of roles) if (role.beside) beside.push(role.beside(ending.signal));
    if (settings.manifests !== undefined) {
      const metrics = new Metrics(() => Runtime.instance().metricMeter);
      const folder = {
        path: settings.manifests,
        ...(settings.manifestsPrune !== undefined && { prunedAs: settings.manifestsPrune }),
      };
      beside.push(keepManifestsApplied(folder, { log, metrics }, ending.signal));
    }
    await Promise.all(runs);
    await Promise.allSettled(runs);
    throwFatal(fatal);
  } catch (error) {
    failed = true;
    // A worker that has lost slots for workflow tasks never ends.
    setTimeout(() => process.exit(1), FATAL_EXIT_AFTER_MS).unref();
    throw error;
  } finally {
    ending.abort();
    await Promise.all(beside);
    if (failed) await connection.close().catch(() => undefined);
    else await connection.close();
    await tracing?.close();
    await health.close();
    stopWatching();
    unguard();
  }
}

function throwFatal([error]: readonly Error[]): void {
  if (error !== undefined) throw error;
}

/** Returns undefined if the process is stopped while waiting. */
async function connectPatiently(
  options: Parameters<typeof NativeConnection.connect>[0],
  log: Logger,
  stop: AbortController,
): Promise<NativeConnection | undefined> {
  const onSignal = (): void => stop.abort();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, onSignal);
  try {
    for (;;) {
      try {
        return await NativeConnection.connect(options);
      } catch (error) {
        if (stop.signal.aborted) return undefined;
        log.warn(`waiting for Temporal at ${options?.address ?? 'localhost:7233'}: ${describeError(error)}`);
        await delay(RECONNECT_AFTER_MS, undefined, { signal: stop.signal }).catch(() => undefined);
        if (stop.signal.aborted) return undefined;
      }
    }
  } finally {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.removeListener(signal, onSignal);
  }
}
