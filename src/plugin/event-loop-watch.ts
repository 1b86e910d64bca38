/**
 * Reports when the event loop of a worker was blocked: meanwhile it reads no event, fires no trigger and sends no
 * heartbeat, and after ten seconds Temporal assigns its activities to other workers.
 *
 * Like the process guard it belongs to the process, not to a plugin. Workers of Sluice install it; in a worker of your
 * own, call `watchEventLoop`.
 */
import { Runtime } from '@temporalio/worker';
import type { Logger } from 'pino';
import { Pace } from '../concurrency/pace';
import { Metrics } from '../metrics/metrics';
import { takeLongestStage, type WorkStage } from '../metrics/stages';
import { createLog } from './create-log';

export interface EventLoopWatchOptions {
  /** Default: pino, JSON lines on stdout. */
  readonly log?: Logger;
}

/** Longer blocks are reported. */
export const BLOCK_MS = 250;
const LOOK_EVERY_MS = 50;
/** Share of a block that a stage must have taken to be named as its cause. */
const CAUSE_SHARE = 0.5;
/** Blocks with the same cause are always counted, but logged once in this time. */
const LOG_EVERY_MS = 10_000;

/** Call it after `Runtime.install`: it writes the metric `sluice_worker_event_loop_blocks_total`. Returns a function that stops it. */
export function watchEventLoop({ log = createLog() }: EventLoopWatchOptions = {}): () => void {
  return watch({ log, metrics: new Metrics(() => Runtime.instance().metricMeter) });
}

export function watch({ log, metrics }: { readonly log: Pick<Logger, 'warn'>; readonly metrics: Metrics }): () => void {
  const logPace = new Pace(LOG_EVERY_MS);
  let last = performance.now();
  let cpu = process.cpuUsage();
  metrics.count('sluice_worker_event_loop_blocks_total', { stage: 'unknown' }, 0);

  const look = (): void => {
    const now = performance.now();
    const blockedMs = now - last - LOOK_EVERY_MS;
    const current = process.cpuUsage();
    const used = { user: current.user - cpu.user, system: current.system - cpu.system };
    const longest = takeLongestStage();
    last = now;
    cpu = current;
    if (blockedMs < BLOCK_MS) return;
    const cause = longest !== undefined && longest.ms >= blockedMs * CAUSE_SHARE ? longest : undefined;
    const stage: WorkStage | 'unknown' = cause?.stage ?? 'unknown';
    metrics.count('sluice_worker_event_loop_blocks_total', { stage });
    const repeated = logPace.pass(`${stage} ${cause?.activity ?? ''}`, now);
    if (repeated === undefined) return;
    log.warn(
      {
        blockedMs: Math.round(blockedMs),
        // Far below blockedMs: the machine was busy or suspended, so this process is not the cause.
        cpuMs: Math.round((used.user + used.system) / 1_000),
        stage,
        ...(cause !== undefined && { stageMs: Math.round(cause.ms) }),
        ...(cause?.activity !== undefined && { activity: cause.activity }),
        ...(repeated > 0 && { repeated }),
      },
      'the event loop was blocked',
    );
  };
  const timer = setInterval(look, LOOK_EVERY_MS).unref();
  return () => clearInterval(timer);
}
