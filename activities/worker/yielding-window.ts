/**
 * Limits the fires on the way of a namespace that yields to others. The limit grows while the delay from the start of a
 * run to the call of its target is near the shortest of late, and halves when the delay shows a queue: many fires where
 * Temporal is far away and idle, few on a busy machine. Delay-based congestion control, as in LEDBAT (RFC 6817).
 */
const FIRST = 16;
/** As many activities start with the workflow task that asks for them, past the task queue. */
const FEWEST = 3;
const MOST = 200;
/** Times the shortest delay of late: what is longer was spent in a queue. */
const TOLERATED = 2;
const BASE_IS_OF_LAST_MS = 60_000;

export class YieldingWindow {
  private size = FIRST;
  /** Shortest delays of this minute and the one before. */
  private shortest = { ms: Infinity, beforeMs: Infinity, since: -Infinity };
  private shrunkAt = -Infinity;

  constructor(private readonly now: () => number = () => performance.now()) {}

  get fires(): number {
    return Math.floor(this.size);
  }

  /** `isUsed`: the fire was of a namespace that yields; the window does not grow while no namespace needs it. */
  observe(delayMs: number, isUsed: boolean): void {
    const now = this.now();
    const { ms, since } = this.shortest;
    if (now - since > BASE_IS_OF_LAST_MS) this.shortest = { ms: delayMs, beforeMs: ms, since: now };
    else this.shortest.ms = Math.min(ms, delayMs);
    const base = Math.min(this.shortest.ms, this.shortest.beforeMs);
    if (delayMs > base * TOLERATED) this.shrink(now, delayMs);
    else if (isUsed) this.size = Math.min(MOST, this.size + 1 / this.size);
  }

  /** Once within the time that a change needs to have an effect. */
  private shrink(now: number, delayMs: number): void {
    if (now - this.shrunkAt < delayMs) return;
    this.shrunkAt = now;
    this.size = Math.max(FEWEST, this.size / 2);
  }
}
