import { jetstreamManager } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import { startWorker, type RunningWorker } from '../../dev/worker-process';
import { consumerName } from '../../src/bus/bus-names';
import { testNames } from '../bus/bus-fixture';
import { eventually } from '../setup/eventually';
import { openWorld, type SluiceWorld } from '../workflows/sluice-world';
import { Stage } from '../workflows/stage';

/** Twice the 150 s after which Temporal notices an activity whose start was lost, and the time that work takes. */
const PATIENCE = { timeoutMs: 400_000 };
const ROUNDS = 2;
const EVENTS = 10;

describe('events of a sensor whose worker', () => {
  let world: SluiceWorld;
  let stage: Stage;
  let workers: RunningWorker[];

  beforeAll(async () => {
    world = await openWorld();
  });
  afterAll(() => world?.close());
  beforeEach(() => {
    stage = new Stage(world);
    workers = [];
  });
  afterEach(async () => {
    await stage.remove();
    await Promise.all(workers.map((worker) => worker.kill()));
  });

  /** Processes of their own, on a queue of their own. */
  async function begin(count: number): Promise<void> {
    const taskQueue = `processes-${stage.namespace}`;
    const environment = {
      TEMPORAL_ADDRESS: world.temporalAddress,
      KUBECONFIG: world.kubernetes.kubeconfigPath,
      SLUICE_SENSOR_TASK_QUEUE: taskQueue,
    };
    workers = await Promise.all(Array.from({ length: count }, () => startWorker('sensor', environment)));
    const annotations = { 'sluice.io/listeners': String(count) };
    await world.client.workflow.start('sensor', {
      workflowId: stage.handle.workflowId,
      taskQueue,
      args: [{ definition: stage.define({ annotations, triggers: [stage.httpTrigger('t', ['a'])] }) }],
    });
  }

  const publish = async (round: string): Promise<void> => {
    for (let number = 1; number <= EVENTS; number += 1) await stage.publish(stage.event('a', `${round}-${number}`));
  };
  const named = (...rounds: readonly string[]) =>
    rounds.flatMap((round) => Array.from({ length: EVENTS }, (_, index) => `${round}-${index + 1}`)).sort();
  const handled = () =>
    [...new Set(stage.requests().flatMap(({ body: { a } }) => (typeof a === 'string' ? [a] : [])))].sort();
  async function listeners() {
    const { raw } = await stage.handle.describe();
    return (raw.pendingActivities ?? []).filter(({ activityType }) => activityType?.name === 'sluiceListen');
  }
  async function isListening({ pid }: RunningWorker): Promise<boolean> {
    return (await listeners()).some(({ lastWorkerIdentity }) => lastWorkerIdentity?.startsWith(`${pid}@`));
  }
  async function workerOfListener(): Promise<RunningWorker | undefined> {
    for (const worker of workers) if (await isListening(worker)) return worker;
    return undefined;
  }
  async function expectNothingInHand(): Promise<void> {
    const connection = await connect({ servers: world.nats.url });
    try {
      const manager = await jetstreamManager(connection);
      await eventually(async () => {
        const names = testNames(stage.namespace);
        const info = await manager.consumers.info(names.events.stream, consumerName(names, stage.sensor));
        return info.num_ack_pending === 0 && info.num_pending === 0;
      }, PATIENCE);
    } finally {
      await connection.close();
    }
  }

  it('hangs twice until another worker takes over are all handled', async () => {
    await begin(2);
    await publish('before');
    await eventually(() => handled().length === EVENTS, PATIENCE);
    const rounds = ['before'];
    for (let round = 1; round <= ROUNDS; round += 1) {
      const stopped = await eventually(workerOfListener, PATIENCE);
      stopped.pause();
      try {
        await publish(`stopped${round}`);
        await eventually(async () => !(await isListening(stopped)), PATIENCE);
      } finally {
        stopped.resume();
      }
      await publish(`after${round}`);
      rounds.push(`stopped${round}`, `after${round}`);
      await eventually(() => handled().length === named(...rounds).length, PATIENCE);
    }
    expect(handled()).toEqual(named(...rounds));
    await expectNothingInHand();
  }, 2_000_000);

  it('is killed are handled by another worker', async () => {
    await begin(2);
    await publish('before');
    await eventually(() => handled().length === EVENTS, PATIENCE);
    await Promise.all([publish('meanwhile'), workers[0]?.kill()]);
    await publish('after');
    await eventually(() => handled().length === 3 * EVENTS, PATIENCE);
    expect(handled()).toEqual(named('before', 'meanwhile', 'after'));
    await expectNothingInHand();
  }, 900_000);
});
