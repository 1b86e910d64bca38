import { parseSensor } from '../../../src/validation/parse-manifest';
import type { SensorDefinition } from '../../../src/contract/definitions';
import type { ListenerReport } from '../../../src/contract/sensor-messages';
import { SensorMemory } from '../../../src/sandbox/sensor/sensor-memory';

const NOON = Date.parse('2026-07-01T12:00:00Z');

function sensor(listeners: number): SensorDefinition {
  const { object, options } = parseSensor({
    apiVersion: 'argoproj.io/v1alpha1',
    kind: 'Sensor',
    metadata: { name: 'water', namespace: 'eo', annotations: { 'sluice.io/listeners': String(listeners) } },
    spec: {
      dependencies: [{ name: 'a', eventSourceName: 'stac', eventName: 'a' }],
      triggers: [{ template: { name: 't', log: {} } }],
    },
  });
  const bus = { namespace: 'eo', name: 'default', spec: { jetstreamExotic: { url: 'nats://nats:4222' } } };
  return { namespace: 'eo', name: 'water', spec: object.spec, options, bus };
}

function report(listener: number, lag: number, problem?: string): ListenerReport {
  const counts = { consumed: 5, matched: 5, unmatched: 0, fired: 5, failed: 0 };
  return {
    ...{ listener: `${listener}`, epoch: `epoch-${listener}`, at: new Date(NOON).toISOString(), counts, lag },
    ...(problem !== undefined && { problem }),
  };
}

describe('the status of a sensor', () => {
  it('drops the lag and the problem of removed listeners, and keeps their counts', () => {
    const memory = new SensorMemory(sensor(2), undefined, NOON);
    memory.count(report(1, 0));
    memory.count(report(2, 70, 'Temporal is away'));
    expect(memory.status()).toMatchObject({ lag: 70, problems: ['Temporal is away'] });
    memory.configure(sensor(1), NOON);
    const status = memory.status();
    expect(status).toMatchObject({ lag: 0, counts: { consumed: 10, fired: 10 } });
    expect(status.problems).toBeUndefined();
  });

  it('reports no event as retried while the sensor is paused', () => {
    const memory = new SensorMemory(sensor(1), undefined, NOON);
    memory.count(report(1, 3, 'Temporal is away'));
    memory.controls.pause({ by: 'ada', why: 'upgrade' }, NOON);
    expect(memory.status().problems).toBeUndefined();
    memory.controls.resume();
    expect(memory.status().problems).toEqual(['Temporal is away']);
  });
});
