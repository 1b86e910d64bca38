/**
 * How much this worker has started and not yet fired. Starting runs is quicker than carrying them out; without this
 * the listener would cut a storm into many small runs that then wait for each other, and, where the other side answers
 * slowly, pile up requests until all of them time out. While it waits, events stay on the bus, where the next pull finds
 * them all together.
 */
const MAX_WAITING_FIRES = 200;
/** A run that another worker took over never reports here. */
const FORGET_AFTER_MS = 3_000;

export class FireLoad {
  /** Fire → when to forget it; undefined while it is under way here, however long that takes. */
  private readonly waiting = new Map<string, NodeJS.Timeout | undefined>();
  private wakeUps: Array<() => void> = [];

  constructor(private readonly forgetAfterMs = FORGET_AFTER_MS) {}

  /** Their run was started; which worker carries it out is not known yet. */
  started(fireIds: readonly string[]): void {
    for (const id of fireIds) {
      clearTimeout(this.waiting.get(id));
      this.waiting.set(id, setTimeout(() => this.finished([id]), this.forgetAfterMs).unref());
    }
  }

  /** This worker carries them out, and will say when it has. */
  begun(fireIds: readonly string[]): void {
    for (const id of fireIds) {
      clearTimeout(this.waiting.get(id));
      this.waiting.set(id, undefined);
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
  async capacity(signal: AbortSignal): Promise<void> {
    while (this.waiting.size >= MAX_WAITING_FIRES && !signal.aborted) {
      await new Promise<void>((resolve) => this.wakeUps.push(resolve));
    }
  }
}
