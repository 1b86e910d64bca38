/** Metrics of the relay, and spans in the trace of each event. */
import type { Span } from '@opentelemetry/api';
import type { CloudEvent } from '../../src/event/cloud-event';
import type { Metrics } from '../../src/metrics/metrics';
import type { SourceStatus } from '../../src/sources/source';
import { describeEvent, endFailed, isTracing, startSpan, withSpan } from '../../src/tracing/spans';
import { parseTraceparent } from '../../src/tracing/trace-context';
import type { StopReason } from '../worker/stop-reason';

export interface RelayedName {
  readonly namespace: string;
  readonly eventSourceName: string;
  readonly eventName: string;
}

const COUNTERS = [
  'argo_events_events_sent_total',
  'argo_events_events_sent_failed_total',
  'argo_events_events_processing_failed_total',
  'sluice_events_duplicate_total',
  'sluice_events_filtered_total',
  'sluice_events_rejected_total',
  'sluice_source_dropped_total',
  'sluice_source_unauthorized_total',
  'sluice_hydrations_total',
  'sluice_quota_wait_milliseconds_total',
  'sluice_hydrations_failed_total',
] as const;

interface InFlight {
  readonly since: number;
  readonly span?: Span;
}

export class RelayTelemetry {
  private readonly labels: { readonly namespace: string; readonly eventsource_name: string; event_name: string };
  private readonly inFlight = new Map<CloudEvent, InFlight>();
  private dropped = 0;
  private unauthorized = 0;
  /** The last heartbeat comes after the end. */
  private isOpen = false;

  constructor(
    private readonly metrics: Metrics,
    { namespace, eventSourceName, eventName }: RelayedName,
  ) {
    this.labels = { namespace, eventsource_name: eventSourceName, event_name: eventName };
  }

  open(): void {
    for (const name of COUNTERS) this.metrics.count(name, this.labels, 0);
    this.countRunning(1);
    this.isOpen = true;
  }

  close(ending: StopReason): void {
    this.isOpen = false;
    this.countRunning(-1);
    if (ending === 'stopped') this.metrics.set('sluice_source_connected', this.labels, 0);
    else if (ending === 'let go') this.metrics.forget('sluice_source_connected', this.labels);
  }

  observe({ connected, dropped, unauthorized = 0 }: SourceStatus): void {
    if (this.isOpen) this.metrics.set('sluice_source_connected', this.labels, connected ? 1 : 0);
    if (dropped > this.dropped) this.count('sluice_source_dropped_total', dropped - this.dropped);
    this.dropped = dropped;
    if (unauthorized > this.unauthorized) {
      this.count('sluice_source_unauthorized_total', unauthorized - this.unauthorized);
    }
    this.unauthorized = unauthorized;
  }

  /** Returns the event to publish: part of the trace that its producer began, otherwise of a new one. */
  begin(event: CloudEvent): CloudEvent {
    if (!isTracing()) {
      this.inFlight.set(event, { since: performance.now() });
      return event;
    }
    const span = startSpan('relay', {
      parent: parseTraceparent(event.traceparent),
      attributes: { ...describeEvent(event), 'k8s.namespace.name': this.labels.namespace },
    });
    const traced = withSpan(event, span);
    this.inFlight.set(traced, { since: performance.now(), span });
    return traced;
  }

  /** The event has got its item, and goes on as `whole`. */
  hydrated(event: CloudEvent, whole: CloudEvent): void {
    this.count('sluice_hydrations_total');
    this.replaced(event, whole);
  }

  heldBack(ms: number): void {
    this.count('sluice_quota_wait_milliseconds_total', Math.round(ms));
  }

  notHydrated(): void {
    this.count('sluice_hydrations_failed_total');
  }

  replaced(event: CloudEvent, other: CloudEvent): void {
    const found = this.inFlight.get(event);
    this.inFlight.delete(event);
    if (found !== undefined) this.inFlight.set(other, found);
  }

  published(event: CloudEvent, isDuplicate: boolean): void {
    const { since, span } = this.end(event);
    this.count('argo_events_events_sent_total');
    if (isDuplicate) this.count('sluice_events_duplicate_total');
    const { metrics, labels } = this;
    metrics.record('argo_events_event_processing_duration_milliseconds', labels, performance.now() - since);
    span?.setAttribute('sluice.duplicate', isDuplicate);
    span?.end();
  }

  /** `code`: set if the filter could not be evaluated. */
  filtered(event: CloudEvent, code: string | undefined): void {
    const { span } = this.end(event);
    this.count('sluice_events_filtered_total');
    if (code !== undefined) this.count('argo_events_events_processing_failed_total');
    span?.setAttribute('sluice.decision', 'filtered');
    span?.end();
  }

  /** The bus did not accept them within one attempt to publish; the relay keeps retrying. */
  stillWaiting(count: number): void {
    this.count('argo_events_events_sent_failed_total', count);
    this.count('argo_events_events_processing_failed_total', count);
  }

  /** Counts input that never became an event. */
  rejected(count: number): void {
    if (count === 0) return;
    this.count('sluice_events_rejected_total', count);
    this.count('argo_events_events_processing_failed_total', count);
  }

  refused(event: CloudEvent, reason: unknown): void {
    this.rejected(1);
    this.count('argo_events_events_sent_failed_total');
    const { span } = this.end(event);
    if (span) endFailed(span, reason);
  }

  /** Ends the events that have not ended otherwise. */
  givenBack(events: readonly CloudEvent[], reason: unknown): void {
    for (const event of events) {
      if (!this.inFlight.has(event)) continue;
      this.count('argo_events_events_sent_failed_total');
      this.count('argo_events_events_processing_failed_total');
      const { span } = this.end(event);
      if (span) endFailed(span, reason);
    }
  }

  private end(event: CloudEvent): InFlight {
    const found = this.inFlight.get(event) ?? { since: performance.now() };
    this.inFlight.delete(event);
    return found;
  }

  private count(name: (typeof COUNTERS)[number], by = 1): void {
    this.metrics.count(name, this.labels, by);
  }

  private countRunning(by: 1 | -1): void {
    const { namespace, eventsource_name } = this.labels;
    this.metrics.adjust('argo_events_event_service_running_total', { namespace, eventsource_name }, by);
  }
}
