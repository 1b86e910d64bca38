import { decideFires, type EventDecision } from '../../../activities/listener/decide-fires';
import type { SensorOnBus } from '../../../activities/listener/foreign-events';
import { createExpressionEngine } from '../../../src/expressions';
import { parseSensor } from '../../../src/validation/parse-manifest';
import { planSensor } from '../../../src/sandbox/sensor/sensor-plan';
import { sampleEvent } from '../../bus/bus-fixture';

describe('a sensor on a NATS that several namespaces share', () => {
  const engine = createExpressionEngine();
  afterAll(() => engine.close());

  async function decide(from: string | undefined, acceptNamespaces?: readonly string[]): Promise<EventDecision> {
    const { object, options } = parseSensor({
      apiVersion: 'argoproj.io/v1alpha1',
      kind: 'Sensor',
      metadata: { name: 'deploy', namespace: 'tenant-b' },
      spec: {
        dependencies: [{ name: 'a', eventSourceName: 'stac', eventName: 'scenes' }],
        triggers: [{ template: { name: 'post', log: {} } }],
      },
    });
    const bus = acceptNamespaces && { options: { acceptNamespaces } };
    const sensor: SensorOnBus = { namespace: 'tenant-b', name: 'deploy', ...(bus && { bus }) };
    const event = sampleEvent('1', from === undefined ? {} : { sluicenamespace: from });
    const incoming = [{ event, subject: 'default.stac.scenes', sequence: 7 }];
    const [decision] = await decideFires(sensor, planSensor(object.spec, options), incoming, engine);
    if (decision === undefined) throw new Error('nothing was decided');
    return decision;
  }

  it("does not fire on another namespace's event of the same names, and records the reason", async () => {
    const { fires, observations, records } = await decide('tenant-a');
    expect([...fires, ...observations]).toEqual([]);
    expect(records).toMatchObject([{ decision: 'unmatched', namespace: 'tenant-b', sequence: 7 }]);
    expect(records[0]?.reason).toContain('it comes from namespace tenant-a');
  });

  it.each<[string, string | undefined, readonly string[] | undefined]>([
    ['its own namespace', 'tenant-b', undefined],
    ['Argo Events, without a namespace', undefined, undefined],
    ['a namespace that its bus accepts', 'tenant-a', ['tenant-c', 'tenant-a']],
    ['any namespace, if its bus accepts all', 'tenant-a', ['*']],
  ])('fires on an event of %s', async (_, from, accepted) => {
    const { fires, records } = await decide(from, accepted);
    expect(fires).toHaveLength(1);
    expect(records).toEqual([]);
  });

  it('requires its own namespace to be exact', async () => {
    expect((await decide('tenant-a', ['tenant-c'])).fires).toEqual([]);
  });
});
