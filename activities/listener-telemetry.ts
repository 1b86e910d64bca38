/** What a listener tells Prometheus and the trace of each event. */
import type { WorkflowClient } from '@temporalio/client';
import type { BusListener } from '../src/bus/bus';
import type { Metrics } from '../src/metrics/metrics';
import { describeEvent, isTracing, startSpan, traceOf } from '../src/tracing/spans';
import { sensorRef } from '../workflows/identity';
import type { SensorDefinition } from '../workflows/messages';
import type { EventDecision } from './decide-fires';
import type { Ending } from './ending';

const DECISIONS = ['fired', 'joined', 'unmatched', 'filtered', 'failed'] as const;

type SensorGauge =
  'sluice_sensor_connected' | 'sluice_sensor_lag' | 'sluice_oldest_unhandled_event_age_seconds' | 'sluice_runs_parked';

export class ListenerTelemetry {
  /** Heartbeats and measures that are under way come after the end, too. */
  private isOpen = false;
  private readonly labels: { readonly namespace: string; readonly sensor_name: string };

  constructor(
    private readonly metrics: Metrics,
    private readonly definition: Pick<SensorDefinition, 'namespace' | 'name' | 'spec'>,
  ) {
    this.labels = { namespace: definition.namespace, sensor_name: definition.name };
  }

  /** Shows every counter of the sensor with 0, so that the first failure is already an increase. */
  open(): void {
    this.isOpen = true;
    const { metrics, labels } = this;
    for (const decision of DECISIONS) metrics.count('sluice_decisions_total', { ...labels, decision }, 0);
    for (const { template } of this.definition.spec.triggers) {
      const trigger = { ...labels, trigger_name: template.name };
      metrics.count('argo_events_action_triggered_total', trigger, 0);
      metrics.count('argo_events_action_failed_total', trigger, 0);
      metrics.count('argo_events_action_retries_failed_total', trigger, 0);
    }
  }

  close(ending: Ending): void {
    this.forgetBacklog();
    this.metrics.forget('sluice_runs_parked', this.labels);
    if (ending === 'stopped') this.connected(false);
    this.isOpen = false;
    if (ending === 'let go') this.metrics.forget('sluice_sensor_connected', this.labels);
  }

  connected(isConnected: boolean): void {
    this.set('sluice_sensor_connected', isConnected ? 1 : 0);
  }

  /** Answers how many events wait on the bus. */
  async measureBacklog(listener: BusListener): Promise<number> {
    try {
      const lag = await listener.lag();
      const since = lag === 0 ? undefined : await listener.waitingSince();
      const age = since === undefined ? 0 : Math.max(0, Date.now() - since) / 1_000;
      this.set('sluice_sensor_lag', lag);
      this.set('sluice_oldest_unhandled_event_age_seconds', age);
      return lag;
    } catch (error) {
      this.forgetBacklog();
      throw error;
    }
  }

  /** Answers how many runs of the sensor are parked. */
  async countParked(workflows: WorkflowClient): Promise<number> {
    const { labels } = this;
    const sensor = sensorRef(labels.namespace, labels.sensor_name);
    const { count } = await workflows.count(
      `SluiceSensor = '${sensor}' AND SluiceState = 'Parked' AND ExecutionStatus = 'Running'`,
    );
    this.set('sluice_runs_parked', count);
    return count;
  }

  /** `startedAt`: when the batch was pulled, milliseconds since the epoch. */
  decided(decisions: readonly EventDecision[], runOf: ReadonlyMap<string, string>, startedAt: number): void {
    const tracing = isTracing();
    for (const decision of decisions) {
      const made = [
        ...decision.fires.map(() => 'fired'),
        ...decision.observations.map(() => 'joined'),
        ...decision.records.map((record) => record.decision),
      ];
      for (const one of made) this.metrics.count('sluice_decisions_total', { ...this.labels, decision: one });
      if (tracing) this.trace(decision, made, runOf, startedAt);
    }
  }

  refused(tooLarge: number): void {
    this.metrics.count('sluice_decisions_total', { ...this.labels, decision: 'failed' }, tooLarge);
  }

  private set(name: SensorGauge, value: number): void {
    if (this.isOpen) this.metrics.set(name, this.labels, value);
  }

  private forgetBacklog(): void {
    this.metrics.forget('sluice_sensor_lag', this.labels);
    this.metrics.forget('sluice_oldest_unhandled_event_age_seconds', this.labels);
  }

  private trace(
    { incoming, fires }: EventDecision,
    made: readonly string[],
    runOf: ReadonlyMap<string, string>,
    startedAt: number,
  ): void {
    const { event, sequence } = incoming;
    if (event === undefined) return;
    const runId = runOf.get(fires[0]?.id ?? '');
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
