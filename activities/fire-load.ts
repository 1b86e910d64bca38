/**
 * How much this worker has started and not yet fired. Starting runs is quicker than carrying them out; without this
 * the listener would cut a storm into many small runs that then wait for each other. While it waits, events stay on
 * the bus, where the next pull finds them all together.
 */
const MAX_WAITING_FIRES = 200;
/** A run that another worker took over never reports here. */
const FORGET_AFTER_MS = 3_000;

export class FireLoad {
  private readonly waiting = new Map<string, NodeJS.Timeout>();
  private wakeUps: Array<() => void> = [];

  started(fireIds: readonly string[]): void {
    for (const id of fireIds) {
      clearTimeout(this.waiting.get(id));
      this.waiting.set(id, setTimeout(() => this.finished([id]), FORGET_AFTER_MS).unref());
    }
  }

  finished(fireIds: readonly string[]): void {
    for (const id of fireIds) {
      clearTimeout(this.waiting.get(id));
      this.waiting.delete(id);
    }
    if (this.waiting.size >= MAX_WAITING_FIRES) return;
    for (const wakeUp of this.wakeUps.splice(0)) wakeUp();
  }

  /** Resolves when there is room for more, or when the signal aborts. */
  async room(signal: AbortSignal): Promise<void> {
    while (this.waiting.size >= MAX_WAITING_FIRES && !signal.aborted) {
      await new Promise<void>((resolve) => this.wakeUps.push(resolve));
    }
  }
}
