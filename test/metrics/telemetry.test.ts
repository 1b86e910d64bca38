import { SluiceError } from '../../src/errors/sluice-error';
import { Metrics } from '../../src/metrics/metrics';
import type { FireResult } from '../../src/contract/fires';
import { isLastAttempt, observeFire } from '../../activities/firing/fire-telemetry';
import type { SensorBacklog } from '../../src/bus/bus';
import { ListenerTelemetry } from '../../activities/listener/listener-telemetry';
import { RelayTelemetry } from '../../activities/relay/relay-telemetry';
import { RecordingMeter } from './recording-meter';
import { cloudEvent } from '../setup/cloud-event';

const createEvent = (id: string) =>
  cloudEvent({ id, source: 'orders', subject: 'placed', type: 'redis', time: '2026-01-02T03:04:05.000Z', data: {} });

let recording: RecordingMeter;
let metrics: Metrics;
beforeEach(() => {
  recording = new RecordingMeter();
  metrics = new Metrics(() => recording.meter);
});

describe('gauges', () => {
  it('are written when they change, so that a thousand sensors at rest write nothing', () => {
    const labels = { namespace: 'default', sensor_name: 'scenes' };
    for (const value of [1, 1, 1, 0, 0]) metrics.set('sluice_sensor_connected', labels, value);
    metrics.set('sluice_sensor_connected', { ...labels, sensor_name: 'other' }, 0);
    metrics.forget('sluice_sensor_connected', labels);
    metrics.set('sluice_sensor_connected', labels, 0);
    expect(recording.writes.map(({ value }) => value)).toEqual([1, 0, 0, Number.NaN, 0]);
  });
});

describe('counters', () => {
  const labels = { namespace: 'default', eventsource_name: 'orders', event_name: 'placed' };

  it('are written once for all increments in between', () => {
    for (let count = 0; count < 2_000; count++) metrics.count('argo_events_events_sent_total', labels);
    expect(recording.writes).toEqual([]);
    metrics.flush();
    expect(recording.writes).toEqual([{ name: 'argo_events_events_sent_total', value: 2_000, labels }]);
    metrics.flush();
    expect(recording.writes).toHaveLength(1);
  });

  it('are kept apart by their labels', () => {
    metrics.count('argo_events_events_sent_total', labels);
    metrics.count('argo_events_events_sent_total', { ...labels, event_name: 'paid' }, 2);
    metrics.flush();
    expect(recording.writes.map(({ value }) => value)).toEqual([1, 2]);
  });

  it('need no meter before the first value', () => {
    const unused = new Metrics(() => {
      throw new Error('opened');
    });
    expect(() => unused.flush()).not.toThrow();
  });
});

