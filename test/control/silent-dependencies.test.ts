import { silentDependencies, type AppliedSource } from '../../src/control/apply/silent-dependencies';
import type { EventBusDefinition } from '../../src/contract/definitions';
import { parseEventSource, parseSensor } from '../../src/validation/parse-manifest';

const apiVersion = 'argoproj.io/v1alpha1';
const spec = { jetstreamExotic: { url: 'nats://nats:4222', streamConfig: '' } };

function sensor(eventSourceName: string, eventName: string, options?: EventBusDefinition['options']) {
  const { object, options: ofSensor } = parseSensor({
    apiVersion,
    kind: 'Sensor',
    metadata: { name: 'water', namespace: 'argo' },
    spec: {
      dependencies: [{ name: 'scene', eventSourceName, eventName }],
      triggers: [{ template: { name: 'detect', log: {} } }],
    },
  });
  const bus = { namespace: 'argo', name: 'default', spec, ...(options && { options }) };
  const definition = { namespace: 'argo', name: 'water', spec: object.spec, options: ofSensor, bus };
  return { kind: 'Sensor' as const, definition };
}

function source(name: string, ...events: readonly string[]) {
  const { object, options } = parseEventSource({
    apiVersion,
    kind: 'EventSource',
    metadata: { name, namespace: 'argo' },
    spec: { webhook: Object.fromEntries(events.map((event) => [event, { port: '12000', endpoint: `/${event}` }])) },
  });
  const bus = { namespace: 'argo', name: 'default', spec };
  return { kind: 'EventSource' as const, definition: { namespace: 'argo', name, spec: object.spec, options, bus } };
}

const none = (): Promise<undefined> => Promise.resolve(undefined);

describe('a dependency for which nothing is published', () => {
  it('is named if its event source is not applied', async () => {
    expect(await silentDependencies([sensor('stca', 'items')], none)).toEqual([
      'Sensor argo/water: dependency scene waits for event items of EventSource argo/stca, which is not applied',
    ]);
  });

  it('is named with the events that its source has, applied before or together with it', async () => {
    const sentence =
      'Sensor argo/water: dependency scene waits for event itmes of EventSource argo/stac, which has items, others';
    const stac = source('stac', 'items', 'others');
    expect(await silentDependencies([sensor('stac', 'itmes'), stac], none)).toEqual([sentence]);
    const find = (): Promise<AppliedSource> => Promise.resolve({ spec: stac.definition.spec });
    expect(await silentDependencies([sensor('stac', 'itmes')], find)).toEqual([sentence]);
  });

  it.each([
    ['its source has the event', [sensor('stac', 'items'), source('stac', 'items')], none],
    ['no worker can be asked', [sensor('stac', 'items')], () => Promise.resolve({ spec: undefined })],
    ['it waits for outcomes', [sensor('sluice-outcomes', 'water')], none],
    ['its bus takes events of other namespaces', [sensor('stac', 'items', { acceptNamespaces: ['eo'] })], none],
  ])('is not named if %s', async (_name, objects, find) => {
    expect(await silentDependencies(objects, find)).toEqual([]);
  });
});
