/** Events that went back to the bus to be tried again: when each comes, and what a person is told meanwhile. */

const FIRST_DELAY_MS = 1_000;
/** For an event that fails by itself: its neighbours are not concerned, and it is seldom tried. */
const MAX_DELAY_MS = 120_000;
/** While nothing can be handled: what waits goes on soon after the other side is back. */
const MAX_OUTAGE_DELAY_MS = 10_000;
/** An event that another listener took over is never heard of here again. */
const FORGET_AFTER_MS = 60_000;

/** Doubles with each delivery. */
export function retryDelay(deliveryCount: number, isOutage: boolean): number {
  const longest = isOutage ? MAX_OUTAGE_DELAY_MS : MAX_DELAY_MS;
  return Math.min(FIRST_DELAY_MS * 2 ** Math.min(Math.max(0, deliveryCount - 1), 20), longest);
}

export class ReturnedEvents {
  /** Sequence on the bus → why it went back, and until when that is worth telling. */
  private readonly waiting = new Map<number, { readonly reason: string; readonly until: number }>();

  /** Times are milliseconds since the epoch. */
  add(sequence: number, reason: string, delayMs: number, now: number): void {
    this.waiting.delete(sequence);
    this.waiting.set(sequence, { reason, until: now + delayMs + FORGET_AFTER_MS });
  }

  handled(sequence: number): void {
    this.waiting.delete(sequence);
  }

  /** Why the latest of them went back; undefined when none is waiting. */
  problem(now: number): string | undefined {
    for (const [sequence, { until }] of this.waiting) if (until < now) this.waiting.delete(sequence);
    return [...this.waiting.values()].at(-1)?.reason;
  }
}
