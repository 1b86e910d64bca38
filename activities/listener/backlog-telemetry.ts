/** Metrics of the events that wait for a sensor, set by its listener or, while it is paused, by its watch. */
import type { SensorBacklog } from '../../src/bus/bus';
import type { Metrics } from '../../src/metrics/metrics';
import type { ObjectName } from '../../src/contract/definitions';

const GAUGES = [
  'sluice_sensor_lag',
  'sluice_oldest_unhandled_event_age_seconds',
  'sluice_event_max_age_seconds',
] as const;

export class BacklogTelemetry {
  private readonly labels: { readonly namespace: string; readonly sensor_name: string };
  /** A measurement in flight may complete after the activity. */
  private isOpen = false;

  constructor(
    private readonly metrics: Metrics,
    { namespace, name }: ObjectName,
  ) {
    this.labels = { namespace, sensor_name: name };
  }

  /** Initialises the counter with 0, so that the first loss is an increase. */
  open(): void {
    this.isOpen = true;
    this.metrics.count('sluice_events_expired_total', this.labels, 0);
  }

  observe({ waiting, oldestAt, maxAgeMs, expired }: SensorBacklog): void {
    const { metrics, labels } = this;
    for (const { least } of expired) metrics.count('sluice_events_expired_total', labels, Math.max(1, least));
    if (!this.isOpen) return;
    const age = oldestAt === undefined ? 0 : Math.max(0, Date.now() - oldestAt) / 1_000;
    metrics.set('sluice_sensor_lag', labels, waiting);
    metrics.set('sluice_oldest_unhandled_event_age_seconds', labels, age);
    metrics.set('sluice_event_max_age_seconds', labels, maxAgeMs / 1_000);
  }

  forget(): void {
    for (const gauge of GAUGES) this.metrics.forget(gauge, this.labels);
  }

  close(): void {
    this.isOpen = false;
    this.forget();
  }
}
