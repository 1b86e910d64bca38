/** The Temporal UI offers every signal and update of a workflow to everybody, with any JSON. */
import type { WorkflowHandle } from '@temporalio/client';
import { eventually } from '../setup/eventually';
import { openWorld, type SluiceWorld } from './sluice-world';
import { SourceStage } from './event-source/source-stage';
import { Stage } from './stage';
import { currentDetails } from './what-people-see';

const BY = { by: 'ada', why: 'test' };
/** What people and scripts send by mistake. */
const NONSENSE: readonly unknown[] = [undefined, null, {}, 'text', [1], 5];

async function sendNonsense(handle: WorkflowHandle, ...signals: readonly string[]): Promise<void> {
  for (const signal of signals) for (const value of NONSENSE) await handle.signal(signal, value);
}

async function refusesUpdates(handle: WorkflowHandle, ...updates: readonly string[]): Promise<void> {
  for (const update of updates) {
    for (const value of NONSENSE) {
      const asked = handle.executeUpdate<unknown, [unknown]>(update, { args: [value] });
      await expect(asked).rejects.toMatchObject({ cause: { type: 'USAGE' } });
    }
  }
}

describe('malformed signals', () => {
  let world: SluiceWorld;
  let stage: Stage;

  beforeAll(async () => {
    world = await openWorld();
    stage = new Stage(world);
  });
  afterAll(async () => {
    await stage.remove();
    await world.close();
  });

  it('do not stop a sensor, and are shown', async () => {
    await stage.apply({ dependencies: ['a', 'b'], triggers: [stage.httpTrigger('t', ['a', 'b'])] });
    await sendNonsense(stage.handle, 'observe', 'firesEnded', 'report', 'retrigger', 'pause', 'resume');
    const half = { observations: [{ dependency: 'a', receivedAt: 1, event: { id: 'x' } }] };
    await stage.handle.signal('observe', half);
    await refusesUpdates(stage.handle, 'configure', 'retrigger');
    const other = { namespace: stage.namespace, name: 'other', spec: {} };
    await expect(stage.handle.executeUpdate('configure', { args: [other] })).rejects.toThrow();
    const unplanned = { ...other, name: stage.sensor };
    await expect(stage.handle.executeUpdate('configure', { args: [unplanned] })).rejects.toMatchObject({
      cause: { message: expect.stringContaining('cannot be read') as string },
    });
    expect((await stage.status()).refusals?.at(-1)).toContain('observe: it is not a message of a worker');
    await stage.publish(stage.event('a', '1'), stage.event('b', '1'));
    expect(await stage.bodies(1)).toEqual([{ a: '1', b: '1' }]);
  });

  it('do not stop a run, and are shown', async () => {
    const own = new Stage(world);
    await own.apply({ triggers: [own.httpTrigger('t', ['a'])] });
    own.answerNext('t', [{ status: 400 }]);
    await own.publish(own.event('a', '1'));
    const run = await own.onlyRun('Parked');
    await sendNonsense(run, 'attempted', 'outcome', 'retrigger', 'discard');
    await run.signal('retrigger', { ...BY, triger: 'other' });
    expect(await own.fires(run)).toMatchObject([{ state: 'Parked', attempts: 1 }]);
    const details = await currentDetails(run);
    expect(details).toContain('"triger"');
    expect(details).toContain('discard refused');
    await run.signal('retrigger', BY);
    expect(await run.result()).toMatchObject({ state: 'Succeeded' });
    await own.remove();
  });
});

describe('malformed signals to an event source', () => {
  it('do not stop it, and are shown', async () => {
    const world = await openWorld({ role: 'event-source' });
    const stage = await SourceStage.open(world);
    try {
      await stage.apply(stage.streams('scenes'));
      await sendNonsense(stage.handle, 'backlog', 'pause', 'resume');
      await refusesUpdates(stage.handle, 'configure');
      expect((await stage.status()).refusals?.length).toBeGreaterThan(0);
      await stage.handle.signal('pause', BY);
      await eventually(async () => (await stage.status()).paused?.by === BY.by);
    } finally {
      await stage.remove();
      await world.close();
    }
  });
});
