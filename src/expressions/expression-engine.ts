/**
 * The expression engine: batches requests, hands them to threads, and replaces a thread that a script brought down.
 *
 * An evaluation that overruns its time or memory costs its thread and gets an error; the others of its batch are
 * evaluated again by a new thread, so one bad script never takes another event's answer away.
 */
import { SluiceError } from '../errors';
import type { ExpressionEngine, ExpressionOutcome, ExpressionRequest } from '../sensor/expression-engine';
import { decodeAnswers, encodeBatch } from './batch';
import { EvaluationThread } from './evaluation-thread';
import type { BatchEnd } from './evaluation-thread';
import { loadExpressionModule } from './load-module';

export interface ExpressionEngineOptions {
  /** Time for one evaluation. Default 1,000; raise it only for scripts that are slow on purpose. */
  readonly timeLimitMs?: number;
  /** Memory of one thread. Default 256. */
  readonly maxMemoryMb?: number;
  /** Most threads, each started when there is work for it. Default 2: a slow script then delays only part. */
  readonly threads?: number;
  /** Where expressions.wasm lies. Default: beside the compiled code. */
  readonly modulePath?: string;
}

interface PendingEvaluation {
  readonly request: ExpressionRequest;
  readonly resolve: (outcome: ExpressionOutcome<unknown>) => void;
  readonly reject: (error: unknown) => void;
}

const MOST_ITEMS_PER_BATCH = 200;
/** WebAssembly memory never shrinks: a thread that grew beyond this share of its limit is replaced when idle. */
const RECYCLE_SHARE = 0.5;

export function createExpressionEngine(options: ExpressionEngineOptions = {}): ExpressionEngine {
  return new ThreadedEngine(options);
}

class ThreadedEngine implements ExpressionEngine {
  private readonly timeLimitMs: number;
  private readonly maxMemoryMb: number;
  private readonly mostThreads: number;
  private readonly modulePath: string | undefined;
  private readonly idle: EvaluationThread[] = [];
  private readonly busy = new Set<EvaluationThread>();
  private readonly endings = new Set<Promise<void>>();
  private queue: PendingEvaluation[] = [];
  private starting = 0;
  private isDispatchPlanned = false;
  private isClosed = false;

  constructor(options: ExpressionEngineOptions) {
    this.timeLimitMs = options.timeLimitMs ?? 1_000;
    this.maxMemoryMb = options.maxMemoryMb ?? 256;
    this.mostThreads = options.threads ?? 2;
    this.modulePath = options.modulePath;
  }

  evaluate<Value>(request: ExpressionRequest): Promise<ExpressionOutcome<Value>> {
    return new Promise((resolve, reject) => {
      if (this.isClosed) {
        reject(closedError());
        return;
      }
      // Which value belongs to which kind of request is fixed by expressions/batch.go.
      const settle = resolve as (outcome: ExpressionOutcome<unknown>) => void;
      this.queue.push({ request, resolve: settle, reject });
      this.planDispatch();
    });
  }

  async close(): Promise<void> {
    this.isClosed = true;
    for (const pending of this.queue.splice(0)) pending.reject(closedError());
    for (const thread of [...this.idle.splice(0), ...this.busy]) this.endThread(thread);
    await Promise.all(this.endings);
  }

  /** All requests of this turn of the event loop go into one batch. */
  private planDispatch(): void {
    if (this.isDispatchPlanned) return;
    this.isDispatchPlanned = true;
    setImmediate(() => {
      this.isDispatchPlanned = false;
      this.dispatch();
    });
  }

  private dispatch(): void {
    while (this.queue.length > 0) {
      const thread = this.idle.pop();
      if (!thread) {
        this.startThread();
        return;
      }
      void this.runBatch(thread, this.queue.splice(0, MOST_ITEMS_PER_BATCH));
    }
  }

  private startThread(): void {
    if (this.isClosed || this.starting > 0 || this.busy.size >= this.mostThreads) return;
    this.starting++;
    loadExpressionModule(this.maxMemoryMb, this.modulePath).then(
      (module) => {
        this.starting--;
        if (this.isClosed) return;
        const { maxMemoryMb, timeLimitMs } = this;
        this.idle.push(new EvaluationThread({ module, maxMemoryMb, timeLimitMs }));
        this.dispatch();
      },
      (error: unknown) => {
        this.starting--;
        for (const pending of this.queue.splice(0)) pending.reject(error);
      },
    );
  }

  private async runBatch(thread: EvaluationThread, batch: PendingEvaluation[]): Promise<void> {
    this.busy.add(thread);
    const text = encodeBatch(batch.map(({ request }) => request));
    const end = await thread.evaluateBatch(text);
    if (this.isClosed) {
      for (const pending of batch) pending.reject(closedError());
      return;
    }
    try {
      this.settleBatch(thread, batch, end);
    } catch (error) {
      for (const pending of batch) pending.reject(error); // an undecodable answer: a defect, but nobody waits for ever
    }
    this.dispatch();
  }

  private settleBatch(thread: EvaluationThread, batch: PendingEvaluation[], end: BatchEnd): void {
    if (end.kind === 'answered') {
      if (end.memoryBytes > this.maxMemoryMb * RECYCLE_SHARE * 2 ** 20) this.endThread(thread);
      else this.release(thread);
      decodeAnswers(end.text).forEach((outcome, index) => batch[index]?.resolve(outcome));
      return;
    }
    this.endThread(thread);
    const toBlame = end.item < 0 ? batch : batch.slice(end.item, end.item + 1);
    for (const pending of toBlame) pending.resolve(this.failureOf(end));
    this.queue.unshift(...batch.filter((pending) => !toBlame.includes(pending)));
  }

  private failureOf(end: Exclude<BatchEnd, { kind: 'answered' }>): ExpressionOutcome<unknown> {
    if (end.kind === 'timedOut') return { ok: false, code: 'EXPRESSION_TIMED_OUT', message: end.message };
    const message = `it used more than ${this.maxMemoryMb} MB of memory or called itself too deeply (${end.message})`;
    return { ok: false, code: 'EXPRESSION_FAILED', message };
  }

  private release(thread: EvaluationThread): void {
    this.busy.delete(thread);
    this.idle.push(thread);
  }

  private endThread(thread: EvaluationThread): void {
    this.busy.delete(thread);
    const ending = thread.terminate().finally(() => this.endings.delete(ending));
    this.endings.add(ending);
  }
}

function closedError(): SluiceError {
  return new SluiceError('EXPRESSION_FAILED', { message: 'The expression engine was closed', retryable: true });
}
