/** Pauses that double: from a second to a limit. Pure. */
const FIRST_MS = 1_000;

export class Backoff {
  private ms = FIRST_MS;

  constructor(private readonly longestMs: number) {}

  next(): number {
    const { ms } = this;
    this.ms = Math.min(2 * ms, this.longestMs);
    return ms;
  }

  reset(): void {
    this.ms = FIRST_MS;
  }
}