describe('a relay', () => {
  let telemetry: RelayTelemetry;
  beforeEach(() => {
    const name = { namespace: 'default', eventSourceName: 'orders', eventName: 'placed' };
    telemetry = new RelayTelemetry(metrics, name);
    telemetry.open();
  });
  const totals = (): Record<string, number> => {
    metrics.flush();
    const names = ['sent', 'sent_failed', 'processing_failed'].map((name) => `argo_events_events_${name}_total`);
    const ours = ['events_duplicate', 'events_filtered', 'events_rejected', 'source_dropped', 'source_unauthorized'];
    const all = [...names, ...ours.map((name) => `sluice_${name}_total`)];
    return Object.fromEntries(
      all.map((name) => [name.replace(/^(argo_events|sluice)_|_total$/g, ''), recording.total(name)]),
    );
  };
  const NOTHING = {
    ...{ events_sent: 0, events_sent_failed: 0, events_processing_failed: 0, events_duplicate: 0 },
    ...{ events_filtered: 0, events_rejected: 0, source_dropped: 0, source_unauthorized: 0 },
  };

  it('shows zeros before anything happens', () => {
    expect(totals()).toEqual(NOTHING);
    expect(recording.writes.filter(({ value }) => value === 0)).toHaveLength(11);
  });

  it.each<[string, (telemetry: RelayTelemetry) => void, object]>([
    ['an event is published', (t) => t.published(t.begin(createEvent('1')), false), { events_sent: 1 }],
    [
      'the bus already had it',
      (t) => t.published(t.begin(createEvent('1')), true),
      { events_sent: 1, events_duplicate: 1 },
    ],
    ['the filter rejects it', (t) => t.filtered(t.begin(createEvent('1')), undefined), { events_filtered: 1 }],
    [
      'the filter cannot be evaluated',
      (t) => t.filtered(t.begin(createEvent('1')), 'EXPRESSION_FAILED'),
      { events_filtered: 1, events_processing_failed: 1 },
    ],
    ['input is unreadable', (t) => t.rejected(2), { events_rejected: 2, events_processing_failed: 2 }],
    [
      'it is too large',
      (t) => t.refused(t.begin(createEvent('1')), 'too large'),
      { events_rejected: 1, events_sent_failed: 1, events_processing_failed: 1 },
    ],
    [
      'of two, one is published before the bus becomes unavailable',
      (t) => {
        const events = [t.begin(createEvent('1')), t.begin(createEvent('2'))] as const;
        t.published(events[0], false);
        t.givenBack(events, new Error('away'));
      },
      { events_sent: 1, events_sent_failed: 1, events_processing_failed: 1 },
    ],
    [
      'the source dropped three, then two more',
      (t) => {
        for (const dropped of [3, 3, 5]) t.observe({ connected: true, dropped });
      },
      { source_dropped: 5 },
    ],
    [
      'the source refused two callers, then one more',
      (t) => {
        for (const unauthorized of [2, 3]) t.observe({ connected: true, dropped: 0, unauthorized });
      },
      { source_unauthorized: 3 },
    ],
  ])('counts what happens when %s', (_what, happen, expected) => {
    happen(telemetry);
    expect(totals()).toEqual({ ...NOTHING, ...expected });
  });

  it('is running while it is open, and exports NaN afterwards', () => {
    const running = 'argo_events_event_service_running_total';
    const second = new RelayTelemetry(metrics, { namespace: 'default', eventSourceName: 'orders', eventName: 'paid' });
    second.open();
    telemetry.observe({ connected: true, dropped: 0 });
    expect([recording.last(running), recording.last('sluice_source_connected')]).toEqual([2, 1]);
    telemetry.close('let go');
    expect([recording.last(running), recording.last('sluice_source_connected')]).toEqual([1, Number.NaN]);
    // The last heartbeat comes later.
    telemetry.observe({ connected: true, dropped: 0 });
    expect(recording.last('sluice_source_connected')).toBeNaN();
    second.close('let go');
    expect(recording.last(running)).toBe(0);
  });

  it('stays disconnected if an operator must repair it, and connected if the process ends', () => {
    telemetry.observe({ connected: true, dropped: 0 });
    telemetry.close('shutting down');
    expect(recording.last('sluice_source_connected')).toBe(1);
    telemetry.close('stopped');
    expect(recording.last('sluice_source_connected')).toBe(0);
  });
});

