/** A clock for calendars that moves when a test says so. */
import type { Clock } from '../../src/sources/calendar';

export class ManualClock implements Clock {
  private sleepers = new Set<() => void>();

  constructor(private time: number) {}

  now(): number {
    return this.time;
  }

  advanceTo(time: number): void {
    this.time = time;
    for (const wake of this.sleepers) wake();
  }

  async sleepUntil(time: number, signal: AbortSignal): Promise<void> {
    if (signal.aborted || time <= this.time) return;
    await new Promise<void>((resolve) => {
      const wake = (): void => {
        this.sleepers.delete(wake);
        signal.removeEventListener('abort', wake);
        resolve();
      };
      this.sleepers.add(wake);
      signal.addEventListener('abort', wake);
    });
  }
}
