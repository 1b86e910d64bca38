/** Runs the checks of an absence watch one after another, and a last one when its listener ends. */
import { setTimeout as delay } from 'node:timers/promises';
import { Pace } from '../../src/concurrency/pace';
import { describeError } from '../../src/errors/sluice-error';
import type { AbsenceWatch } from './absence-watch';

const CHECK_EVERY_MS = 2_000;
/** A worker that shuts down does not wait for an unavailable bus. */
const LAST_CHECK_WITHIN_MS = 1_000;
const COMPLAIN_EVERY_MS = 60_000;

export class AbsenceChecks {
  private running: Promise<void> = Promise.resolve();
  /** The arguments of the check that follows the one under way. */
  private next: { isCaughtUp: boolean } | undefined;
  private readonly timer: NodeJS.Timeout;
  private readonly complaints = new Pace(COMPLAIN_EVERY_MS);

  constructor(
    private readonly watch: Pick<AbsenceWatch, 'look'>,
    isCaughtUp: () => boolean,
    private readonly warn: (text: string) => void,
  ) {
    this.timer = setInterval(() => void this.check(isCaughtUp()), CHECK_EVERY_MS);
  }

  /** Resolves when a check has ended that began after this call. Never rejects. */
  check(isCaughtUp: boolean): Promise<void> {
    if (this.next !== undefined) {
      this.next.isCaughtUp ||= isCaughtUp;
    } else {
      const next = (this.next = { isCaughtUp });
      this.running = this.running.then(() => {
        this.next = undefined;
        return this.look(next.isCaughtUp);
      });
    }
    return this.running;
  }

  /** Stores what was seen last, if the bus answers in time. */
  async close(): Promise<void> {
    clearInterval(this.timer);
    await Promise.race([this.check(false), delay(LAST_CHECK_WITHIN_MS, undefined, { ref: false })]);
  }

  private async look(isCaughtUp: boolean): Promise<void> {
    try {
      await this.watch.look(Date.now(), isCaughtUp);
    } catch (error) {
      if (this.complaints.isDue()) this.warn(`absences cannot be checked now: ${describeError(error)}`);
    }
  }
}
