import { randomBytes } from 'node:crypto';
import { jetstreamManager } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import { testNames } from '../../bus/bus-fixture';
import { replayWorkflowId } from '../../../src/contract/identity';
import { type ReplayInput, type ReplayRequest, replayProgressQuery } from '../../../src/contract/replay-messages';
import { sensorDefinitionQuery } from '../../../src/contract/sensor-messages';
import { eventually } from '../../setup/eventually';
import { useStage, type Stage } from '../stage';

const ADA = { by: 'ada', why: 'test' };
const DRY_RUN: ReplayRequest = { ...ADA, fromSequence: 1, dryRun: true, again: true };

describe('a replay', () => {
  let stage: Stage;
  useStage((fresh) => (stage = fresh));

  it('skips events that are still pending for the sensor, and reports it', async () => {
    await stage.apply({ triggers: [stage.httpTrigger('t', ['a'])] });
    await stage.publish(stage.event('a', '1'));
    await stage.bodies(1);
    await stage.handle.signal('pause', ADA);
    await eventually(async () => {
      const { raw } = await stage.handle.describe();
      return (raw.pendingActivities ?? []).every(({ activityType }) => activityType?.name !== 'sluiceListen');
    });
    await stage.publish(stage.event('a', '2'), stage.event('a', '3'));
    const { last } = await stage.world.bus.extent();
    expect(await stage.replay(DRY_RUN)).toMatchObject({ read: 1, fired: 1, leftToSensor: last - 1 });
    await stage.handle.signal('resume', ADA);
    expect(await stage.bodies(3)).toEqual([{ a: '1' }, { a: '2' }, { a: '3' }]);
    await eventually(async () => (await stage.replay(DRY_RUN)).read === 3);
  });

  it('reports the first requested position that the bus still has', async () => {
    await stage.apply({ triggers: [stage.httpTrigger('t', ['a'])] });
    await stage.publish(stage.event('a', '1'), stage.event('a', '2'));
    await stage.bodies(2);
    const { last } = await stage.world.bus.extent();
    const connection = await connect({ servers: stage.world.nats.url });
    await (await jetstreamManager(connection)).streams.purge(testNames().events.stream, { seq: last });
    await connection.close();
    expect(await stage.replay(DRY_RUN)).toMatchObject({ read: 1, keptFrom: last });
    const since = { ...DRY_RUN, fromSequence: undefined, from: '2001-01-01T00:00:00Z' };
    expect(await stage.replay(since)).toMatchObject({ read: 1, keptFrom: last });
    expect(await stage.replay({ ...DRY_RUN, fromSequence: last })).not.toHaveProperty('keptFrom');
  });

  it('ends as cancelled when it is cancelled, and shows it', async () => {
    await stage.apply({ triggers: [stage.httpTrigger('t', ['a'])] });
    const args: [ReplayInput] = [
      { definition: await stage.handle.query(sensorDefinitionQuery), request: { ...DRY_RUN, dryRun: false } },
    ];
    // Nobody works there yet, so that it is cancelled before it begins.
    const taskQueue = `late-${randomBytes(4).toString('hex')}`;
    const workflowId = replayWorkflowId(stage.namespace, stage.sensor, 'cancelled');
    const replay = await stage.world.client.workflow.start('replay', { workflowId, taskQueue, args });
    await replay.cancel();
    const worker = await stage.world.startWorker(taskQueue);
    await eventually(async () => (await replay.describe()).status.name === 'CANCELLED');
    expect(await replay.query(replayProgressQuery)).toMatchObject({ state: 'Cancelled', fired: 0 });
    await worker.stop();
  });
});
