/**
 * A lane: threads with a queue of their own, in which tenants take turns and a batch belongs to one tenant. An
 * evaluation that exceeds the lane's time or memory goes to the next lane; in the last one that is its outcome.
 */
import { ActiveTenants } from '../concurrency/active-tenants';
import type { FairQueue } from '../concurrency/fair-queue';
import { SluiceError } from '../errors/sluice-error';
import { inStage } from '../metrics/stages';
import { decodeAnswers, encodeBatch } from './batch';
import { limitFactor } from './costly-functions';
import type { ExpressionFailure, ExpressionOutcome, ExpressionRequest } from './engine';
import { EvaluationThread } from './evaluation-thread';
import type { BatchEnd } from './evaluation-thread';
import { loadExpressionModule } from './load-module';

export interface PendingEvaluation {
  readonly tenant: string;
  readonly request: ExpressionRequest;
  readonly resolve: (outcome: ExpressionOutcome<unknown>) => void;
  readonly reject: (error: unknown) => void;
  /** It has ended its thread in the last lane; its next attempt, alone in a fresh thread, is the last. */
  isSuspect: boolean;
}

export interface LaneOptions {
  readonly threads: number;
  /** CPU time for one evaluation. */
  readonly timeLimitMs: number;
  /** Memory of one thread. */
  readonly maxMemoryMb: number;
  readonly modulePath: string | undefined;
  readonly mostItemsPerBatch: number;
  readonly queue: FairQueue<PendingEvaluation>;
  readonly onSlow: (request: ExpressionRequest) => void;
  /** Where evaluations go that are too slow for this lane; undefined for the last lane. */
  readonly next?: { readonly isDue: (request: ExpressionRequest) => boolean; readonly lane: EvaluationLane };
}

type Answered = Extract<BatchEnd, { kind: 'answered' }>;
type Broken = Exclude<BatchEnd, Answered>;

/** WebAssembly memory never shrinks: a thread that grew beyond this share of its limit is replaced. */
const RECYCLE_SHARE = 0.5;

export class EvaluationLane {
  private readonly idle: EvaluationThread[] = [];
  /** Threads, and starts of threads, by the tenant that they are for. */
  private readonly used = new Map<EvaluationThread | symbol, string>();
  private readonly endings = new Set<Promise<void>>();
  /** Evaluated before all others, each in the thread that replaces the one it ended. */
  private readonly suspects: PendingEvaluation[] = [];
  private readonly active = new ActiveTenants();
  private isDispatchPlanned = false;
  private isClosed = false;

  constructor(private readonly options: LaneOptions) {}

  take(waiting: PendingEvaluation): void {
    if (this.isClosed) return waiting.reject(closedError());
    this.active.note(waiting.tenant);
    this.options.queue.put(waiting);
    this.planDispatch();
  }

  async close(): Promise<void> {
    this.isClosed = true;
    this.rejectWaiting(closedError());
    for (const thread of [...this.idle.splice(0), ...this.used.keys()]) {
      if (typeof thread !== 'symbol') this.endThread(thread);
    }
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
    while (!this.isClosed && this.used.size < this.options.threads) {
      const tenant = this.suspects[0]?.tenant ?? this.options.queue.next(this.mayUseThread);
      if (tenant === undefined) return;
      const thread = this.idle.pop();
      if (thread === undefined) {
        this.startThread(tenant);
        continue;
      }
      const batch = this.takeBatch();
      if (batch.length > 0) void this.runBatch(thread, tenant, batch);
      else this.idle.push(thread);
    }
  }

  /** While other tenants are active, one thread is left to them, however slow this tenant's evaluations are. */
  private readonly mayUseThread = (tenant: string): boolean => {
    const held = [...this.used].filter(([, holder]) => holder === tenant);
    const isStarting = held.some(([thread]) => typeof thread === 'symbol');
    if (isStarting && this.idle.length === 0) return false;
    return held.length < Math.max(1, this.options.threads - (this.active.othersThan(tenant).length > 0 ? 1 : 0));
  };

  private takeBatch(): PendingEvaluation[] {
    const { queue, mostItemsPerBatch, next } = this.options;
    const suspect = this.suspects.shift();
    if (suspect !== undefined) return [suspect];
    const taken = queue.take(mostItemsPerBatch, this.mayUseThread);
    if (next === undefined) return taken;
    // Their program was found slow while they waited here.
    for (const waiting of taken) if (next.isDue(waiting.request)) next.lane.take(waiting);
    return taken.filter(({ request }) => !next.isDue(request));
  }

