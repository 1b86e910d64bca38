/**
 * The expression engine: two lanes of threads that all tenants of a worker share.
 *
 * Every evaluation begins in the quick lane, where it may take a tenth of a second and tenants take turns. What takes
 * longer is evaluated again in the slow lane with its whole limit, one at a time, tenants and their programs in turn; so
 * are later evaluations of its program, from the start. Slow programs thus delay only other slow programs, and the
 * outcome of an expression depends only on the expression and its data.
 */
import { FairQueue } from '../concurrency/fair-queue';
import { limitFactor } from './costly-functions';
import type { ExpressionEngine, ExpressionOutcome, ExpressionRequest } from './engine';
import { EvaluationLane } from './evaluation-lane';
import type { PendingEvaluation } from './evaluation-lane';
import { programOf, SlowPrograms } from './slow-programs';

export interface ExpressionEngineOptions {
  /** CPU time for one evaluation. Default 1,000; raise it only for scripts that are slow on purpose. */
  readonly timeLimitMs?: number;
  /** Memory of one thread. Default 256. */
  readonly maxMemoryMb?: number;
  /** Maximum number of quick threads, each started on demand. Default 2: one is left to the other tenants. */
  readonly threads?: number;
  /** Path of expressions.wasm. Default: beside the compiled code. */
  readonly modulePath?: string;
  /** Returns the tenant that an evaluation is for, when it is requested. Default: all are one tenant. */
  readonly tenantOf?: () => string;
}

const QUICK_LIMIT_MS = 100;
const MOST_ITEMS_PER_BATCH = 200;

export function createExpressionEngine(options: ExpressionEngineOptions = {}): ExpressionEngine {
  const { timeLimitMs = 1_000, maxMemoryMb = 256, threads = 2, modulePath, tenantOf = () => '' } = options;
  const slowPrograms = new SlowPrograms();
  const isSlow = (request: ExpressionRequest): boolean => limitFactor(request) > 1 || slowPrograms.has(request);
  const common = { maxMemoryMb, modulePath, onSlow: (request: ExpressionRequest) => slowPrograms.add(request) };
  const byTenant = ({ tenant }: PendingEvaluation): string => tenant;
  const slow = new EvaluationLane({
    ...common,
    threads: 1,
    timeLimitMs,
    mostItemsPerBatch: 1,
    queue: new FairQueue([byTenant, ({ request }) => programOf(request)]),
  });
  const quick = new EvaluationLane({
    ...common,
    threads,
    timeLimitMs: Math.min(QUICK_LIMIT_MS, timeLimitMs),
    mostItemsPerBatch: MOST_ITEMS_PER_BATCH,
    queue: new FairQueue([byTenant]),
    next: { isDue: isSlow, lane: slow },
  });
  return {
    evaluate: <Value>(request: ExpressionRequest) =>
      new Promise<ExpressionOutcome<Value>>((resolve, reject) => {
        // expressions/batch.go fixes which value belongs to which kind of request.
        const settle = resolve as (outcome: ExpressionOutcome<unknown>) => void;
        (isSlow(request) ? slow : quick).take({
          tenant: tenantOf(),
          request,
          resolve: settle,
          reject,
          isSuspect: false,
        });
      }),
    close: async () => {
      await Promise.all([quick.close(), slow.close()]);
    },
  };
}
