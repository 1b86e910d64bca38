/** Logs one line when reading stops because Temporal is unavailable, and one when it resumes. */
import type { ActivityCancellationDetails } from '@temporalio/common';
import type { BusLog } from '../../src/bus/bus';

export class TemporalOutages {
  /** Name of the stopped reader → when, in milliseconds since the epoch. */
  private readonly stopped = new Map<string, number>();

  /** Called when an attempt ends. `name`: display name of the reader. */
  ended(name: string, details: ActivityCancellationDetails | undefined, log: BusLog, now = Date.now()): void {
    if (details === undefined || !(details.timedOut || details.notFound)) return;
    // Pause, delete and shutdown are requests that reached the worker: Temporal is there.
    if (details.cancelRequested || details.paused || details.reset || details.workerShutdown) return;
    this.stopped.set(name, now);
    log(
      'warn',
      `${name}: reading stopped, as Temporal accepted no heartbeat of this worker; it continues once Temporal is back`,
    );
  }

  /** Called when an attempt begins. */
  begun(name: string, log: BusLog, now = Date.now()): void {
    const since = this.stopped.get(name);
    if (since === undefined) return;
    this.stopped.delete(name);
    log(
      'info',
      `${name}: reading again, ${Math.round((now - since) / 1_000)} s after it stopped because Temporal was unavailable`,
    );
  }
}
