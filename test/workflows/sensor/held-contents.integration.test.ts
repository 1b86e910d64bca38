/** Sensors that hold more than Temporal hands on when a workflow continues as new. */
import { jetstreamManager } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import type { CloudEvent } from '../../../src/event/cloud-event';
import { eventually } from '../../setup/eventually';
import { testNames } from '../../bus/bus-fixture';
import { proposeContinueAsNewAfter, type SluiceWorld } from '../sluice-world';
import { useStage, type Stage } from '../stage';
import { summariesOf } from '../what-people-see';

const SCENES = 150;
/** A STAC item of Sentinel-2 has about 20 KB. */
const BYTES = 20_000;
const BY_TILE = { 'sluice.io/correlate-by': 'tile', 'sluice.io/keep': 'all' };
/** The largest contents are moved first, so its content lies on the bus. */
const LAST = `${SCENES - 1}`;

describe('a sensor that holds megabytes', () => {
  let stage: Stage;
  useStage((fresh) => (stage = fresh), proposeContinueAsNewAfter(30), { continueAsNew: true });

  it('joins after continue-as-new, fires each pair once with its data, and leaves nothing on the bus', async () => {
    await holdScenes(stage);
    expect(await heldMessages(stage)).toBeGreaterThan(0);
    await stage.interlude();
    await publish(
      stage.world,
      numbers().map((number) => stage.event('b', `b${number}`, { tile: `${number}` })),
    );
    const bodies = await stage.bodies(SCENES);
    expect(bodies.map((body) => JSON.stringify(body)).sort()).toEqual(
      numbers()
        .map((number) => JSON.stringify({ a: `a${number}`, b: `b${number}` }))
        .sort(),
    );
    await stage.holdsEvents();
    await eventually(async () => (await heldMessages(stage)) === 0);
    expect(stage.requests()).toHaveLength(SCENES);
  });

  it('waits for an unavailable bus, and loses nothing', async () => {
    await holdScenes(stage);
    const event = stage.event('b', `b${LAST}`, { tile: LAST });
    const observation = { dependency: 'b', event, keys: { tile: LAST }, receivedAt: Date.now() };
    await stage.world.nats.stopKeepingData();
    try {
      await stage.handle.signal('observe', { observations: [observation] });
      await eventually(async () => {
        const { raw } = await stage.handle.describe();
        const pending = raw.pendingActivities?.find(({ activityType }) => activityType?.name === 'sluiceStartHeldRuns');
        return (pending?.attempt ?? 0) > 1;
      });
    } finally {
      await stage.world.nats.restart();
    }
    expect(await stage.bodies(1)).toEqual([{ a: `a${LAST}`, b: `b${LAST}` }]);
    expect(await summariesOf(stage.handle)).toContain('held events ← bus, for runs: 1');
  });

  it('parks a run whose contents the bus has lost, and rejects firing it without them', async () => {
    await holdScenes(stage);
    await inJetStream(stage.world, (manager) => manager.streams.purge(heldStream(stage)));
    await publish(stage.world, [stage.event('b', `b${LAST}`, { tile: LAST })]);
    const run = await stage.onlyRun('Parked');
    expect(await stage.fires(run)).toMatchObject([
      {
        state: 'Parked',
        failure: { code: 'SENSOR_EVENTS_GONE' },
        events: [`${stage.source}/a-a${LAST}`, `${stage.source}/b-b${LAST}`],
      },
    ]);
    await run.signal('retrigger', { by: 'ada', why: 'test' });
    await run.signal('discard', { by: 'ada', why: 'test' });
    expect(await run.result()).toMatchObject({ state: 'Discarded' });
    expect(stage.requests()).toHaveLength(0);
  });

  it('deletes its held contents from the bus when it is deleted', async () => {
    await holdScenes(stage);
    expect(await heldMessages(stage)).toBeGreaterThan(0);
    await stage.handle.signal('delete', { by: 'ada', why: 'test' });
    await stage.handle.result();
    expect(await heldMessages(stage)).toBe(0);
  });

  it('fires a batch before it exceeds the size of a run', async () => {
    await stage.apply({
      annotations: { 'sluice.io/batch-size': '200' },
      triggers: [stage.httpTrigger('t', ['a'])],
    });
    await publish(stage.world, scenes(stage));
    await stage.bodies(3);
    await eventually(async () => (await stage.runIds('Succeeded')).length >= 3);
    await stage.holds(([only]) => (only?.collected ?? 0) < 50);
  });
});

function numbers(): number[] {
  return Array.from({ length: SCENES }, (_, index) => index);
}

function scenes(stage: Stage): CloudEvent[] {
  const item = 'x'.repeat(BYTES);
  return numbers().map((number) => stage.event('a', `a${number}`, { tile: `${number}`, item }));
}

/** Applies a sensor in which all wait for their partners, three megabytes, and continues it as new. */
async function holdScenes(stage: Stage): Promise<void> {
  await stage.apply({
    annotations: BY_TILE,
    dependencies: ['a', 'b'],
    triggers: [stage.httpTrigger('t', ['a', 'b'])],
  });
  await publish(stage.world, scenes(stage));
  await stage.holds(([only]) => only?.held.length === SCENES);
  await stage.interlude();
}

async function publish(world: SluiceWorld, events: readonly CloudEvent[]): Promise<void> {
  const outcomes = await world.bus.publishEvents(events);
  expect(outcomes.filter(({ kind }) => kind !== 'published')).toEqual([]);
}

function heldStream(stage: Stage): string {
  return testNames(stage.namespace).held.stream;
}

async function heldMessages(stage: Stage): Promise<number> {
  const { state } = await inJetStream(stage.world, (manager) => manager.streams.info(heldStream(stage)));
  return state.messages;
}

async function inJetStream<Answer>(
  world: SluiceWorld,
  work: (manager: Awaited<ReturnType<typeof jetstreamManager>>) => Promise<Answer>,
): Promise<Answer> {
  const nats = await connect({ servers: world.nats.url });
  try {
    return await work(await jetstreamManager(nats));
  } finally {
    await nats.close();
  }
}
