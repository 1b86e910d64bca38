/** A backlog for a trigger that is limited: the bus keeps what cannot be started yet. */
import { Worker } from '@temporalio/worker';
import type { CloudEvent } from '../../../src/event/cloud-event';
import { eventually } from '../../setup/eventually';
import { startGatedReceiver, type GatedReceiver } from '../../setup/gated-receiver';
import { openWorld, workflowBundle, type SluiceWorld } from '../sluice-world';
import { Stage } from '../stage';
import { currentDetails } from '../what-people-see';

const LIMIT = 10;
const EVENTS = 700;

describe('a sensor with a concurrency limit and a backlog', () => {
  let world: SluiceWorld;
  let stage: Stage;
  let receiver: GatedReceiver;

  beforeAll(async () => {
    [world, receiver] = await Promise.all([openWorld(), startGatedReceiver()]);
  });
  afterAll(async () => {
    await world.close();
    await receiver.close();
  });

  it('holds back, shows it, and fires all events within the limit without parking any', async () => {
    stage = new Stage(world);
    await stage.apply({
      annotations: { 'sluice.io/concurrency': `${LIMIT}` },
      triggers: [trigger()],
    });
    await publish(
      world,
      Array.from({ length: EVENTS }, (_, index) => stage.event('a', `${index}`)),
    );
    const { holdingBack } = await eventually(async () => {
      const status = await stage.status();
      return status.holdingBack && (status.lag ?? 0) > 0 ? status : undefined;
    });
    expect(holdingBack?.waiting).toBeGreaterThanOrEqual(500);
    expect(await currentDetails(stage.handle)).toContain('**Holding back**');
    receiver.open();
    await eventually(() => receiver.names().length >= EVENTS, { timeoutMs: 300_000 });
    expect(new Set(receiver.names()).size).toBe(EVENTS);
    expect(receiver.names()).toHaveLength(EVENTS);
    expect(receiver.mostAtOnce()).toBeLessThanOrEqual(LIMIT);
    await eventually(async () => (await stage.status()).holdingBack === undefined);
    expect(await stage.runIds('Parked')).toEqual([]);
    // Queries and signals come in the midst of everything here: what a worker does anew must be what was done.
    const history = await stage.handle.fetchHistory();
    await Worker.runReplayHistory({ workflowBundle: await workflowBundle() }, history);
    await stage.remove();
  }, 480_000);

  function trigger() {
    const payload = [{ src: { dependencyName: 'a', dataKey: 'name', useRawData: true }, dest: 'name' }];
    return { template: { name: 't', http: { url: receiver.url, method: 'POST', payload } } };
  }
});

async function publish(world: SluiceWorld, events: readonly CloudEvent[]): Promise<void> {
  const outcomes = await world.bus.publishEvents(events);
  expect(outcomes.filter(({ kind }) => kind !== 'published')).toEqual([]);
}
