/** What the engine and its threads say to each other. */
import './web-assembly';

export interface ThreadSetup {
  readonly module: WebAssembly.Module;
  readonly maxMemoryMb: number;
  readonly timeLimitMs: number;
  /** See `ITEM` and `STARTED_AT`; shared, because a busy thread cannot answer messages. */
  readonly progress: Int32Array;
  /** `STARTED_AT` counts milliseconds from here (a 32-bit number cannot hold a date). */
  readonly epochMs: number;
}

/** Index of the item being evaluated, or `IDLE`. */
export const ITEM = 0;
/** When its evaluation began. */
export const STARTED_AT = 1;
export const IDLE = -1;

export type ThreadAnswer =
  | { readonly kind: 'answered'; readonly text: string; readonly memoryBytes: number }
  /** The module died while evaluating `item`. */
  | { readonly kind: 'died'; readonly item: number; readonly message: string };
