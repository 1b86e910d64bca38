/** A meter that remembers what was written to it. */
import { noopMetricMeter, type MetricMeter } from '@temporalio/common';

export class RecordingMeter {
  readonly writes: Array<{ readonly name: string; readonly value: number; readonly labels: object }> = [];

  readonly meter: MetricMeter = {
    withTags: () => this.meter,
    createCounter: (name) => ({
      ...noopMetricMeter.createCounter(name),
      add: (value, labels = {}) => void this.writes.push({ name, value, labels }),
    }),
    createGauge: (name) => ({
      ...noopMetricMeter.createGauge(name),
      set: (value, labels = {}) => void this.writes.push({ name, value, labels }),
    }),
    createHistogram: (name) => ({
      ...noopMetricMeter.createHistogram(name),
      record: (value, labels = {}) => void this.writes.push({ name, value, labels }),
    }),
  };

  /** Sum of everything written under a name. */
  total(name: string): number {
    return this.writes.filter((write) => write.name === name).reduce((sum, { value }) => sum + value, 0);
  }

  last(name: string): number | undefined {
    return this.writes.findLast((write) => write.name === name)?.value;
  }
}
