/** One thread with the expression module, watched from outside: it returns a batch, exceeds its limit, or dies. */
import './web-assembly';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { createCpuClock } from './cpu-clock';
import type { CpuClock } from './cpu-clock';
import { IDLE, ITEM, NOT_STARTED, PROGRESS_FIELDS, STARTED_AT, THREAD_ID } from './thread-messages';
import type { ThreadAnswer, ThreadSetup } from './thread-messages';

const THREAD_ENTRY = join(__dirname, 'thread.js');
/** Limit for loading, first compilation and warm-up, in wall-clock time; allows for a very busy machine. */
const START_LIMIT_MS = 300_000;
/** V8's stack, which also holds the calls of WebAssembly: enough for JSON as deep as Go's decoder accepts. */
const STACK_MB = 32;
const HEAP_MB = 256;
const SHORTEST_WATCH_MS = 20;

/** CPU time from which an evaluation counts as slow, whatever its outcome. */
const SLOW_MS = 100;

export type BatchEnd =
  | { readonly kind: 'answered'; readonly text: string; readonly memoryBytes: number }
  /** The thread is gone. `item` is the index of the evaluation that caused it, or -1 if none had started. */
  | { readonly kind: 'timedOut' | 'died'; readonly item: number; readonly message: string };

export interface EvaluationThreadOptions {
  readonly module: WebAssembly.Module;
  readonly maxMemoryMb: number;
  /** CPU time for each item of a batch. */
  readonly timeLimitMs: number;
  readonly isPatient: boolean;
}

export class EvaluationThread {
  private readonly worker: Worker;
  private readonly progress = new Int32Array(new SharedArrayBuffer(4 * PROGRESS_FIELDS));
  private readonly timeLimitMs: number;
  private clock: CpuClock | undefined;
  private end: ((end: BatchEnd) => void) | undefined;
  private watch: NodeJS.Timeout | undefined;
  private limitFactors: readonly number[] = [];
  private slow = new Set<number>();

  constructor(options: EvaluationThreadOptions) {
    this.timeLimitMs = options.timeLimitMs;
    this.progress[ITEM] = IDLE;
    this.progress[THREAD_ID] = NOT_STARTED;
    const setup: ThreadSetup = { ...options, progress: this.progress };
    this.worker = new Worker(THREAD_ENTRY, {
      workerData: setup,
      env: {},
      execArgv: [],
      stdin: false,
      resourceLimits: { stackSizeMb: STACK_MB, maxOldGenerationSizeMb: HEAP_MB },
    });
    this.worker.on('message', (answer: ThreadAnswer) => this.settle(answer));
    this.worker.on('error', (error) => this.settle({ kind: 'died', item: this.item(), message: error.message }));
    this.worker.on('exit', () => this.settle({ kind: 'died', item: this.item(), message: 'the thread ended' }));
    this.worker.unref(); // An idle engine must not keep the process alive.
  }

  /** Indexes of items of the latest batch that were observed to be slow. */
  get slowItems(): ReadonlySet<number> {
    return this.slow;
  }

  /** One batch at a time; `limitFactors` has one number per item. Never rejects. */
  evaluateBatch(text: string, limitFactors: readonly number[]): Promise<BatchEnd> {
    return new Promise((resolve) => {
      this.limitFactors = limitFactors;
      this.slow = new Set();
      this.end = resolve;
      this.worker.ref();
      this.worker.postMessage(text);
      this.watchAgainIn(Math.min(SLOW_MS, this.timeLimitMs), Date.now());
    });
  }

  async terminate(): Promise<void> {
    clearTimeout(this.watch);
    this.clock?.close();
    this.clock = undefined;
    await this.worker.terminate();
  }

  private settle(end: BatchEnd): void {
    clearTimeout(this.watch);
    this.worker.unref();
    this.end?.(end);
    this.end = undefined;
  }

  private item(): number {
    return Atomics.load(this.progress, ITEM);
  }

  private watchAgainIn(delayMs: number, begunAt: number): void {
    this.watch = setTimeout(() => {
      const item = this.item();
      const limitMs = this.timeLimitMs * (this.limitFactors[item] ?? 1);
      const usedMs = this.usedMs();
      const leftMs = item === IDLE ? begunAt + START_LIMIT_MS - Date.now() : limitMs - usedMs;
      if (item !== IDLE && usedMs >= Math.min(SLOW_MS, limitMs)) this.slow.add(item);
      if (leftMs > 0) {
        this.watchAgainIn(Math.max(SHORTEST_WATCH_MS, Math.min(leftMs, SLOW_MS)), begunAt);
        return;
      }
      const message =
        item === IDLE
          ? `the thread did not start within ${START_LIMIT_MS / 1000} s`
          : `it did not end within ${limitMs} ms of CPU time`;
      this.settle({ kind: 'timedOut', item, message });
      void this.worker.terminate();
    }, delayMs);
  }

  /** CPU time that the evaluation in flight has used. */
  private usedMs(): number {
    const threadId = Atomics.load(this.progress, THREAD_ID);
    if (threadId === NOT_STARTED) return 0;
    this.clock ??= createCpuClock(threadId);
    return (Math.floor(this.clock.read()) - Atomics.load(this.progress, STARTED_AT)) | 0; // 32 bits that wrap around
  }
}
