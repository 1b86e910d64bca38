/** Metrics of a listener, and spans in the trace of each event. */
import type { SensorGroup } from '../../src/contract/sensor-messages';
import type { SensorBacklog } from '../../src/bus/bus';
import type { Metrics } from '../../src/metrics/metrics';
import { describeEvent, isTracing, startSpan, traceOf } from '../../src/tracing/spans';
import type { SensorDefinition } from '../../src/contract/definitions';
import { BacklogTelemetry } from './backlog-telemetry';
import type { StopReason } from '../worker/stop-reason';
import type { HandledEvent } from './settle-event';

const DECISIONS = ['fired', 'joined', 'unmatched', 'filtered', 'failed', 'duplicate'] as const;

/** Gauges of events that listeners have taken: a paused sensor has none. */
const IN_HAND_GAUGES = ['sluice_events_in_hand', 'sluice_sensor_stalled_seconds'] as const;
type SensorGauge = (typeof IN_HAND_GAUGES)[number] | 'sluice_sensor_connected' | 'sluice_runs_parked';

export class ListenerTelemetry {
  /** Heartbeats and measurements in flight complete after the end, too. */
  private isOpen = false;
  private readonly labels: { readonly namespace: string; readonly sensor_name: string };
  private readonly backlog: BacklogTelemetry;
  private groups: readonly SensorGroup[] = [];

  constructor(
    private readonly metrics: Metrics,
    private readonly definition: Pick<SensorDefinition, 'namespace' | 'name' | 'spec'>,
  ) {
    this.labels = { namespace: definition.namespace, sensor_name: definition.name };
    this.backlog = new BacklogTelemetry(metrics, definition);
  }

  /** Initialises every counter of the sensor with 0, so that the first failure is an increase. */
  open(): void {
    this.isOpen = true;
    this.backlog.open();
    const { metrics, labels } = this;
    for (const decision of DECISIONS) metrics.count('sluice_decisions_total', { ...labels, decision }, 0);
    for (const { template } of this.definition.spec.triggers) {
      const trigger = { ...labels, trigger_name: template.name };
      metrics.count('argo_events_action_triggered_total', trigger, 0);
      metrics.count('argo_events_action_failed_total', trigger, 0);
      metrics.count('argo_events_action_retries_failed_total', trigger, 0);
    }
  }

  close(ending: StopReason): void {
    this.backlog.close();
    this.forgetInHand();
    this.metrics.forget('sluice_runs_parked', this.labels);
    this.grouped([]);
    if (ending === 'stopped') this.connected(false);
    this.isOpen = false;
    if (ending === 'let go') this.metrics.forget('sluice_sensor_connected', this.labels);
  }

  connected(isConnected: boolean): void {
    this.set('sluice_sensor_connected', isConnected ? 1 : 0);
  }

  /**
   * Returns how many events wait on the bus.
   * @param stalledFor how long events in hand have made no progress, in milliseconds
   */
  async measureBacklog(
    measure: () => Promise<SensorBacklog>,
    stalledFor: (backlog: SensorBacklog) => number,
  ): Promise<number> {
    try {
      const backlog = await measure();
      this.backlog.observe(backlog);
      this.set('sluice_events_in_hand', backlog.inHand);
      this.set('sluice_sensor_stalled_seconds', stalledFor(backlog) / 1_000);
      return backlog.waiting;
    } catch (error) {
      this.backlog.forget();
      this.forgetInHand();
      throw error;
    }
  }

  parked(count: number): void {
    this.set('sluice_runs_parked', count);
  }

  /** The sensor's part in its concurrency groups; those that it has left are forgotten. */
  grouped(groups: readonly SensorGroup[]): void {
    if (!this.isOpen) return;
    const { metrics, labels } = this;
    for (const { name } of this.groups) {
      if (groups.some((group) => group.name === name)) continue;
      const gone = { ...labels, concurrency_group: name };
      metrics.forget('sluice_group_limit', gone);
      for (const state of ['in-flight', 'waiting']) metrics.forget('sluice_group_fires', { ...gone, state });
    }
    for (const { name, limit, holding, waiting } of groups) {
      const group = { ...labels, concurrency_group: name };
      metrics.set('sluice_group_limit', group, limit ?? Number.NaN);
      metrics.set('sluice_group_fires', { ...group, state: 'in-flight' }, holding);
      metrics.set('sluice_group_fires', { ...group, state: 'waiting' }, waiting);
    }
    this.groups = groups;
  }

  /** `startedAt`: when the batch was pulled, milliseconds since the epoch. */
  decided(events: readonly HandledEvent[], startedAt: number): void {
    const tracing = isTracing();
    for (const event of events) {
      for (const decision of event.made) this.metrics.count('sluice_decisions_total', { ...this.labels, decision });
      if (tracing) this.trace(event, startedAt);
    }
  }

  private forgetInHand(): void {
    for (const gauge of IN_HAND_GAUGES) this.metrics.forget(gauge, this.labels);
  }

  private set(name: SensorGauge, value: number): void {
    if (this.isOpen) this.metrics.set(name, this.labels, value);
  }

  private trace({ decision, made, runId }: HandledEvent, startedAt: number): void {
    const { event, sequence } = decision.incoming;
    if (event === undefined) return;
    const { fires } = decision;
    const span = startSpan('decide', {
      parent: traceOf(event),
      startTime: startedAt,
      attributes: {
        ...describeEvent(event),
        'k8s.namespace.name': this.labels.namespace,
        'sluice.sensor': this.labels.sensor_name,
        'sluice.decision': [...new Set(made)].join(', '),
        'sluice.sequence': sequence,
        ...(fires.length === 0 ? {} : { 'sluice.triggers': fires.map(({ trigger }) => trigger) }),
        ...(runId === undefined ? {} : { 'sluice.run_id': runId }),
      },
    });
    span.end();
  }
}
