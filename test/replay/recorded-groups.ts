/** Sensors of a concurrency group: one has the place and the other waits; a run is terminated; one is deleted. */
import { randomBytes } from 'node:crypto';
import { concurrencyGroupWorkflowId } from '../../src/contract/identity';
import { groupStatusQuery, type GroupStatus } from '../../src/contract/group-messages';
import { deleteSignal } from '../../src/contract/lifecycle-messages';
import { eventually } from '../setup/eventually';
import { startGatedReceiver } from '../setup/gated-receiver';
import { Stage } from '../workflows/stage';
import type { RecordedScenario } from './recorded-scenario';

export const RECORDED_GROUPS: readonly RecordedScenario[] = [
  {
    name: 'a concurrency group of two sensors',
    play: async (world, keep) => {
      const receiver = await startGatedReceiver();
      const namespace = `ns-${randomBytes(4).toString('hex')}`;
      const [first, second] = [
        new Stage(world, { namespace, sensor: 'a' }),
        new Stage(world, { namespace, sensor: 'b' }),
      ];
      const group = world.client.workflow.getHandle(concurrencyGroupWorkflowId(namespace, 'gpu'));
      const until = (probe: (status: GroupStatus) => boolean) =>
        eventually(async () => probe(await group.query(groupStatusQuery)));
      try {
        for (const stage of [first, second]) {
          await stage.apply({
            annotations: { 'sluice.io/concurrency-group': 'gpu=1' },
            triggers: [{ template: { name: 't', http: { url: receiver.url, method: 'POST', payload: PAYLOAD } } }],
          });
        }
        await first.publish(first.event('a', '1'));
        await eventually(() => receiver.underWay() === 1);
        await second.publish(second.event('a', '2'), second.event('a', '3'), second.event('a', '4'));
        await until(({ sensors }) => sensors.some(({ waiting }) => waiting === 3));
        await first.handle.signal(deleteSignal, { by: 'ann', why: 'recorded' });
        await until(({ leftBehind }) => leftBehind.length === 1);
        receiver.answer(1);
        await eventually(() => receiver.names().includes('2'));
        await (await second.onlyRun('Firing')).terminate('recorded');
        await eventually(() => receiver.names().includes('3'));
        receiver.open();
        await until(({ used }) => used === 0);
        await keep('group', group);
        await keep('deleted', first.handle);
        await keep('waiting', second.handle);
      } finally {
        receiver.open();
        await second.remove();
        await group.terminate().catch(() => undefined);
        await receiver.close();
      }
    },
  },
];

const PAYLOAD = [{ src: { dependencyName: 'a', dataKey: 'name', useRawData: true }, dest: 'name' }];
