/**
 * Keeps errors of one outside system from ending a worker: an error that a client does not handle would stop every
 * other source and sensor too.
 *
 * A plugin never installs this by itself, because its handlers apply to the whole process. Workers of Sluice do; in a
 * worker of your own, call `guardProcess` if nothing else handles these events.
 */
import { Runtime } from '@temporalio/worker';
import type { Logger } from 'pino';
import { Pace } from '../concurrency/pace';
import { Metrics } from '../metrics/metrics';
import { createLog } from './create-log';

export interface ProcessGuardOptions {
  /** Default: pino, JSON lines on stdout. */
  readonly log?: Logger;
  /**
   * Called once, after an exception that leaves the process in an unknown state: shut down in order and exit. Never
   * called for an unhandled rejection or connection failure.
   */
  readonly onFatal: (error: unknown) => void;
}

/** A repeated error is logged once in this time, with its number of occurrences. */
const LOG_EVERY_MS = 10_000;
const STACK_LINES = 12;

/** Calls of a connection: our state is not in doubt, and the client detects the failure by itself. */
const SOCKET_CALLS: readonly unknown[] = ['read', 'write', 'connect', 'shutdown', 'getaddrinfo'];

/**
 * Call it after `Runtime.install`: it writes the metric `sluice_worker_unhandled_errors_total`.
 *
 * @returns a function that removes the handlers
 */
export function guardProcess({ log = createLog(), onFatal }: ProcessGuardOptions): () => void {
  const metrics = new Metrics(() => Runtime.instance().metricMeter);
  metrics.count('sluice_worker_unhandled_errors_total', { module: 'unknown' }, 0);
  return guard({ log, metrics, onFatal });
}

export function guard({
  log,
  metrics,
  onFatal,
}: Required<ProcessGuardOptions> & { readonly metrics: Metrics }): () => void {
  const logPace = new Pace(LOG_EVERY_MS);
  let hasEnded = false;

  const report = (error: unknown, what: string): void => {
    const { module, ...culprit } = describeCulprit(error);
    metrics.count('sluice_worker_unhandled_errors_total', { module });
    const repeated = logPace.pass(`${module} ${culprit.error}`);
    if (repeated === undefined) return;
    log.error({ module, ...culprit, ...(repeated > 0 && { repeated }) }, what);
  };
  const onRejection = (reason: unknown): void =>
    report(reason, 'unhandled error; the worker continues. Please report it');
  const onException = (error: unknown): void => {
    if (isOfSocket(error)) {
      report(error, 'unhandled connection failure; the worker continues. Please report it');
      return;
    }
    report(error, 'unhandled exception; the worker shuts down. Please report it');
    if (hasEnded) return;
    hasEnded = true;
    onFatal(error);
  };
  process.on('unhandledRejection', onRejection);
  process.on('uncaughtException', onException);
  return () => {
    process.off('unhandledRejection', onRejection);
    process.off('uncaughtException', onException);
  };
}

export interface Culprit {
  /** Package that raised the error; otherwise `sluice` or `unknown`. */
  readonly module: string;
  readonly error: string;
  readonly code?: string;
  /** Name of a Redis client's command, never its arguments. */
  readonly command?: string;
  readonly stack?: string;
}

/** Never returns other properties of the error: they may contain a payload or a password. */
export function describeCulprit(error: unknown): Culprit {
  if (!(error instanceof Error)) return { module: 'unknown', error: `a ${typeof error} that is not an Error` };
  const stack = (error.stack ?? '').split('\n').slice(0, STACK_LINES).join('\n');
  const code = 'code' in error ? error.code : undefined;
  const command = 'command' in error ? error.command : undefined;
  return {
    module: moduleOf(error),
    error: error.message === '' ? error.name : `${error.name}: ${error.message}`,
    ...(typeof code === 'string' && { code }),
    ...(isNamed(command) && { command: command.name }),
    stack,
  };
}

function moduleOf(error: Error): string {
  const frames = (error.stack ?? '').split('\n').filter((line) => /^\s+at /.test(line));
  for (const frame of frames) {
    const [, name] = /.*node_modules[/\\]((?:@[^/\\]+[/\\])?[^/\\]+)/.exec(frame) ?? [];
    if (name !== undefined) return name.replaceAll('\\', '/');
    if (/[/\\](src|activities|workers)[/\\]/.test(frame)) return 'sluice';
  }
  return 'unknown';
}

function isOfSocket(error: unknown): boolean {
  return error instanceof Error && 'code' in error && 'syscall' in error && SOCKET_CALLS.includes(error.syscall);
}

function isNamed(value: unknown): value is { readonly name: string } {
  return typeof value === 'object' && value !== null && 'name' in value && typeof value.name === 'string';
}
