/** What the listeners of a sensor counted, for its status. Pure. */
import type { ListenerReport, SensorCounts, SensorStatus } from '../../contract/sensor-messages';

/** Plain JSON, for continue-as-new. */
export interface CarriedReports {
  /** Counts of listeners that have ended, and fires of the sensor itself. */
  readonly ended: SensorCounts;
  readonly reports: readonly ListenerReport[];
  readonly countedAt?: string;
}

const NO_COUNTS: SensorCounts = { consumed: 0, matched: 0, unmatched: 0, fired: 0, failed: 0 };

export class ListenerReports {
  private ended: SensorCounts;
  private readonly reports: Map<string, ListenerReport>;
  private countedAt: string | undefined;

  constructor({ ended, reports, countedAt }: CarriedReports = { ended: NO_COUNTS, reports: [] }) {
    this.ended = ended;
    this.reports = new Map(reports.map((report) => [report.listener, report]));
    this.countedAt = countedAt;
  }

  add(report: ListenerReport): void {
    const before = this.reports.get(report.listener);
    if (before !== undefined && before.epoch !== report.epoch) this.ended = add(this.ended, before.counts);
    this.reports.set(report.listener, report);
    this.countedAt = report.at;
  }

  /** Adds fires that the sensor started itself. */
  addFired(fired: number): void {
    this.ended = add(this.ended, { ...NO_COUNTS, fired });
  }

  /** `listeners`: how many there are now. */
  status(
    listeners: number,
    isPaused: boolean,
  ): Pick<SensorStatus, 'counts' | 'lag' | 'parked' | 'countedAt' | 'problems'> {
    const reports = [...this.reports.values()];
    // Current reports of listeners that no longer exist are ignored; their counts stay.
    const present = reports.filter(({ listener }) => Number(listener) <= listeners);
    // Every listener counts the parked runs of the whole sensor: the latest count is the valid one.
    const parked = reports.find(({ at }) => at === this.countedAt)?.parked;
    const problems = isPaused ? [] : [...new Set(present.flatMap(({ problem }) => problem ?? []))];
    return {
      counts: reports.reduce((total, report) => add(total, report.counts), this.ended),
      ...(present.length > 0 && { lag: Math.max(...present.map((report) => report.lag)) }),
      ...(parked !== undefined && { parked }),
      ...(this.countedAt !== undefined && { countedAt: this.countedAt }),
      ...(problems.length > 0 && { problems }),
    };
  }

  carry(): CarriedReports {
    return {
      ended: this.ended,
      reports: [...this.reports.values()],
      ...(this.countedAt !== undefined && { countedAt: this.countedAt }),
    };
  }
}

function add(a: SensorCounts, b: SensorCounts): SensorCounts {
  return {
    consumed: a.consumed + b.consumed,
    matched: a.matched + b.matched,
    unmatched: a.unmatched + b.unmatched,
    fired: a.fired + b.fired,
    failed: a.failed + b.failed,
  };
}
