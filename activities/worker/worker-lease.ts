/**
 * The sign of life of a worker. Each heartbeat costs Temporal a write, so the activities that never end send theirs
 * rarely, and one activity per worker sends its own often enough for fail-over. The workflow `worker` schedules it on
 * the task queue of all workers: the right one holds it; if it dies, the one that gets the next attempt hands over.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { CancelledFailure, Context, sleep } from '@temporalio/activity';
import { ApplicationFailure, ApplicationFailureCategory } from '@temporalio/common';
import type { Client } from '@temporalio/client';
import type { Logger } from 'pino';
import type { WorkerActivities, WorkerStart } from '../../src/contract/activities';
import { LEASE_MS } from '../../src/contract/fail-over';
import { WORKFLOW_TYPES, workerWorkflowId } from '../../src/contract/identity';
import { describeError } from '../../src/errors/sluice-error';
import { handOver } from './hand-over';
import { beatAll, startHeartbeat } from './heartbeat';

const RETRY_AFTER_MS = 3_000;
const START_WITHIN_MS = 10_000;
/** Polls of a worker that froze, or whose machine is gone, stay open at the server for about a minute and get attempts. */
const LOOK_AGAIN_AFTER_MS = [5_000, 10_000, 15_000, 20_000, 25_000];
/** Whether those that it covers have ended. */
const LOOK_EVERY_MS = 100;
/** An attempt that nobody has held for so long belongs to a worker that died before it could. */
const UNCLAIMED_MS = 4 * LEASE_MS;

/** Heartbeat details: whether the worker has ended in order, so that nothing is left to hand over. */
interface LeaseState {
  readonly held: boolean;
}

export interface LeaseOptions {
  readonly taskQueue: string;
  /** Unique, unlike the SDK's: a container that is restarted has the process id and the host name of the former one. */
  readonly identity: string;
  readonly log: Logger;
  /** What the sign of life says besides: among others, how many activities it covers. */
  describe(): { readonly longActivities: number };
}

export class WorkerLease {
  private isHeld = false;

  constructor(private readonly options: LeaseOptions) {}

  readonly activities: WorkerActivities = {
    sluiceHoldLease: async (request) => {
      if (request.worker === this.options.identity) await this.hold();
      else await this.replace(request);
    },
  };

  /** Has the workflow started whenever this worker does not hold its lease. Resolves once `signal` aborts. */
  async keep(client: Client, signal: AbortSignal): Promise<void> {
    const { taskQueue, identity, log } = this.options;
    const workflowId = workerWorkflowId(taskQueue, identity);
    while (!signal.aborted) {
      if (!this.isHeld) {
        const start = (): Promise<unknown> =>
          client.workflow.start(WORKFLOW_TYPES.worker, {
            ...{ workflowId, taskQueue, args: [{ worker: identity }] satisfies [WorkerStart] },
            staticSummary: `worker ${identity} of ${taskQueue}`,
            workflowIdReusePolicy: 'ALLOW_DUPLICATE',
            workflowIdConflictPolicy: 'USE_EXISTING',
          });
        // A worker that ends does not wait for a Temporal that is away.
        await client
          .withAbortSignal(signal, () => client.withDeadline(Date.now() + START_WITHIN_MS, start))
          .catch((error: unknown) => log.debug(`the worker's lease cannot be started yet: ${describeError(error)}`));
      }
      await pause(RETRY_AFTER_MS, undefined, { signal }).catch(() => undefined);
    }
  }

  private async hold(): Promise<void> {
    const context = Context.current();
    const heartbeat = startHeartbeat((): LeaseState => ({ ...this.options.describe(), held: true }));
    this.isHeld = true;
    try {
      await context.cancelled;
    } catch (error) {
      const { workerShutdown, notFound, timedOut } = context.cancellationDetails ?? {};
      if (workerShutdown) {
        // It ends last: if the process is killed before the others have ended, they are handed over.
        while (this.options.describe().longActivities > 0) await pause(LOOK_EVERY_MS);
        heartbeat.report((): LeaseState => ({ held: false }));
      }
      // Another worker may have handed over what this one runs: Temporal's answers say so.
      if (notFound || timedOut) beatAll();
      throw error;
    } finally {
      this.isHeld = false;
      heartbeat.stop();
    }
  }

  /** The other worker has ended, unless its first attempt is still on its way. */
  private async replace({ worker }: WorkerStart): Promise<void> {
    const { info, client, cancellationSignal } = Context.current();
    const state = readState(info.heartbeatDetails);
    if (state === undefined && Date.now() - info.scheduledTimestampMs < UNCLAIMED_MS) throw runsElsewhere();
    if (state?.held === false) return;
    const { log, taskQueue } = this.options;
    // If this worker ends too, the next one goes on.
    const heartbeat = startHeartbeat((): LeaseState => ({ held: true }));
    try {
      const parts = await handOver(client, { worker, taskQueue }, cancellationSignal);
      if (parts === 0) return;
      log.warn({ worker, taskQueue, parts }, 'a worker ended without handing over; others take over what it ran');
      for (const pauseMs of LOOK_AGAIN_AFTER_MS) {
        await sleep(pauseMs);
        await handOver(client, { worker, taskQueue, onlyUnreported: true }, cancellationSignal);
      }
    } catch (error) {
      if (error instanceof CancelledFailure) throw error;
      throw ApplicationFailure.create({ type: 'HAND_OVER_FAILED', message: describeError(error) });
    } finally {
      heartbeat.stop();
    }
  }
}

function readState(details: unknown): LeaseState | undefined {
  return typeof details === 'object' && details !== null && 'held' in details && typeof details.held === 'boolean'
    ? { held: details.held }
    : undefined;
}

function runsElsewhere(): ApplicationFailure {
  return ApplicationFailure.create({
    type: 'RUNS_ELSEWHERE',
    message: 'this is another worker',
    category: ApplicationFailureCategory.BENIGN,
  });
}
