/**
 * Decides when a listener reports to its sensor: soon after a change, then ever more rarely while changes continue,
 * because each report is in the sensor's history. Times are milliseconds since the epoch.
 */
export class ReportPace {
  private interval: number;
  private due: number;
  private isQuiet = true;

  constructor(
    private readonly shortest: number,
    private readonly longest: number,
    now: number,
  ) {
    this.interval = shortest;
    this.due = now + shortest;
  }

  /** There is something to report. */
  changed(now: number): void {
    if (!this.isQuiet) return;
    this.isQuiet = false;
    this.interval = this.shortest;
    this.due = Math.min(this.due, now + this.shortest);
  }

  isDue(now: number): boolean {
    return now >= this.due;
  }

  /** A check was made; `hadNews`: it sent a report. */
  looked(hadNews: boolean, now: number): void {
    this.isQuiet = !hadNews;
    this.interval = hadNews ? Math.min(this.interval * 2, this.longest) : this.longest;
    this.due = now + this.interval;
  }
}
