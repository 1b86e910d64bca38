/** Bounds everything that is awaited after a stop was requested, so that no source or bus can prevent the stop. */
import { setTimeout as delay } from 'node:timers/promises';

/** What `StopDeadline.orGiveUp` returns instead of the awaited value. */
export const GAVE_UP = Symbol('the stop deadline has passed');

export class StopDeadline {
  private readonly over = new AbortController();
  private readonly passed: Promise<typeof GAVE_UP>;

  /** The deadline starts when `signal` aborts. */
  constructor(signal: AbortSignal, withinMs: number) {
    this.passed = new Promise((resolve) => {
      const start = (): void => {
        delay(withinMs, GAVE_UP, { ref: false, signal: this.over.signal }).then(resolve, () => undefined);
      };
      if (signal.aborted) start();
      else signal.addEventListener('abort', start, { once: true, signal: this.over.signal });
    });
  }

  /** The same bound for an end that was not requested. */
  static startingNow(withinMs: number): StopDeadline {
    return new StopDeadline(AbortSignal.abort(), withinMs);
  }

  async orGiveUp<Value>(work: Promise<Value>): Promise<Value | typeof GAVE_UP> {
    return await Promise.race([work, this.passed]);
  }

  dispose(): void {
    this.over.abort();
  }
}