  private startThread(tenant: string): void {
    const start = Symbol('thread');
    this.used.set(start, tenant);
    const { maxMemoryMb, timeLimitMs, modulePath, next } = this.options;
    loadExpressionModule(maxMemoryMb, modulePath).then(
      (module) => {
        this.used.delete(start);
        if (this.isClosed) return;
        this.idle.push(new EvaluationThread({ module, maxMemoryMb, timeLimitMs, isPatient: next === undefined }));
        this.dispatch();
      },
      (error: unknown) => {
        this.used.delete(start);
        this.rejectWaiting(error);
      },
    );
  }

  private async runBatch(thread: EvaluationThread, tenant: string, waiting: PendingEvaluation[]): Promise<void> {
    this.used.set(thread, tenant);
    const { text, count } = inStage('expression request', () => encodeBatch(waiting.map(({ request }) => request)));
    const batch = waiting.slice(0, count);
    this.options.queue.putBack(waiting.slice(count));
    const end = await thread.evaluateBatch(
      text,
      batch.map(({ request }) => limitFactor(request)),
    );
    if (this.isClosed) {
      for (const pending of batch) pending.reject(closedError());
      return;
    }
    for (const index of thread.slowItems) if (batch[index]) this.options.onSlow(batch[index].request);
    if (end.kind === 'answered') this.settleAnswered(thread, batch, end);
    else this.settleBroken(thread, batch, end);
    this.dispatch();
  }

  private settleAnswered(thread: EvaluationThread, batch: PendingEvaluation[], end: Answered): void {
    if (end.memoryBytes > this.options.maxMemoryMb * RECYCLE_SHARE * 2 ** 20) this.replaceThread(thread);
    else {
      this.used.delete(thread);
      this.idle.push(thread);
    }
    let outcomes: ExpressionOutcome<unknown>[];
    try {
      outcomes = inStage('expression result', () => decodeAnswers(end.text));
    } catch (error) {
      this.blame(batch, { ok: false, code: 'EXPRESSION_FAILED', message: `its result is not JSON: ${String(error)}` });
      return;
    }
    outcomes.forEach((outcome, index) => {
      const pending = batch[index];
      if (!pending) return;
      if (!outcome.ok && outcome.code === 'EXPRESSION_TIMED_OUT') {
        this.options.onSlow(pending.request);
        this.blame([pending], outcome);
      } else pending.resolve(outcome);
    });
    this.options.queue.putBack(batch.slice(outcomes.length));
  }

  private settleBroken(thread: EvaluationThread, batch: PendingEvaluation[], end: Broken): void {
    this.replaceThread(thread);
    // Before the first item every evaluation is a suspect, as with a batch that does not fit into the memory.
    const toBlame = end.item < 0 ? batch : batch.slice(end.item, end.item + 1);
    const culprit = batch[end.item];
    // Replacing a thread is slow, so an evaluation that ends one counts as slow however quickly it did so.
    if (culprit) this.options.onSlow(culprit.request);
    this.blame(toBlame, this.failureOf(end));
    this.options.queue.putBack(batch.filter((pending) => !toBlame.includes(pending)));
  }

  private blame(batch: readonly PendingEvaluation[], failure: ExpressionFailure): void {
    const { next } = this.options;
    for (const pending of batch) {
      if (next !== undefined) next.lane.take(pending);
      // The last lane evaluates one at a time, so no neighbour can have taken the CPU time; but memory may be left over.
      else if (pending.isSuspect || failure.code === 'EXPRESSION_TIMED_OUT') pending.resolve(failure);
      else this.suspects.push(Object.assign(pending, { isSuspect: true }));
    }
  }

  private failureOf(end: Broken): ExpressionFailure {
    if (end.kind === 'timedOut') return { ok: false, code: 'EXPRESSION_TIMED_OUT', message: end.message };
    const message = `it used more than ${this.options.maxMemoryMb} MB of memory or called itself too deeply (${end.message})`;
    return { ok: false, code: 'EXPRESSION_FAILED', message };
  }

  private rejectWaiting(error: unknown): void {
    for (const pending of [...this.options.queue.drain(), ...this.suspects.splice(0)]) pending.reject(error);
  }

  /** At once and on the account of the tenant that ended it, so that another need not wait for the new one. */
  private replaceThread(thread: EvaluationThread): void {
    const tenant = this.used.get(thread);
    this.endThread(thread);
    if (tenant !== undefined) this.startThread(tenant);
  }

  private endThread(thread: EvaluationThread): void {
    this.used.delete(thread);
    const ending = thread.terminate().finally(() => this.endings.delete(ending));
    this.endings.add(ending);
  }
}

function closedError(): SluiceError {
  return new SluiceError('EXPRESSION_FAILED', { message: 'The expression engine was closed', retryable: true });
}
