/** Temporal's Worker Versioning with workers of one's own: two deployment versions, and events all the time. */
import { randomBytes } from 'node:crypto';
import { NativeConnection, Worker } from '@temporalio/worker';
import { pino } from 'pino';
import { SensorPlugin } from '../../src/plugin/sensor-plugin';
import { eventually } from '../setup/eventually';
import { openWorld, workflowBundle, type SluiceWorld } from '../workflows/sluice-world';
import { Stage } from '../workflows/stage';

describe('workers with deployment versions', () => {
  const deploymentName = `sluice-${randomBytes(4).toString('hex')}`;
  const taskQueue = deploymentName;
  const connections: NativeConnection[] = [];
  const running: Array<() => Promise<void>> = [];
  let world: SluiceWorld;

  beforeAll(async () => {
    world = await openWorld({ temporal: { own: true, headless: true } });
  });
  afterAll(async () => {
    await Promise.all(running.map((stop) => stop()));
    await Promise.all(connections.map((connection) => connection.close()));
    await world.close();
  });

  it('hand over sensors, joined events and retries to the next version, which handles every event once', async () => {
    const stopOld = await startVersion('old');
    await makeCurrent('old');
    const stage = new Stage({ ...world, taskQueue });
    await stage.apply({
      annotations: { 'sluice.io/keep': 'all' },
      dependencies: ['a', 'b'],
      triggers: [
        stage.httpTrigger('each', ['a'], { template: { conditions: 'a' } }),
        stage.httpTrigger('both', ['a', 'b'], { template: { conditions: 'a && b' } }),
      ],
    });
    await stage.publish(stage.event('a', '1'));
    expect(await stage.bodies(1, 'each')).toHaveLength(1);
    expect(await versionOf(stage)).toBe('old');

    await startVersion('new');
    await makeCurrent('new');
    await stage.publish(stage.event('a', '2'), stage.event('b', '1'));
    await stage.bodies(1, 'both');
    await stopOld();
    await stage.publish(stage.event('a', '3'), stage.event('b', '2'), stage.event('b', '3'));
    const both = await stage.bodies(3, 'both');
    expect((await stage.bodies(3, 'each')).length).toBe(3);
    expect(both).toEqual(['1', '2', '3'].map((name) => ({ a: name, b: name })));
    await eventually(async () => (await versionOf(stage)) === 'new');
    await stage.remove();
  }, 180_000);

  it('go back to the former version, which goes on', async () => {
    const stopNew = running.at(-1);
    await startVersion('old');
    const stage = new Stage({ ...world, taskQueue });
    await stage.apply({ triggers: [stage.httpTrigger('t', ['a'])] });
    await stage.publish(stage.event('a', '1'));
    await stage.bodies(1);
    expect(await versionOf(stage)).toBe('new');
    await makeCurrent('old');
    await stopNew?.();
    await stage.publish(stage.event('a', '2'));
    expect(await stage.bodies(2)).toHaveLength(2);
    await eventually(async () => (await versionOf(stage)) === 'old');
    await stage.remove();
  }, 180_000);

  async function startVersion(buildId: string): Promise<() => Promise<void>> {
    const connection = await NativeConnection.connect({ address: world.temporalAddress });
    connections.push(connection);
    const worker = await Worker.create({
      ...{ connection, taskQueue, workflowBundle: await workflowBundle() },
      plugins: [
        new SensorPlugin({
          kubernetes: { kubeconfigPath: world.kubernetes.kubeconfigPath },
          log: pino({ level: 'silent' }),
        }),
      ],
      workerDeploymentOptions: {
        version: { deploymentName, buildId },
        useWorkerVersioning: true,
        defaultVersioningBehavior: 'AUTO_UPGRADE',
      },
    });
    const ended = worker.run();
    const stop = async (): Promise<void> => {
      if (worker.getState() === 'RUNNING') worker.shutdown();
      await ended;
    };
    running.push(stop);
    return stop;
  }

  async function makeCurrent(buildId: string): Promise<void> {
    // Unknown until its worker has polled.
    await eventually(async () => {
      await world.client.workflowService.setWorkerDeploymentCurrentVersion({
        ...{ namespace: 'default', deploymentName, buildId },
        identity: 'test',
      });
      return true;
    });
  }

  /** The version that completed the sensor's last workflow task. */
  async function versionOf(stage: Stage): Promise<string | null | undefined> {
    const { raw } = await stage.handle.describe();
    return raw.workflowExecutionInfo?.versioningInfo?.deploymentVersion?.buildId;
  }
});
