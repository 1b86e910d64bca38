import { foreseeableLosses } from '../../src/control/apply/foreseeable-losses';
import { parseSensor } from '../../src/validation/parse-manifest';
import type { EventBusDefinition } from '../../src/contract/definitions';

function sensor(annotations: Record<string, string>, bus: Partial<EventBusDefinition> = {}) {
  const { object, options } = parseSensor({
    apiVersion: 'argoproj.io/v1alpha1',
    kind: 'Sensor',
    metadata: { name: 'scenes', namespace: 'argo', annotations },
    spec: {
      dependencies: [{ name: 'a', eventSourceName: 'stac', eventName: 'items' }],
      triggers: [{ template: { name: 'detect', log: {} } }],
    },
  });
  const spec = { jetstreamExotic: { url: 'nats://nats:4222', streamConfig: 'maxAge: 24h' } };
  const definition = {
    ...{ namespace: 'argo', name: 'scenes', spec: object.spec, options },
    bus: { namespace: 'argo', name: 'default', spec, ...bus },
  };
  return { desired: { kind: 'Sensor' as const, definition } };
}

describe('warnings of apply about events that may expire', () => {
  it.each([
    ['limits all its fires', { 'sluice.io/concurrency': '20' }],
    ['limits one trigger', { 'sluice.io/concurrency.detect': '20' }],
  ])('name a sensor that %s on a bus with maxAge', (_, annotations) => {
    const [warning, ...others] = foreseeableLosses([sensor(annotations)]);
    expect(others).toEqual([]);
    expect(warning).toContain('Sensor argo/scenes runs 20 fires at a time, and event bus argo/default removes');
    expect(warning).toContain('sluice.io/retention: until-handled');
  });

  it('name a paused sensor', () => {
    const [warning] = foreseeableLosses([{ ...sensor({}), readiness: { state: 'Paused' } }]);
    expect(warning).toContain('is paused');
  });

  it('cover the default age if the manifest sets none', () => {
    const spec = { jetstreamExotic: { url: 'nats://nats:4222' } };
    expect(foreseeableLosses([sensor({ 'sluice.io/concurrency': '1' }, { spec })])[0]).toContain('7d');
  });

  it.each<[string, Partial<EventBusDefinition>]>([
    ['has no maxAge', { spec: { jetstreamExotic: { url: 'nats://nats:4222', streamConfig: 'maxAge: 0s' } } }],
    ['keeps events until they are handled', { options: { retention: 'until-handled' } }],
  ])('are absent if the bus %s', (_, bus) => {
    expect(foreseeableLosses([sensor({ 'sluice.io/concurrency': '1' }, bus)])).toEqual([]);
  });

  it('are absent for a sensor without limits', () => {
    expect(foreseeableLosses([{ ...sensor({}), readiness: { state: 'Ready' } }])).toEqual([]);
  });
});
