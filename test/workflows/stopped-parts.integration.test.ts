import { rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { SensorDefinition } from '../../src/contract/definitions';
import { configureSensorUpdate, sensorStatusQuery } from '../../src/contract/sensor-messages';
import { deployRoles } from '../setup/deployed-roles';
import { eventually } from '../setup/eventually';
import { createTestNamespace, type TestNamespace } from '../setup/test-namespace';
import { openWorld, type SluiceWorld } from './sluice-world';
import { Stage } from './stage';
import { currentDetails } from './what-people-see';

describe('a sensor with a permanently stopped part', () => {
  let world: SluiceWorld;
  let namespace: TestNamespace;
  let stage: Stage;

  beforeAll(async () => {
    world = await openWorld();
  });
  afterAll(() => world.close());
  beforeEach(async () => {
    namespace = await createTestNamespace(world.kubernetes, 'stopped');
    stage = new Stage(world, { namespace: namespace.name });
  });
  afterEach(async () => {
    await stage.remove();
    await namespace.remove();
  });

  const workflowTrigger = {
    template: {
      name: 'detect',
      k8s: {
        operation: 'create',
        source: {
          resource: { apiVersion: 'argoproj.io/v1alpha1', kind: 'Workflow', metadata: { generateName: 'w-' } },
        },
      },
    },
  };
  const start = (definition: SensorDefinition, taskQueue = world.taskQueue) =>
    world.client.workflow.start('sensor', { workflowId: stage.handle.workflowId, taskQueue, args: [{ definition }] });
  const stopped = () =>
    eventually(async () => {
      const status = await stage.handle.query(sensorStatusQuery);
      return status.stopped;
    });
  const isWhole = () => eventually(async () => (await stage.handle.query(sensorStatusQuery)).stopped === undefined);
  const configure = (definition: SensorDefinition) =>
    stage.handle.executeUpdate(configureSensorUpdate, { args: [definition] });

  it('reports the stopped listeners and the reason, until its bus is repaired', async () => {
    const definition = stage.define({
      triggers: [stage.httpTrigger('t', ['a'])],
      annotations: { 'sluice.io/listeners': '2' },
    });
    const { bus } = definition;
    const spec = { jetstreamExotic: { url: world.nats.url, tls: { enabled: true } } };
    await start({ ...definition, bus: { ...bus, spec } });
    await eventually(async () => (await stopped()).length === 2);
    expect(await stopped()).toMatchObject(
      ['listener 1', 'listener 2'].map((name) => ({ part: 'listener', name, code: 'BUS_MISCONFIGURED' })),
    );
    expect((await stopped())[0]?.fix).toContain('tls');
    expect(await currentDetails(stage.handle)).toMatch(
      /\*\*Stopped:\*\* listener 1 .*BUS_MISCONFIGURED.*apply it again/,
    );
    await stage.publish(stage.event('a', 'waits'));
    await configure(definition);
    expect(await stage.bodies(1)).toEqual([{ a: 'waits' }]);
    await isWhole();
    expect(await currentDetails(stage.handle)).not.toContain('Stopped');
  });

  it('watches outcomes again once permitted and applied again unchanged', async () => {
    const { eventSource: kubeconfig } = await deployRoles(world.kubernetes, namespace.name);
    const queue = `${world.taskQueue}-without-rights`;
    const worker = await world.startWorker(queue, kubeconfig);
    const definition = stage.define({ triggers: [workflowTrigger] });
    await start(definition, queue);
    expect(await stopped()).toMatchObject([{ part: 'outcomes', code: 'KUBERNETES_REFUSED' }]);
    expect((await stopped())[0]?.message).toContain('workflows');
    const rights = {
      metadata: { name: 'allowed-after-all' },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'sluice-sensor-worker' },
      subjects: [{ kind: 'ServiceAccount', name: 'sluice-event-source-worker', namespace: namespace.name }],
    };
    const path = `/apis/rbac.authorization.k8s.io/v1/namespaces/${namespace.name}/rolebindings`;
    await namespace.api.expect('POST', path, rights);
    // The API server learns of new rights within a moment.
    await eventually(async () => {
      await configure(definition);
      const { raw } = await stage.handle.describe();
      return raw.pendingActivities?.some(
        ({ activityType, heartbeatDetails }) => activityType?.name === 'sluiceWatchOutcomes' && heartbeatDetails,
      );
    });
    await isWhole();
    await stage.remove();
    await worker.stop();
    await rm(dirname(kubeconfig), { recursive: true });
  });
});
