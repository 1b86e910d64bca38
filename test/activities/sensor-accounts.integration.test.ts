/** A worker with the rights of deploy/ alone, and Sensors that name accounts of their own. */
import { randomBytes } from 'node:crypto';
import { startWorker, type RunningWorker } from '../../dev/worker-process';
import type { JsonObject } from '../../src/event/json';
import { CREATES_MAPS, giveAccount, mayActAs } from '../kubernetes/account-roles';
import { deployRoles } from '../setup/deployed-roles';
import { eventually } from '../setup/eventually';
import { createTestNamespace, type TestNamespace } from '../setup/test-namespace';
import { openWorld, type SluiceWorld } from '../workflows/sluice-world';
import { Stage } from '../workflows/stage';
import { readableHistory } from '../workflows/what-people-see';

jest.setTimeout(240_000);

const BY = { by: 'ada', why: 'test' };
const WORKER = 'sluice-sensor-worker';

/** The worker's own account may not create ConfigMaps. */
function mapTrigger(name = 't', fields: JsonObject = {}): JsonObject {
  const resource = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { generateName: 'made-' } };
  return { template: { name, k8s: { operation: 'create', source: { resource } } }, ...fields };
}

describe('a Sensor with a service account', () => {
  let world: SluiceWorld;
  let namespace: TestNamespace;
  let stage: Stage;
  let worker: RunningWorker;
  const queue = `accounts-${randomBytes(4).toString('hex')}`;

  const start = async (environment: Readonly<Record<string, string>> = {}): Promise<void> => {
    const kubeconfigs = await deployRoles(world.kubernetes, namespace.name);
    worker = await startWorker('sensor', {
      TEMPORAL_ADDRESS: world.temporalAddress,
      TEMPORAL_NAMESPACE: 'default',
      KUBECONFIG: kubeconfigs.sensor,
      SLUICE_SENSOR_TASK_QUEUE: queue,
      ...environment,
    });
  };
  const give = (account: string, role: string, rules: Parameters<typeof giveAccount>[4]): Promise<void> =>
    giveAccount(namespace.api, namespace.name, account, role, rules);

  beforeAll(async () => {
    world = await openWorld();
  });
  afterAll(() => world?.close());
  beforeEach(async () => {
    namespace = await createTestNamespace(world.kubernetes, 'sa');
    stage = new Stage({ ...world, taskQueue: queue }, { namespace: namespace.name });
  });
  afterEach(async () => {
    await stage.remove();
    await worker.stop();
    await namespace.remove();
  });

  it('fires as that account, parks with the missing rule until it is added, and retriggers then', async () => {
    await start();
    await give('runner', 'runner', [CREATES_MAPS]);
    await stage.apply({ triggers: [mapTrigger()], serviceAccount: 'runner' });
    await stage.publish(stage.event('a', '1'));
    const run = await stage.onlyRun('Parked');
    expect(await stage.fires(run)).toMatchObject([
      {
        attempts: 1,
        listenerAttempt: {},
        failure: {
          code: 'SERVICE_ACCOUNT_UNUSABLE',
          retryable: false,
          message: expect.stringContaining(
            `Sensor ${namespace.name}/water: spec.template.serviceAccountName: this worker may not act as ServiceAccount`,
          ) as string,
          fix: expect.stringContaining('resourceNames: [runner]') as string,
        },
      },
    ]);

    await give(WORKER, 'acts-as-runner', [mayActAs('runner')]);
    await run.signal('retrigger', BY);
    expect(await run.result()).toMatchObject({ state: 'Succeeded', fires: [{ attempts: 2, action: 'create' }] });
    expect(await readableHistory(run)).not.toMatch(/eyJ[\w-]+\.eyJ/);
  });

  it('fires dead-letter triggers as that account, and a retriggered run as the account that is applied then', async () => {
    await start();
    await give('runner', 'runner', [CREATES_MAPS]);
    await give(WORKER, 'acts-as-runner', [mayActAs('runner')]);
    const unreachable = { http: { url: 'http://127.0.0.1:1/', method: 'POST' } };
    const failing = { template: { name: 't', ...unreachable }, retryStrategy: { steps: 1 } };
    const triggers = [{ ...failing, dlqTrigger: mapTrigger('rescue') }];
    await stage.apply({ triggers, serviceAccount: 'runner' });
    await stage.publish(stage.event('a', '1'));
    const rescued = await stage.onlyRun('Failed');
    expect(await stage.fires(rescued)).toMatchObject([{ state: 'DeadLettered' }]);

    await stage.configure({ triggers: [mapTrigger()], serviceAccount: 'absent' });
    // The listener of the former version may still take an event.
    let published = 1;
    const run = await eventually(async () => {
      await stage.publish(stage.event('a', String((published += 1))));
      const [id] = await stage.runIds('Parked');
      return id === undefined ? undefined : world.client.workflow.getHandle(id);
    });
    await stage.configure({ triggers: [mapTrigger()], serviceAccount: 'runner' });
    await run.signal('retrigger', BY);
    expect(await run.result()).toMatchObject({ state: 'Succeeded' });
  });

  it('fires with the rights of the worker if the worker is set so', async () => {
    await start({ SLUICE_TRIGGER_IDENTITY: 'worker' });
    await give(WORKER, 'creates-maps', [CREATES_MAPS]);
    await stage.apply({ triggers: [mapTrigger()], serviceAccount: 'absent' });
    await stage.publish(stage.event('a', '1'));
    const run = await stage.onlyRun('Succeeded');
    expect(await run.result()).toMatchObject({ fires: [{ attempts: 1, action: 'create' }] });
  });
});
