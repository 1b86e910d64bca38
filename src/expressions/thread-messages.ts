/** The messages between the engine and its threads. */
import './web-assembly';

export interface ThreadSetup {
  readonly module: WebAssembly.Module;
  readonly maxMemoryMb: number;
  readonly timeLimitMs: number;
  /** Lowers the priority of the thread, if the operating system can do that for a single thread. */
  readonly isPatient: boolean;
  /** See the indexes below; shared, because a busy thread cannot answer messages. */
  readonly progress: Int32Array;
}

/** Index of the item being evaluated, or `IDLE`. */
export const ITEM = 0;
/** The thread's CPU time in milliseconds when this evaluation began. */
export const STARTED_AT = 1;
/** The operating system's id of the thread (see cpu-clock.ts), or `NOT_STARTED`. */
export const THREAD_ID = 2;
export const PROGRESS_FIELDS = 3;

export const IDLE = -1;
export const NOT_STARTED = 0;

export type ThreadAnswer =
  | { readonly kind: 'answered'; readonly text: string; readonly memoryBytes: number }
  /** The module died while evaluating `item`. */
  | { readonly kind: 'died'; readonly item: number; readonly message: string };
