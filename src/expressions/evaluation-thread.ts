/** One thread with the expression module, watched from outside: it answers a batch, overruns, or dies. */
import './web-assembly';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { IDLE, ITEM, STARTED_AT } from './thread-messages';
import type { ThreadAnswer, ThreadSetup } from './thread-messages';

const THREAD_ENTRY = join(__dirname, 'thread.js');
/** Loading and first compilation, on a machine that is busy. */
const START_LIMIT_MS = 60_000;
/** V8's stack, which also holds the calls of WebAssembly: enough for JSON as deep as Go's decoder accepts. */
const STACK_MB = 32;
const HEAP_MB = 256;

export type BatchEnd =
  | { readonly kind: 'answered'; readonly text: string; readonly memoryBytes: number }
  /** The thread is gone. `item` is the index of the evaluation to blame, or -1 if it did not come that far. */
  | { readonly kind: 'timedOut' | 'died'; readonly item: number; readonly message: string };

export interface EvaluationThreadOptions {
  readonly module: WebAssembly.Module;
  readonly maxMemoryMb: number;
  /** For each item of a batch. */
  readonly timeLimitMs: number;
}

export class EvaluationThread {
  private readonly worker: Worker;
  private readonly progress = new Int32Array(new SharedArrayBuffer(8));
  private readonly epochMs = Date.now();
  private readonly timeLimitMs: number;
  private end: ((end: BatchEnd) => void) | undefined;
  private watch: NodeJS.Timeout | undefined;

  constructor(options: EvaluationThreadOptions) {
    this.timeLimitMs = options.timeLimitMs;
    this.progress[ITEM] = IDLE;
    const setup: ThreadSetup = { ...options, progress: this.progress, epochMs: this.epochMs };
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
    this.worker.unref(); // an idle engine must not keep the process alive
  }

  /** One batch at a time. Never rejects. */
  evaluateBatch(text: string): Promise<BatchEnd> {
    return new Promise((resolve) => {
      this.end = resolve;
      this.worker.ref();
      this.worker.postMessage(text);
      this.watchAgainIn(this.timeLimitMs);
    });
  }

  async terminate(): Promise<void> {
    clearTimeout(this.watch);
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

  private watchAgainIn(delayMs: number, begunAt = Date.now()): void {
    this.watch = setTimeout(() => {
      const item = this.item();
      const since = item === IDLE ? begunAt : this.epochMs + Atomics.load(this.progress, STARTED_AT);
      const limitMs = item === IDLE ? START_LIMIT_MS : this.timeLimitMs;
      const leftMs = since + limitMs - Date.now();
      if (leftMs > 0) {
        this.watchAgainIn(Math.min(leftMs, this.timeLimitMs), begunAt);
        return;
      }
      this.settle({ kind: 'timedOut', item, message: `it did not end within ${limitMs} ms` });
      void this.worker.terminate();
    }, delayMs);
  }
}
