/** Sensors that share a quota, with faults: workers that end, sensors that are deleted, runs that are terminated. */
import { randomBytes } from 'node:crypto';
import { Worker } from '@temporalio/worker';
import { deleteSignal, pauseSignal } from '../../../src/contract/lifecycle-messages';
import { concurrencyGroupWorkflowId } from '../../../src/contract/identity';
import { groupStatusQuery, type GroupStatus } from '../../../src/contract/group-messages';
import { eventually } from '../../setup/eventually';
import { startGatedReceiver, type GatedReceiver } from '../../setup/gated-receiver';
import { openWorld, proposeContinueAsNewAfter, workflowBundle, type SluiceWorld } from '../sluice-world';
import { Stage } from '../stage';
import { currentDetails } from '../what-people-see';

const REQUEST = { by: 'ann', why: 'test' };

describe.each([
  ['sensors of a concurrency group', {}],
  ['sensors of a concurrency group that continue as new again and again', proposeContinueAsNewAfter(40)],
])('%s', (_title, options) => {
  let world: SluiceWorld;
  let receiver: GatedReceiver;
  let stages: Stage[];
  let namespace: string;

  beforeAll(async () => {
    world = await openWorld(options);
  });
  afterAll(() => world.close());
  beforeEach(async () => {
    receiver = await startGatedReceiver();
    namespace = `ns-${randomBytes(4).toString('hex')}`;
    stages = ['a', 'b'].map((sensor) => new Stage(world, { namespace, sensor }));
  });
  afterEach(async () => {
    receiver.open();
    for (const stage of stages) await stage.remove();
    await receiver.close();
  });

  it('start no more than the limit together, and everything in the end, also with workers that come and go', async () => {
    const [a, b] = await applyBoth(3);
    await publish(a, 20);
    await publish(b, 20);
    await eventually(() => receiver.underWay() === 3);
    const status = await groupStatus((group) => group.sensors.every(({ waiting }) => waiting > 0));
    expect(status).toMatchObject({ limit: 3, used: 3 });
    for (let round = 0; round < 3; round += 1) {
      const other = await world.startWorker();
      const before = receiver.names().length;
      receiver.answer(3);
      await eventually(() => receiver.names().length >= before + 3);
      await other.stop();
    }
    receiver.open();
    // A worker that ends gives up its calls, and they are made again.
    await eventually(() => new Set(receiver.names()).size === 40, { timeoutMs: 120_000 });
    expect(receiver.mostAtOnce()).toBe(3);
    await groupStatus(({ used }) => used === 0);
    expect(await currentDetails(group())).toContain('0 of 3 places in use');
    for (const handle of [group(), a.handle, b.handle]) {
      const history = await handle.fetchHistory();
      await Worker.runReplayHistory({ workflowBundle: await workflowBundle() }, history);
    }
  }, 240_000);

  it('take turns: one event of a sensor does not wait for the flood of another', async () => {
    const [flood, late] = await applyBoth(1);
    await publish(flood, 30);
    await eventually(() => receiver.underWay() === 1);
    await late.publish(late.event('x', 'late'));
    await groupStatus(({ sensors }) => sensors.some(({ sensor, waiting }) => sensor === 'b' && waiting === 1));
    for (let answered = 1; answered <= 3; answered += 1) {
      receiver.answer(1);
      await eventually(() => receiver.names().length > answered);
    }
    expect(receiver.names().slice(0, 4)).toContain('late');
  }, 120_000);

  it('keep the place of a deleted sensor until its run has ended, and then use it', async () => {
    const [holder, waiter] = await applyBoth(1);
    await holder.publish(holder.event('x', 'first'));
    await eventually(() => receiver.underWay() === 1);
    await waiter.publish(waiter.event('x', 'second'));
    await groupStatus(({ sensors }) => sensors.some(({ waiting }) => waiting === 1));
    await holder.handle.signal(deleteSignal, REQUEST);
    await groupStatus(({ leftBehind }) => leftBehind.length === 1);
    expect(receiver.names()).toEqual(['first']);
    receiver.answer(1);
    await eventually(() => receiver.names().includes('second'), { timeoutMs: 60_000 });
    expect(receiver.mostAtOnce()).toBe(1);
  }, 120_000);

  it('use the place of a run that was terminated, and let a paused sensor return its own', async () => {
    const [holder, waiter] = await applyBoth(1);
    await holder.publish(holder.event('x', 'first'));
    await eventually(() => receiver.underWay() === 1);
    await holder.handle.signal(pauseSignal, REQUEST);
    await waiter.publish(waiter.event('x', 'second'), waiter.event('x', 'third'));
    await groupStatus(({ sensors }) => sensors.some(({ waiting }) => waiting === 2));
    receiver.answer(1);
    await eventually(() => receiver.names().includes('second'));
    await (await waiter.onlyRun('Firing')).terminate('by hand');
    await eventually(() => receiver.names().includes('third'), { timeoutMs: 60_000 });
  }, 120_000);

  it('raise the limit when all state the new one, and show who differs until then', async () => {
    const [a, b] = await applyBoth(1);
    await publish(a, 3);
    await eventually(() => receiver.underWay() === 1);
    await a.configure(fields(a, 3));
    await groupStatus(({ limit, sensors }) => limit === 1 && sensors.some((sensor) => sensor.limit === 3));
    expect(await currentDetails(group())).toContain('a says 3, b says 1; the smallest, 1, applies');
    await b.configure(fields(b, 3));
    await eventually(() => receiver.underWay() === 3);
  }, 120_000);

  it('go on if an operator terminates the group itself', async () => {
    const [a] = await applyBoth(1);
    await publish(a, 2);
    await eventually(() => receiver.underWay() === 1);
    await groupStatus(({ sensors }) => sensors.some(({ waiting }) => waiting === 1));
    await group().terminate('by hand');
    receiver.open();
    await eventually(() => receiver.names().length === 2, { timeoutMs: 60_000 });
  }, 120_000);

  async function applyBoth(limit: number): Promise<[Stage, Stage]> {
    const [a, b] = stages;
    if (a === undefined || b === undefined) throw new Error('there are two stages');
    for (const stage of [a, b]) await stage.apply(fields(stage, limit));
    await groupStatus(({ sensors }) => sensors.length === 2);
    return [a, b];
  }

  function fields(_stage: Stage, limit: number) {
    const payload = [{ src: { dependencyName: 'x', dataKey: 'name', useRawData: true }, dest: 'name' }];
    return {
      annotations: { 'sluice.io/concurrency-group': `gpu=${limit}` },
      dependencies: ['x'],
      triggers: [{ template: { name: 't', http: { url: receiver.url, method: 'POST', payload } } }],
    };
  }

  async function publish(stage: Stage, count: number): Promise<void> {
    for (let index = 0; index < count; index += 1) await stage.publish(stage.event('x', `${stage.sensor}${index}`));
  }

  function group() {
    return world.client.workflow.getHandle(concurrencyGroupWorkflowId(namespace, 'gpu'));
  }

  async function groupStatus(probe: (status: GroupStatus) => boolean): Promise<GroupStatus> {
    let last: GroupStatus | undefined;
    try {
      return await eventually(async () => {
        const status = await group().query(groupStatusQuery);
        last = status;
        return probe(status) ? status : undefined;
      });
    } catch (error) {
      throw new Error(`the group says ${JSON.stringify(last)}`, { cause: error });
    }
  }
});
