/** A worker process as deployed: what its /metrics says, and which spans its collector gets, after known events. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Redis from 'ioredis';
import { SluiceCommand } from '../../dev/demo/command';
import { createApiClient, type ApiClient } from '../../dev/kubernetes/api-client';
import { startSystem, type OwnSystem } from '../../dev/system';
import { startWorker, type RunningWorker } from '../../dev/worker-process';
import { METRICS } from '../../src/metrics/metric-definitions';
import { eventually } from '../setup/eventually';
import { SpanReceiver, type ReceivedSpan } from '../tracing/span-receiver';
import { scrape, valueOf, type Sample } from './read-metrics';

const TRACE_ID = '4bf92f3577b34da6a3ce929d0e0e4736';
const PRODUCERS_SPAN = '00f067aa0ba902b7';

const MANIFESTS = `
apiVersion: argoproj.io/v1alpha1
kind: EventBus
metadata: {name: default}
spec: {jetstream: {version: 2.10.10}}
---
apiVersion: argoproj.io/v1alpha1
kind: EventSource
metadata: {name: orders}
spec:
  redisStream:
    placed:
      hostAddress: redis:6379
      consumerGroup: sluice
      maxMsgCountPerRead: 100
      streams: [orders]
      filter: {expression: 'values.kind != "ignored"'}
---
apiVersion: argoproj.io/v1alpha1
kind: Sensor
metadata: {name: shop}
spec:
  dependencies:
    - name: good
      eventSourceName: orders
      eventName: placed
      filters: {data: [{path: values.kind, type: string, value: [good]}]}
    - name: bad
      eventSourceName: orders
      eventName: placed
      filters: {data: [{path: values.kind, type: string, value: [bad]}]}
  triggers:
    - template:
        name: ship
        conditions: good
        argoWorkflow:
          operation: submit
          source:
            resource:
              apiVersion: argoproj.io/v1alpha1
              kind: Workflow
              metadata: {generateName: ship-}
              spec: {entrypoint: ship, templates: [{name: ship, container: {image: busybox}}]}
    - template:
        name: complain
        conditions: bad
        http: {url: 'http://127.0.0.1:9/nobody-listens', method: POST, payload: [{src: {dependencyName: bad, dataKey: values.kind}, dest: kind}]}
      retryStrategy: {steps: 1}
---
apiVersion: argoproj.io/v1alpha1
kind: Sensor
metadata: {name: quota, annotations: {sluice.io/concurrency-group: gpu=20}}
spec:
  dependencies: [{name: other, eventSourceName: other, eventName: other}]
  triggers: [{template: {name: log, log: {}}}]
`;

interface Workflow {
  readonly metadata: { readonly name: string; readonly annotations: Readonly<Record<string, string>> };
}

describe('a worker process', () => {
  const collector = new SpanReceiver();
  let system: OwnSystem;
  let worker: RunningWorker;
  let api: ApiClient;
  let folder: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'sluice-metrics-'));
    await writeFile(join(folder, 'shop.yaml'), MANIFESTS);
    system = await startSystem({ workflowDurationMs: 200, temporalUi: false, own: true, redisNames: ['redis:6379'] });
    const { url, caPath, adminToken: token } = system.kubernetes;
    api = createApiClient({ url, ca: await readFile(caPath, 'utf8'), token });
    worker = await startWorker('all-in-one', {
      ...system.environment,
      OTEL_EXPORTER_OTLP_ENDPOINT: await collector.start(),
      OTEL_SERVICE_NAME: 'sluice-under-test',
      OTEL_BSP_SCHEDULE_DELAY: '100',
    });
    await new SluiceCommand(system.environment).json('apply', '-f', folder, '--wait', '30s');
    const redis = new Redis(system.redis.url);
    const kinds = ['good', 'good', 'bad', 'other', 'other', 'ignored'];
    for (const kind of kinds) await redis.xadd('orders', '*', 'kind', kind);
    await redis.xadd('orders', '*', 'kind', 'good', 'traceparent', `00-${TRACE_ID}-${PRODUCERS_SPAN}-01`);
    redis.disconnect();
  }, 120_000);

  afterAll(async () => {
    await worker?.stop();
    api?.close();
    await system?.stop();
    await collector.stop();
    await rm(folder, { recursive: true, force: true });
  }, 60_000);

  const SOURCE = { namespace: 'default', eventsource_name: 'orders', event_name: 'placed' };
  const SENSOR = { namespace: 'default', sensor_name: 'shop' };
  /** `metrics` answers numbers that are all as expected, or the last ones that were not. */
  const expectMetrics = async (expected: ReadonlyArray<[string, Readonly<Record<string, string>>, number]>) => {
    const read = async (): Promise<Array<[string, object, number | undefined]>> => {
      const samples: Sample[] = await scrape(worker.metricsUrl);
      return expected.map(([name, labels]) => [name, labels, valueOf(samples, name, labels)]);
    };
    await eventually(async () => JSON.stringify(await read()) === JSON.stringify(expected)).catch(() => undefined);
    expect(await read()).toEqual(expected);
  };

  it('counts the results of its event sources', async () => {
    await expectMetrics([
      ['argo_events_event_service_running_total', { namespace: 'default', eventsource_name: 'orders' }, 1],
      ['sluice_source_connected', SOURCE, 1],
      ['argo_events_events_sent_total', SOURCE, 6],
      ['argo_events_event_processing_duration_milliseconds_count', SOURCE, 6],
      ['sluice_events_filtered_total', SOURCE, 1],
      ['sluice_events_duplicate_total', SOURCE, 0],
      ['sluice_events_rejected_total', SOURCE, 0],
      ['sluice_source_dropped_total', SOURCE, 0],
      ['argo_events_events_sent_failed_total', SOURCE, 0],
      ['argo_events_events_processing_failed_total', SOURCE, 0],
    ]);
  });

  it('counts the decisions of its sensors, and the results of every fire', async () => {
    const ship = { ...SENSOR, trigger_name: 'ship' };
    const complain = { ...SENSOR, trigger_name: 'complain' };
    await expectMetrics([
      ['sluice_decisions_total', { ...SENSOR, decision: 'fired' }, 4],
      // Each of the six events is refused by at least one of the two dependencies.
      ['sluice_decisions_total', { ...SENSOR, decision: 'filtered' }, 8],
      ['sluice_decisions_total', { ...SENSOR, decision: 'failed' }, 0],
      ['argo_events_action_triggered_total', ship, 3],
      ['argo_events_action_failed_total', ship, 0],
      ['argo_events_action_duration_milliseconds_count', ship, 3],
      ['sluice_event_to_fire_seconds_count', ship, 3],
      ['argo_events_action_triggered_total', complain, 0],
      ['argo_events_action_failed_total', complain, 1],
      ['argo_events_action_retries_failed_total', complain, 1],
      ['sluice_outcomes_total', { ...SENSOR, phase: 'Succeeded' }, 3],
    ]);
  });

  it('measures the backlog and the parked runs of its sensors', async () => {
    await expectMetrics([
      ['sluice_sensor_lag', SENSOR, 0],
      ['sluice_oldest_unhandled_event_age_seconds', SENSOR, 0],
      ['sluice_runs_parked', SENSOR, 1],
    ]);
  });

  it("exports them next to Temporal's own, with exactly the documented labels", async () => {
    const controller = await startWorker('controller', {
      ...system.environment,
      SLUICE_CONTROLLER_NAMESPACES: 'default',
    });
    const ofController = await eventually(async () => {
      const found = await scrape(controller.metricsUrl);
      return found.some(({ name }) => name === 'sluice_objects') && found;
    }).finally(() => controller.stop());
    const samples = [...(await scrape(worker.metricsUrl)), ...ofController];
    expect(samples.some(({ name }) => name.startsWith('temporal_'))).toBe(true);
    for (const [name, { kind, labels }] of Object.entries(METRICS)) {
      const found = samples.find((sample) => sample.name === (kind === 'histogram' ? `${name}_count` : name));
      expect({ name, labels: Object.keys(found?.labels ?? {}).sort() }).toEqual({ name, labels: [...labels].sort() });
    }
  });

  it('continues the trace of a producer through relay, decision, fire and outcome', async () => {
    const spans = await eventually(() => {
      const found = collector.spans.filter(({ traceId }) => traceId === TRACE_ID);
      return found.length >= 4 ? found : undefined;
    });
    const [relay, decide, fire, outcome] = ['relay', 'decide', 'fire', 'outcome'].map((name) => named(spans, name));
    expect(relay?.parentSpanId).toBe(PRODUCERS_SPAN);
    expect(decide?.parentSpanId).toBe(relay?.spanId);
    expect(fire?.parentSpanId).toBe(relay?.spanId);
    expect(outcome?.parentSpanId).toBe(fire?.spanId);
    expect(spans.every(({ service }) => service === 'sluice-under-test')).toBe(true);
    expect(decide?.attributes).toMatchObject({ 'sluice.sensor': 'shop', 'cloudevents.event_source': 'orders' });

    const { body } = await api.expect('GET', '/apis/argoproj.io/v1alpha1/namespaces/default/workflows');
    const { items } = body as { items: Workflow[] };
    const created = items.find(({ metadata }) => metadata.annotations['traceparent']?.includes(TRACE_ID));
    expect(created?.metadata.annotations['traceparent']).toBe(`00-${TRACE_ID}-${fire?.spanId}-01`);
    expect(fire?.attributes).toMatchObject({
      'sluice.trigger': 'ship',
      'sluice.object': `default/${created?.metadata.name}`,
    });
  });

  it('begins a trace for an event without one, and marks failed spans', async () => {
    const failed = await eventually(() => collector.spans.find(({ name, isError }) => name === 'fire' && isError));
    expect(failed.attributes).toMatchObject({ 'sluice.trigger': 'complain' });
    const relay = collector.spans.find(({ name, traceId }) => name === 'relay' && traceId === failed.traceId);
    expect(relay).toMatchObject({ parentSpanId: '', spanId: failed.parentSpanId });
  });
});

function named(spans: readonly ReceivedSpan[], name: string): ReceivedSpan | undefined {
  return spans.find((span) => span.name === name);
}
