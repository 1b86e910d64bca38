/**
 * No error of one outside system may end a worker: whatever a client leaves without a handler would take every other
 * source and sensor down with it.
 *
 * A plugin never installs this by itself, because the handlers are those of the whole process. Workers of Sluice do;
 * in a worker of your own, call `guardProcess` if nothing else handles these events.
 */
import { Runtime } from '@temporalio/worker';
import type { Logger } from 'pino';
import { Metrics } from '../metrics/metrics';
import { createLog } from './create-log';

export interface ProcessGuardOptions {
  /** Default: pino, JSON lines on stdout. */
  readonly log?: Logger;
  /**
   * Called once, for an exception after which the state of the process is not known: shut down in order and exit. It
   * is never called for a rejected promise or a failed connection that nothing handles.
   */
  readonly onFatal: (error: unknown) => void;
}

/** The same error again and again is written once in this time, with how often it came. */
const SAY_EVERY_MS = 10_000;
const REMEMBERED_ERRORS = 100;
const STACK_LINES = 12;

/** Of a connection: nothing of ours is in doubt, and its client notices by itself. */
const SOCKET_CALLS: readonly unknown[] = ['read', 'write', 'connect', 'shutdown', 'getaddrinfo'];

/**
 * Call it after `Runtime.install`: it writes the metric `sluice_worker_unhandled_errors_total`.
 *
 * @returns removes the handlers
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
  const said = new Map<string, { at: number; since: number }>();
  let hasEnded = false;

  const report = (error: unknown, what: string): void => {
    const { module, ...culprit } = describeCulprit(error);
    metrics.count('sluice_worker_unhandled_errors_total', { module });
    const key = `${module} ${culprit.error}`;
    const former = said.get(key);
    if (former !== undefined && performance.now() - former.at < SAY_EVERY_MS) {
      former.since += 1;
      return;
    }
    if (said.size >= REMEMBERED_ERRORS) said.clear();
    said.set(key, { at: performance.now(), since: 0 });
    const repeated = former === undefined || former.since === 0 ? {} : { repeated: former.since };
    log.error({ module, ...culprit, ...repeated }, what);
  };
  const onRejection = (reason: unknown): void =>
    report(reason, 'an error was handled by nothing and is left at that; the worker goes on. Please report it');
  const onException = (error: unknown): void => {
    if (isOfSocket(error)) {
      report(error, 'a connection failed and nothing handled it; the worker goes on. Please report it');
      return;
    }
    report(error, 'an exception was handled by nothing; the worker shuts down. Please report it');
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
  /** Package in which it was raised; `sluice` or `unknown` otherwise. */
  readonly module: string;
  readonly error: string;
  readonly code?: string;
  /** Of a Redis client: its name, never its arguments. */
  readonly command?: string;
  readonly stack?: string;
}

/** Never what the error carries besides: that may be a payload or a password. */
export function describeCulprit(error: unknown): Culprit {
  if (!(error instanceof Error)) return { module: 'unknown', error: `a ${typeof error} that is no Error` };
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
