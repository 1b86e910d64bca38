import { connectArgoEvents, type ArgoEventsOnBus } from '../../setup/argo-events-sensor';
import { collect } from '../../setup/collect';
import { eventually } from '../../setup/eventually';
import { useStage, type Stage } from '../../workflows/stage';

describe('a sensor that starts where Argo Events stands', () => {
  let stage: Stage;
  let argo: ArgoEventsOnBus;
  useStage((fresh) => (stage = fresh), {}, { sensor: `moved-${process.pid}` });
  beforeEach(async () => {
    argo = await connectArgoEvents(stage.world.nats);
  });
  afterEach(() => argo.close());

  const MOVED = { annotations: { 'sluice.io/start-from': 'argo-events' } };
  const listen = (trigger: string, dependency: string): Promise<void> =>
    argo.listen(stage.sensor, trigger, dependency, `${stage.source}.${dependency}`);
  const publish = (dependency: string, name: string): Promise<number> =>
    argo.publish(stage.source, dependency, { name });
  const sent = async (trigger: string, count: number): Promise<unknown[]> =>
    (await stage.bodies(count, trigger)).map((body) => JSON.stringify(body)).sort();
  const bodies = (...names: readonly string[]): string[] => names.map((a) => JSON.stringify({ a }));

  it('fires each trigger for exactly the events that Argo Events had not handled for it', async () => {
    for (const trigger of ['ahead', 'behind', 'dying']) await listen(trigger, 'a');
    for (const name of ['1', '2', '3', '4']) await publish('a', name);
    await argo.handle(stage.sensor, 'ahead', 'a', 4);
    await argo.handle(stage.sensor, 'behind', 'a', 2);
    await argo.handle(stage.sensor, 'dying', 'a', 1);
    await argo.takeAndDie(stage.sensor, 'dying', 'a');
    await stage.apply({
      ...MOVED,
      triggers: ['ahead', 'behind', 'dying', 'added'].map((name) => stage.httpTrigger(name, ['a'])),
    });
    await publish('a', '5');
    expect(await sent('dying', 4)).toEqual(bodies('2', '3', '4', '5'));
    expect(await sent('behind', 3)).toEqual(bodies('3', '4', '5'));
    expect(await sent('ahead', 1)).toEqual(bodies('5'));
    expect(await sent('added', 1)).toEqual(bodies('5'));
    for (const [trigger, count] of [
      ['dying', 4],
      ['behind', 3],
      ['ahead', 1],
      ['added', 1],
    ] as const)
      expect(stage.requests(trigger)).toHaveLength(count);
    const [record] = await eventually(async () => {
      const records = await collect((await stage.bus()).readDecisions({ namespace: stage.namespace }));
      const skipped = records.filter(({ decision }) => decision === 'duplicate');
      return skipped.length === 3 && skipped;
    });
    expect(record).toMatchObject({ reason: 'Argo Events handled it before the sensor moved here' });
  });

  it('joins an event that Argo Events held with one that comes later', async () => {
    const fields = {
      ...MOVED,
      dependencies: ['a', 'b'],
      triggers: [
        stage.httpTrigger('both', ['a', 'b']),
        stage.httpTrigger('one', ['a'], { template: { conditions: 'a' } }),
      ],
    };
    await listen('both', 'a');
    await listen('both', 'b');
    await listen('one', 'a');
    for (const name of ['1', '2', '3']) await publish('a', name);
    const [, second] = await argo.handle(stage.sensor, 'both', 'a', 2);
    if (second === undefined) throw new Error('two events were handled');
    await argo.hold(stage.sensor, 'both', 'a', second);
    await argo.handle(stage.sensor, 'both', 'a', 1);
    await argo.handle(stage.sensor, 'one', 'a', 3);
    await stage.apply(fields);
    await stage.holds(([only]) => only?.held.length === 1);
    await publish('b', '1');
    expect(await sent('both', 1)).toEqual([JSON.stringify({ a: '2', b: '1' })]);
    await publish('a', '4');
    expect(await sent('one', 1)).toEqual(bodies('4'));
    expect(stage.requests('both')).toHaveLength(1);
  });

  it('starts as a new sensor where Argo Events never listened', async () => {
    await publish('a', 'before');
    await stage.apply({ ...MOVED, triggers: [stage.httpTrigger('t', ['a'])] });
    await publish('a', 'after');
    expect(await sent('t', 1)).toEqual(bodies('after'));
  });
});
