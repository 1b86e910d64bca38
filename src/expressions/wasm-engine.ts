/**
 * The expression engine: batches requests, hands them to threads, and replaces a thread that a script crashed.
 *
 * An evaluation that exceeds its time or memory costs its thread; the others of its batch are evaluated again by a new
 * thread. The suspect gets one more attempt, alone in a fresh thread, because it may have suffered from its neighbours.
 * So the outcome of an expression depends only on the expression and its data.
 *
 * All tenants of a worker share its threads. Later evaluations of a program that was slow once, and every second
 * attempt, run in one more thread, one at a time with the programs in turn: slow programs delay only other slow
 * programs.
 */
import { SluiceError } from '../errors/sluice-error';
import { inStage } from '../metrics/stages';
import type { ExpressionEngine, ExpressionFailure, ExpressionOutcome, ExpressionRequest } from './engine';
import { limitFactor } from './costly-functions';
import { decodeAnswers, encodeBatch } from './batch';
import { EvaluationThread } from './evaluation-thread';
import type { BatchEnd } from './evaluation-thread';
import { loadExpressionModule } from './load-module';
import { programOf, SlowPrograms } from './slow-programs';

export interface ExpressionEngineOptions {
  /** CPU time for one evaluation. Default 1,000; raise it only for scripts that are slow on purpose. */
  readonly timeLimitMs?: number;
  /** Memory of one thread. Default 256. */
  readonly maxMemoryMb?: number;
  /** Maximum number of threads, each started on demand. Default 2: a slow script then delays only part of the work. */
  readonly threads?: number;
  /** Path of expressions.wasm. Default: beside the compiled code. */
  readonly modulePath?: string;
}

interface PendingEvaluation {
  readonly request: ExpressionRequest;
  readonly resolve: (outcome: ExpressionOutcome<unknown>) => void;
  readonly reject: (error: unknown) => void;
  /** It has exceeded its limit or crashed its thread once; its next attempt is the last. */
  isSuspect: boolean;
}

type Answered = Extract<BatchEnd, { kind: 'answered' }>;
type Broken = Exclude<BatchEnd, Answered>;

const MOST_ITEMS_PER_BATCH = 200;
/** WebAssembly memory never shrinks: a thread that grew beyond this share of its limit is replaced when idle. */
const RECYCLE_SHARE = 0.5;

export function createExpressionEngine(options: ExpressionEngineOptions = {}): ExpressionEngine {
  const slowPrograms = new SlowPrograms();
  const onSlow = (request: ExpressionRequest): void => slowPrograms.add(request);
  const slow = new EvaluationLane({ ...options, threads: 1 }, { onSlow, isSlow: true });
  const quick = new EvaluationLane(options, {
    onSlow,
    isSlow: false,
    handOver: (suspect) => slow.tryAgain(suspect),
    passOn: {
      isDue: ({ request }) => slowPrograms.has(request),
      to: (waiting) => slow.take(waiting),
    },
  });
  return {
    evaluate: (request) => (slowPrograms.has(request) ? slow : quick).evaluate(request),
    close: async () => {
      await Promise.all([quick.close(), slow.close()]);
    },
  };
}

interface LaneRole {
  readonly isSlow: boolean;
  readonly onSlow: (request: ExpressionRequest) => void;
  /** Runs second attempts; if undefined, this lane runs them. */
  readonly handOver?: (suspect: PendingEvaluation) => void;
  /** Passes evaluations whose program was found slow while they waited here to another lane. */
  readonly passOn?: {
    readonly isDue: (waiting: PendingEvaluation) => boolean;
    readonly to: (waiting: PendingEvaluation) => void;
  };
}

/** Threads with a queue of their own. */
class EvaluationLane implements ExpressionEngine {
  private readonly timeLimitMs: number;
  private readonly maxMemoryMb: number;
  private readonly mostThreads: number;
  private readonly modulePath: string | undefined;
  private readonly idle: EvaluationThread[] = [];
  private readonly busy = new Set<EvaluationThread>();
  private readonly endings = new Set<Promise<void>>();
  private queue: PendingEvaluation[] = [];
  /** Each of these gets a fresh thread of its own. */
  private readonly suspects: PendingEvaluation[] = [];
  private starting = 0;
  private isDispatchPlanned = false;
  private isClosed = false;
  /** Program → when it was last served, as a counter; used by the slow lane only. */
  private readonly served = new Map<string, number>();
  private turns = 0;

  constructor(
    options: ExpressionEngineOptions,
    private readonly role: LaneRole,
  ) {
    this.timeLimitMs = options.timeLimitMs ?? 1_000;
    this.maxMemoryMb = options.maxMemoryMb ?? 256;
    this.mostThreads = options.threads ?? 2;
    this.modulePath = options.modulePath;
  }

  evaluate<Value>(request: ExpressionRequest): Promise<ExpressionOutcome<Value>> {
    return new Promise((resolve, reject) => {
      // expressions/batch.go fixes which value belongs to which kind of request.
      const settle = resolve as (outcome: ExpressionOutcome<unknown>) => void;
      this.take({ request, resolve: settle, reject, isSuspect: false });
    });
  }

  take(waiting: PendingEvaluation): void {
    if (this.isClosed) return waiting.reject(closedError());
    this.queue.push(waiting);
    this.planDispatch();
  }

  tryAgain(suspect: PendingEvaluation): void {
    if (this.isClosed) return suspect.reject(closedError());
    this.suspects.push(suspect);
    this.planDispatch();
  }

