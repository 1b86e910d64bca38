/**
 * Counts fires that this worker has started and not yet fired. Starting runs is quicker than carrying them out; without
 * this limit the listener would cut a storm into many small runs that wait for each other and, if the target responds
 * slowly, pile up requests until all of them time out. Meanwhile events stay on the bus, where the next pull gets them
 * all together.
 *
 * A namespace may have its own share however many fires others have in flight: a flood delays only its own namespace.
 */
const MAX_WAITING_FIRES = 200;
const SHARE_OF_A_NAMESPACE = 50;
/** A run that another worker took over never reports here. */
const FORGET_AFTER_MS = 3_000;

interface WaitingFire {
  readonly namespace: string;
  /** When to forget it; undefined while it is in flight here, however long that takes. */
  readonly timer?: NodeJS.Timeout;
}

export class FireLoad {
  private readonly waiting = new Map<string, WaitingFire>();
  private readonly counts = new Map<string, number>();
  private wakeUps: Array<() => void> = [];

  constructor(private readonly forgetAfterMs = FORGET_AFTER_MS) {}

  /** Their run was started; which worker carries it out is not yet known. */
  started(namespace: string, fireIds: readonly string[]): void {
    for (const id of fireIds) {
      this.put(id, { namespace, timer: setTimeout(() => this.finished([id]), this.forgetAfterMs).unref() });
    }
  }

  /** This worker carries them out, and calls `finished` afterwards. */
  begun(namespace: string, fireIds: readonly string[]): void {
    for (const id of fireIds) this.put(id, { namespace });
  }

  finished(fireIds: readonly string[]): void {
    for (const id of fireIds) this.remove(id);
    for (const wakeUp of this.wakeUps.splice(0)) wakeUp();
  }

  /** Resolves when this namespace may start more fires, or when the signal aborts. */
  async capacity(namespace: string, signal: AbortSignal): Promise<void> {
    while (this.isFullFor(namespace) && !signal.aborted) {
      await new Promise<void>((resolve) => this.wakeUps.push(resolve));
    }
  }

  private isFullFor(namespace: string): boolean {
    return this.waiting.size >= MAX_WAITING_FIRES && (this.counts.get(namespace) ?? 0) >= SHARE_OF_A_NAMESPACE;
  }

  private put(id: string, fire: WaitingFire): void {
    this.remove(id);
    this.waiting.set(id, fire);
    this.counts.set(fire.namespace, (this.counts.get(fire.namespace) ?? 0) + 1);
  }

  private remove(id: string): void {
    const fire = this.waiting.get(id);
    if (fire === undefined) return;
    clearTimeout(fire.timer);
    this.waiting.delete(id);
    const left = (this.counts.get(fire.namespace) ?? 0) - 1;
    if (left > 0) this.counts.set(fire.namespace, left);
    else this.counts.delete(fire.namespace);
  }
}
