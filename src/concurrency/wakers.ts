/** Lets several callers wait for the same change. */
export class Wakers {
  private readonly waiting = new Set<() => void>();

  wait(): Promise<void> {
    return new Promise((resolve) => this.waiting.add(resolve));
  }

  wake(): void {
    for (const resolve of this.waiting) resolve();
    this.waiting.clear();
  }
}
