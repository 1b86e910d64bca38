/**
 * Limits the fires on the way of a namespace that yields to others. The limit grows while the delay from the start of a
 * run to the call of its target is near the shortest of late, and halves when the delay shows a queue: many fires where
 * Temporal is far away and idle, few on a busy machine. Below one fire at a time the namespace starts a few together, in
 * one run, and pauses before the next: eight fires in one run cost Temporal about a third of eight runs. Delay-based
 * congestion control, as in LEDBAT (RFC 6817).
 */
const FIRST = 16;
const FEWEST = 1 / 8;
const MOST = 200;
/** Fires that start together where the window is smaller than one. */
const TOGETHER = 8;
/** So that a namespace goes on, however slow everything is: at ten fires a second. */
const LONGEST_PAUSE_MS = 100 * TOGETHER;
/** Times the shortest delay of late: what is longer was spent in a queue. */
const TOLERATED = 2;
const BASE_IS_OF_LAST_MS = 60_000;

export class YieldingWindow {
  private size = FIRST;
  /** Shortest delays of this minute and the one before. */
  private shortest = { ms: Infinity, beforeMs: Infinity, since: -Infinity };
  private shrunkAt = -Infinity;
  private lastDelayMs = 0;

  constructor(private readonly now: () => number = () => performance.now()) {}

  get fires(): number {
    return this.size < 1 ? TOGETHER : Math.floor(this.size);
  }

  /** Returns the time from the call of fires to the start of the next ones: with a window of 1/4, three delays each. */
  get pauseMs(): number {
    return Math.min(LONGEST_PAUSE_MS, this.lastDelayMs * Math.max(0, 1 / this.size - 1) * TOGETHER);
  }

  /** `isUsed`: the fire was of a namespace that yields; the window does not grow while no namespace needs it. */
  observe(delayMs: number, isUsed: boolean): void {
    const now = this.now();
    this.lastDelayMs = delayMs;
    const { ms, since } = this.shortest;
    if (now - since > BASE_IS_OF_LAST_MS) this.shortest = { ms: delayMs, beforeMs: ms, since: now };
    else this.shortest.ms = Math.min(ms, delayMs);
    const base = Math.min(this.shortest.ms, this.shortest.beforeMs);
    if (delayMs > base * TOLERATED) this.shrink(now, delayMs);
    else if (isUsed) this.size = Math.min(MOST, this.size + Math.min(1 / this.size, this.size / 4));
  }

  /** Once within the time that a change needs to have an effect. */
  private shrink(now: number, delayMs: number): void {
    if (now - this.shrunkAt < delayMs) return;
    this.shrunkAt = now;
    this.size = Math.max(FEWEST, this.size / 2);
  }
}
