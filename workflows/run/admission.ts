/**
 * Limits how many activities of a run may be pending together. Temporal allows 2,000, and fails a workflow task that
 * requests more, with everything else in it; and it accepts 4 MB in the response of one workflow task.
 */
import { condition, patched, sleep, workflowInfo } from '@temporalio/workflow';

const MAX_PENDING = 500;
const MAX_BYTES_AT_ONCE = 1_000_000;
/** Histories without it come from versions without these bounds. Checked only by runs that reach a bound. */
const BOUNDED = 'pending-activities-are-bounded';

export class Admission {
  private pending = 0;
  private bytes = 0;
  /** Distinguishes one workflow task from the next. */
  private task = 0;
  private waiting = 0;
  private queue: Promise<void> = Promise.resolve();

  /** @param bytes of the activity's input */
  async run<Result>(bytes: number, work: () => Promise<Result>): Promise<Result> {
    const turn = this.enter(bytes);
    if (turn !== undefined) await turn;
    try {
      return await work();
    } finally {
      this.pending -= 1;
    }
  }

  /** Undefined if there is capacity: the caller then continues at once, as in histories of earlier versions. */
  private enter(bytes: number): Promise<void> | undefined {
    if ((this.waiting === 0 && this.pending < MAX_PENDING && this.fits(bytes)) || !patched(BOUNDED)) {
      this.take(bytes);
      return undefined;
    }
    this.waiting += 1;
    this.queue = this.queue.then(async () => {
      await condition(() => this.pending < MAX_PENDING);
      while (!this.fits(bytes)) await sleep('1ms', { summary: 'the next fires go with the next workflow task' });
      this.waiting -= 1;
      this.take(bytes);
    });
    return this.queue;
  }

  private fits(bytes: number): boolean {
    const { historyLength } = workflowInfo();
    if (historyLength !== this.task) [this.task, this.bytes] = [historyLength, 0];
    return this.bytes === 0 || this.bytes + bytes <= MAX_BYTES_AT_ONCE;
  }

  private take(bytes: number): void {
    this.pending += 1;
    this.bytes += bytes;
  }
}