  async close(): Promise<void> {
    this.isClosed = true;
    this.rejectWaiting(closedError());
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
    if (this.suspects.length > 0) this.startThread();
    this.passOnSlow();
    while (this.queue.length > 0 && this.busy.size + this.starting < this.mostThreads) {
      const thread = this.idle.pop();
      if (!thread) {
        this.startThread();
        return;
      }
      void this.runBatch(thread, this.role.isSlow ? [this.takeInTurn()] : this.queue.splice(0, MOST_ITEMS_PER_BATCH));
    }
  }

  private passOnSlow(): void {
    const { passOn } = this.role;
    if (passOn === undefined) return;
    const staying: PendingEvaluation[] = [];
    for (const waiting of this.queue) {
      if (passOn.isDue(waiting)) passOn.to(waiting);
      else staying.push(waiting);
    }
    this.queue = staying;
  }

  /** Takes a request of the program that was served longest ago. The queue must not be empty. */
  private takeInTurn(): PendingEvaluation {
    const programs = this.queue.map(({ request }) => programOf(request));
    const turns = programs.map((program) => this.served.get(program) ?? 0);
    const index = turns.indexOf(Math.min(...turns));
    const [taken] = this.queue.splice(index, 1);
    if (taken === undefined) throw new Error('the queue of the slow lane is empty');
    if (this.queue.length === 0) this.served.clear();
    else this.served.set(programs[index] ?? '', ++this.turns);
    return taken;
  }

  private startThread(): void {
    if (this.isClosed || this.starting > 0 || this.busy.size >= this.mostThreads) return;
    this.starting++;
    loadExpressionModule(this.maxMemoryMb, this.modulePath).then(
      (module) => {
        this.starting--;
        if (this.isClosed) return;
        const { maxMemoryMb, timeLimitMs } = this;
        const thread = new EvaluationThread({ module, maxMemoryMb, timeLimitMs, isPatient: this.role.isSlow });
        const suspect = this.suspects.shift();
        if (suspect) void this.runBatch(thread, [suspect]);
        else this.idle.push(thread);
        this.dispatch();
      },
      (error: unknown) => {
        this.starting--;
        this.rejectWaiting(error);
      },
    );
  }

  private async runBatch(thread: EvaluationThread, waiting: PendingEvaluation[]): Promise<void> {
    this.busy.add(thread);
    const { text, count } = inStage('expression request', () => encodeBatch(waiting.map(({ request }) => request)));
    const batch = waiting.slice(0, count);
    this.queue.unshift(...waiting.slice(count));
    const end = await thread.evaluateBatch(
      text,
      batch.map(({ request }) => limitFactor(request)),
    );
    if (this.isClosed) {
      for (const pending of batch) pending.reject(closedError());
      return;
    }
    for (const index of thread.slowItems) if (batch[index]) this.role.onSlow(batch[index].request);
    if (end.kind === 'answered') this.settleAnswered(thread, batch, end);
    else this.settleBroken(thread, batch, end);
    this.dispatch();
  }

  private settleAnswered(thread: EvaluationThread, batch: PendingEvaluation[], end: Answered): void {
    const wasAlone = batch.length === 1 && batch[0]?.isSuspect === true;
    const isGrown = end.memoryBytes > this.maxMemoryMb * RECYCLE_SHARE * 2 ** 20;
    // A thread started for a suspect must not increase the number of kept threads.
    if (isGrown || (wasAlone && this.idle.length + this.busy.size > this.mostThreads)) this.endThread(thread);
    else this.release(thread);
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
      if (!outcome.ok && outcome.code === 'EXPRESSION_TIMED_OUT') this.blame([pending], outcome);
      else pending.resolve(outcome);
    });
    this.queue.unshift(...batch.slice(outcomes.length));
  }

  private settleBroken(thread: EvaluationThread, batch: PendingEvaluation[], end: Broken): void {
    this.endThread(thread);
    // Before the first item every evaluation is a suspect, as with a batch that does not fit into the memory.
    const toBlame = end.item < 0 ? batch : batch.slice(end.item, end.item + 1);
    const culprit = batch[end.item];
    // Replacing a thread is slow, so an evaluation that ends one counts as slow however quickly it did so.
    if (culprit) this.role.onSlow(culprit.request);
    this.blame(toBlame, this.failureOf(end));
    this.queue.unshift(...batch.filter((pending) => !toBlame.includes(pending)));
  }

  private blame(batch: readonly PendingEvaluation[], failure: ExpressionFailure): void {
    for (const pending of batch) {
      if (pending.isSuspect || this.isCertain(failure)) pending.resolve(failure);
      else (this.role.handOver ?? this.tryAgain.bind(this))(Object.assign(pending, { isSuspect: true }));
    }
  }

  /** A slow lane evaluates one at a time, so that no neighbour can have taken the CPU time. */
  private isCertain({ code }: ExpressionFailure): boolean {
    return this.role.isSlow && code === 'EXPRESSION_TIMED_OUT';
  }

  private failureOf(end: Broken): ExpressionFailure {
    if (end.kind === 'timedOut') return { ok: false, code: 'EXPRESSION_TIMED_OUT', message: end.message };
    const message = `it used more than ${this.maxMemoryMb} MB of memory or called itself too deeply (${end.message})`;
    return { ok: false, code: 'EXPRESSION_FAILED', message };
  }

  private rejectWaiting(error: unknown): void {
    for (const pending of [...this.queue.splice(0), ...this.suspects.splice(0)]) pending.reject(error);
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
