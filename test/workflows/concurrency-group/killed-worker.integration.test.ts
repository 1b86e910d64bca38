/** Sensors that share a quota, and a worker process that is killed while their fires are in flight. */
import { groupStatusQuery } from '../../../src/contract/group-messages';
import { concurrencyGroupWorkflowId } from '../../../src/contract/identity';
import { startWorker, type RunningWorker } from '../../../dev/worker-process';
import { eventually } from '../../setup/eventually';
import { startGatedReceiver, type GatedReceiver } from '../../setup/gated-receiver';
import { openWorld, type SluiceWorld } from '../sluice-world';
import { Stage } from '../stage';

const LIMIT = 2;
const EVENTS_OF_EACH = 10;

describe('a concurrency group whose workers are killed', () => {
  let world: SluiceWorld;
  let receiver: GatedReceiver;
  const workers: RunningWorker[] = [];

  beforeAll(async () => {
    [world, receiver] = await Promise.all([openWorld(), startGatedReceiver()]);
  });
  afterAll(async () => {
    await Promise.all(workers.map((worker) => worker.kill()));
    await receiver.close();
    await world.close();
  });

  it('starts no fire of another event instead of those in flight, and all of them in the end', async () => {
    const first = new Stage(world, { sensor: 'a' });
    const taskQueue = `group-${first.namespace}`;
    const stages = ['a', 'b'].map(
      (sensor) => new Stage({ ...world, taskQueue }, { namespace: first.namespace, sensor }),
    );
    const begin = async (): Promise<RunningWorker> => {
      const worker = await startWorker('sensor', {
        TEMPORAL_ADDRESS: world.temporalAddress,
        KUBECONFIG: world.kubernetes.kubeconfigPath,
        SLUICE_SENSOR_TASK_QUEUE: taskQueue,
      });
      workers.push(worker);
      return worker;
    };
    const victim = await begin();
    const payload = [{ src: { dependencyName: 'x', dataKey: 'name', useRawData: true }, dest: 'name' }];
    for (const stage of stages) {
      await stage.apply({
        annotations: { 'sluice.io/concurrency-group': `gpu=${LIMIT}` },
        dependencies: ['x'],
        triggers: [{ template: { name: 't', http: { url: receiver.url, method: 'POST', payload } } }],
      });
    }
    for (let count = 0; count < EVENTS_OF_EACH; count += 1) {
      for (const stage of stages) await stage.publish(stage.event('x', `${stage.sensor}${count}`));
    }
    const group = world.client.workflow.getHandle(concurrencyGroupWorkflowId(first.namespace, 'gpu'));
    await eventually(async () => {
      const { sensors } = await group.query(groupStatusQuery);
      return receiver.underWay() === LIMIT && sensors.every(({ waiting }) => waiting > 0);
    });
    const inFlight = new Set(receiver.names());
    await victim.kill();
    await begin();
    // What was in flight is tried again, in the places that it has.
    await eventually(() => receiver.names().length >= 2 * LIMIT, { timeoutMs: 240_000 });
    expect(new Set(receiver.names())).toEqual(inFlight);
    receiver.open();
    await eventually(() => new Set(receiver.names()).size === 2 * EVENTS_OF_EACH, { timeoutMs: 120_000 });
    await eventually(async () => (await group.query(groupStatusQuery)).used === 0);
    for (const stage of stages) await stage.remove();
  }, 480_000);
});
