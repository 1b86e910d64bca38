/** When to ask for what was released: soon, and less and less often while the same fault persists. */
import { setTimeout as delay } from 'node:timers/promises';

/** Messages released again within this time mean that the same fault persists. */
const SAME_FAULT_MS = 60_000;

export interface PauseLimits {
  readonly firstMs: number;
  readonly longestMs: number;
}

export class RedeliveryPause {
  private pauseMs = 0;
  private lastAt = -Infinity;

  constructor(private readonly limits: PauseLimits = { firstMs: 100, longestMs: 10_000 }) {}

  /** Called when messages are released: returns how long to wait before they are asked for again. */
  nextMs(): number {
    const { firstMs, longestMs } = this.limits;
    const now = performance.now();
    this.pauseMs = now - this.lastAt < SAME_FAULT_MS ? Math.min(2 * this.pauseMs, longestMs) : firstMs;
    this.lastAt = now;
    return this.pauseMs;
  }
}

/** For messages that are returned together, however many deliveries were released. */
export class SharedRedelivery {
  private readonly pause = new RedeliveryPause();
  private isScheduled = false;

  /** Calls `redeliver` once after the pause, however often it is called meanwhile; never after the signal aborts. */
  schedule(signal: AbortSignal, redeliver: () => void): void {
    if (this.isScheduled) return;
    this.isScheduled = true;
    delay(this.pause.nextMs(), undefined, { signal, ref: false }).then(
      () => {
        this.isScheduled = false;
        redeliver();
      },
      () => undefined,
    );
  }
}
