const MOST_KEYS = 100;

/** Lets something that may repeat quickly, such as a line of the log, through once in an interval for each key. */
export class Pace {
  private readonly passed = new Map<string, { readonly at: number; heldBack: number }>();

  constructor(private readonly everyMs: number) {}

  isDue(now = performance.now()): boolean {
    return this.pass('', now) !== undefined;
  }

  /** Returns how often `key` was held back since it passed last; undefined if it is held back now. */
  pass(key: string, now = performance.now()): number | undefined {
    const former = this.passed.get(key);
    if (former !== undefined && now - former.at < this.everyMs) {
      former.heldBack += 1;
      return undefined;
    }
    if (this.passed.size >= MOST_KEYS) this.passed.clear();
    this.passed.set(key, { at: now, heldBack: 0 });
    return former?.heldBack ?? 0;
  }

  reset(): void {
    this.passed.clear();
  }
}
