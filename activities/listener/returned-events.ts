/** Events that were nacked for a retry: when the bus redelivers each, and the problem to show until then. */

const FIRST_DELAY_MS = 1_000;
/** For an event that fails alone: other events are not affected, so retries may be rare. */
const MAX_DELAY_MS = 120_000;
/** During an outage: pending events continue soon after it ends. */
const MAX_OUTAGE_DELAY_MS = 10_000;
/** An event that another listener took over never comes back here. */
const FORGET_AFTER_MS = 60_000;

/** Doubles with each delivery. */
export function retryDelay(deliveryCount: number, isOutage: boolean): number {
  const longest = isOutage ? MAX_OUTAGE_DELAY_MS : MAX_DELAY_MS;
  return Math.min(FIRST_DELAY_MS * 2 ** Math.min(Math.max(0, deliveryCount - 1), 20), longest);
}

export class ReturnedEvents {
  /** Sequence on the bus → why it was nacked, and until when to show it. */
  private readonly waiting = new Map<number, { readonly reason: string; readonly until: number }>();

  /** Times are milliseconds since the epoch. */
  add(sequence: number, reason: string, delayMs: number, now: number): void {
    this.waiting.delete(sequence);
    this.waiting.set(sequence, { reason, until: now + delayMs + FORGET_AFTER_MS });
  }

  handled(sequence: number): void {
    this.waiting.delete(sequence);
  }

  /** Returns why the latest of them was nacked; undefined if none is waiting. */
  problem(now: number): string | undefined {
    for (const [sequence, { until }] of this.waiting) if (until < now) this.waiting.delete(sequence);
    return [...this.waiting.values()].at(-1)?.reason;
  }
}