describe('a listener', () => {
  const GAUGES = [
    ...['sensor_connected', 'sensor_lag', 'oldest_unhandled_event_age_seconds', 'runs_parked'],
    ...['events_in_hand', 'sensor_stalled_seconds'],
  ];
  const gauges = () => GAUGES.map((name) => recording.last(`sluice_${name}`));
  const measured = (waiting: number) => (): Promise<SensorBacklog> =>
    Promise.resolve({
      ...{ waiting, inHand: 3, handledTo: 4 },
      ...{ oldestAt: Date.now() - 60_000, maxAgeMs: 90_000, expired: [], history: [] },
    });
  const waiting = measured(7);
  const spec = { dependencies: [], triggers: [] };
  let telemetry: ListenerTelemetry;
  beforeEach(() => {
    telemetry = new ListenerTelemetry(metrics, { namespace: 'default', name: 'shop', spec });
    telemetry.open();
    telemetry.connected(true);
  });

  it('reports pending events, events in hand and their age, and nothing if the bus does not answer', async () => {
    await telemetry.measureBacklog(waiting, ({ inHand, handledTo }) => inHand * 10_000 + handledTo * 1_000);
    expect(gauges().slice(0, 2)).toEqual([1, 7]);
    expect(gauges()[2]).toBeGreaterThanOrEqual(60);
    expect(gauges().slice(4)).toEqual([3, 34]);
    const away = (): Promise<SensorBacklog> => Promise.reject(new Error('away'));
    await expect(telemetry.measureBacklog(away, () => 0)).rejects.toThrow('away');
    telemetry.connected(false);
    expect(gauges().slice(0, 3)).toEqual([0, Number.NaN, Number.NaN]);
  });

  it('counts the events that expired unhandled, and reports the retention of the bus', async () => {
    expect(recording.total('sluice_events_expired_total')).toBe(0);
    const lost = { fromSequence: 3, toSequence: 9, least: 5, most: 7, toTime: '2026-01-01T00:00:00Z', cause: 'age' };
    await telemetry.measureBacklog(
      async () => ({
        ...(await waiting()),
        expired: [{ ...lost, cause: 'age' as const }],
      }),
      () => 0,
    );
    metrics.flush();
    expect(recording.total('sluice_events_expired_total')).toBe(5);
    expect(recording.last('sluice_event_max_age_seconds')).toBe(90);
  });

  it('exports NaN afterwards, even if a measurement was in flight', async () => {
    await telemetry.measureBacklog(waiting, () => 0);
    telemetry.close('let go');
    telemetry.connected(true);
    await telemetry.measureBacklog(waiting, () => 0);
    expect(gauges()).toEqual(GAUGES.map(() => Number.NaN));
  });

  it('stays disconnected if an operator must repair it', () => {
    telemetry.close('stopped');
    expect(gauges()[0]).toBe(0);
  });
});

describe('a fire', () => {
  const RESULT: FireResult = { kind: 'response', summary: 'ok', status: 200 };
  const attempt = async (send: () => Promise<FireResult>, isLast = false) => {
    const sensor = { namespace: 'default', name: 'shop' };
    const events = { good: createEvent('1') };
    const trigger = { template: { name: 'ship', log: {} } };
    const fire = { sensor, trigger, runId: 'run/default/shop/1', fireId: 'f1', events };
    await observeFire(metrics, fire, () => isLast, send).catch(() => undefined);
    metrics.flush();
    return ['triggered', 'failed', 'retries_failed'].map((name) => recording.total(`argo_events_action_${name}_total`));
  };
  const failing = (retryable: boolean) => () =>
    Promise.reject(
      new SluiceError(retryable ? 'TRIGGER_UNREACHABLE' : 'SENSOR_PARAMETER_UNRESOLVED', { message: 'no' }),
    );

  it.each<[string, () => Promise<FireResult>, boolean, number[]]>([
    ['succeeds', () => Promise.resolve(RESULT), false, [1, 0, 0]],
    ['fails and is retried', failing(true), false, [0, 1, 0]],
    ['fails at its last attempt', failing(true), true, [0, 1, 1]],
    ['fails permanently', failing(false), false, [0, 1, 1]],
  ])('is counted if it %s', async (_what, send, isLast, expected) => {
    expect(await attempt(send, isLast)).toEqual(expected);
    expect(recording.writes.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['argo_events_action_failed_total', 'argo_events_action_retries_failed_total']),
    );
    const durations = recording.writes.filter(({ name }) => name === 'argo_events_action_duration_milliseconds');
    expect(durations).toHaveLength(1);
  });

  it.each([
    ['the first of three', 1, 0, { steps: 3 }, 0, false],
    ['the third of three', 3, 0, { steps: 3 }, 0, true],
    ['the second after one made together with others', 2, 1, { steps: 3 }, 0, true],
    ['without a strategy, early', 3, 1, undefined, 10_000, false],
    ['without a strategy, when the next would begin too late', 9, 1, undefined, 590_000, true],
  ])('recognises its last attempt: %s', (_what, number, before, retryStrategy, elapsedMs, expected) => {
    const info = {
      attempt: number,
      scheduledTimestampMs: 1_000,
      scheduleToCloseTimeoutMs: retryStrategy === undefined ? 600_000 : 0,
    };
    expect(isLastAttempt(info, { retryStrategy }, before, 1_000 + elapsedMs)).toBe(expected);
  });
});
