/**
 * Writes metrics through Temporal's own meter, so that they appear wherever the worker exports Temporal's: one
 * endpoint, also in a user's own worker. Without an exporter the meter does nothing.
 */
import type { MetricMeter } from '@temporalio/common';
import { METRICS, type LabelsOf, type MetricDefinition, type MetricName, type MetricOf } from './metric-definitions';

/** Each call into the meter crosses into native code, so a counter that grows in a storm is reported in intervals. */
const TELL_EVERY_MS = 250;

type Labels = Readonly<Record<string, string>>;
type Write = (value: number, labels: Labels) => void;

export class Metrics {
  private readonly writers = new Map<MetricName, Write>();
  private readonly pending = new Map<string, { readonly name: MetricName; readonly labels: Labels; value: number }>();
  private readonly levels = new Map<string, number>();
  /** Of each gauge as it was written last: a thousand sensors at rest write nothing. */
  private readonly written = new Map<string, number>();
  private telling: NodeJS.Timeout | undefined;

  /** `openMeter` is called with the first value: until then no native runtime is needed. */
  constructor(private readonly openMeter: () => MetricMeter) {}

  /** A `value` of 0 makes the counter visible before anything happens. */
  count<Name extends MetricOf<'counter'>>(name: Name, labels: LabelsOf<Name>, value = 1): void {
    const key = seriesKey(name, labels);
    const waiting = this.pending.get(key);
    if (waiting === undefined) this.pending.set(key, { name, labels, value });
    else waiting.value += value;
    this.telling ??= setTimeout(() => this.flush(), TELL_EVERY_MS).unref();
  }

  set<Name extends MetricOf<'gauge'>>(name: Name, labels: LabelsOf<Name>, value: number): void {
    const key = seriesKey(name, labels);
    if (Object.is(this.written.get(key), value)) return;
    this.written.set(key, value);
    this.writer(name)(value, labels);
  }

  /**
   * Stops reporting a series that is no longer measured here. The meter cannot remove a series; alerts and maxima do
   * not treat NaN as a number.
   */
  forget<Name extends MetricOf<'gauge'>>(name: Name, labels: LabelsOf<Name>): void {
    this.set(name, labels, Number.NaN);
  }

  /** For gauges that several parts of one worker raise and lower. */
  adjust<Name extends MetricOf<'gauge'>>(name: Name, labels: LabelsOf<Name>, by: number): void {
    const key = seriesKey(name, labels);
    const level = (this.levels.get(key) ?? 0) + by;
    this.levels.set(key, level);
    this.set(name, labels, level);
  }

  record<Name extends MetricOf<'histogram'>>(name: Name, labels: LabelsOf<Name>, value: number): void {
    this.writer(name)(Math.max(0, value), labels);
  }

  flush(): void {
    clearTimeout(this.telling);
    this.telling = undefined;
    const waiting = [...this.pending.values()];
    this.pending.clear();
    for (const { name, labels, value } of waiting) this.writer(name)(value, labels);
  }

  private writer(name: MetricName): Write {
    const known = this.writers.get(name);
    if (known !== undefined) return known;
    const made = createWriter(this.openMeter(), name);
    this.writers.set(name, made);
    return made;
  }
}

function createWriter(meter: MetricMeter, name: MetricName): Write {
  const { kind, help }: MetricDefinition = METRICS[name];
  switch (kind) {
    case 'counter': {
      const counter = meter.createCounter(name, '', help);
      return (value, labels) => counter.add(value, labels);
    }
    case 'gauge': {
      const gauge = meter.createGauge(name, 'float', '', help);
      return (value, labels) => gauge.set(value, labels);
    }
    case 'histogram': {
      const histogram = meter.createHistogram(name, 'float', '', help);
      return (value, labels) => histogram.record(value, labels);
    }
  }
}

function seriesKey(name: string, labels: Labels): string {
  return `${name} ${Object.values(labels).join(' ')}`;
}
