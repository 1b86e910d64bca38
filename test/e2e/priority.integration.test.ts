/** docs/priorities.md: urgent fires overtake others. By order only: no time is measured. */
import { randomBytes } from 'node:crypto';
import type { WorkflowHandle } from '@temporalio/client';
import type { CloudEvent } from '../../src/event/cloud-event';
import { eventKey } from '../../src/event/cloud-event';
import type { JsonObject } from '../../src/event/json';
import { sensorRunWorkflowId } from '../../src/contract/identity';
import { collect } from '../setup/collect';
import { eventually } from '../setup/eventually';
import { createTestNamespace, type TestNamespace } from '../setup/test-namespace';
import { openWorld, type SluiceWorld } from '../workflows/sluice-world';
import { Stage } from '../workflows/stage';

jest.setTimeout(240_000);

const BY = { by: 'ada', why: 'test' };
const BACKFILL = 2_000;
const LIVE = 20;

describe('priorities', () => {
  let world: SluiceWorld;
  let namespace: TestNamespace;
  const stages: Stage[] = [];

  beforeAll(async () => {
    world = await openWorld({
      temporal: { own: true, headless: true, dynamicConfig: { 'matching.useNewMatcher': 'true' } },
    });
    namespace = await createTestNamespace(world.kubernetes, 'priority');
  });
  afterEach(() => Promise.all(stages.splice(0).map((stage) => stage.remove())));
  afterAll(async () => {
    await namespace.remove();
    await world.close();
  });

  const openStage = (sensor?: string, of?: string): Stage => {
    const options = { ...(sensor !== undefined && { sensor }), ...(of !== undefined && { namespace: of }) };
    const stage = new Stage(world, options);
    stages.push(stage);
    return stage;
  };
  const runOf = ({ namespace: of, sensor }: Stage, event: CloudEvent): WorkflowHandle =>
    world.client.workflow.getHandle(sensorRunWorkflowId(of, sensor, eventKey(event)));
  const priorityOf = async (run: WorkflowHandle): Promise<number> =>
    await eventually(async () => {
      const { raw } = await run.describe();
      return raw.workflowExecutionInfo?.priority?.priorityKey ?? 0;
    });

  it('lets every live event overtake the backfill of another sensor of its namespace', async () => {
    const shared = `shared-${randomBytes(4).toString('hex')}`;
    const [live, backfill] = [openStage('live', shared), openStage('backfill', shared)];
    await backfill.apply({
      annotations: { 'sluice.io/priority': '5' },
      triggers: [backfill.httpTrigger('t', ['a'])],
    });
    await live.apply({ annotations: { 'sluice.io/priority': '1' }, triggers: [live.httpTrigger('t', ['a'])] });
    const events = Array.from({ length: BACKFILL }, (_, index) => backfill.event('a', `${index}`));
    await world.bus.publishEvents(events);
    for (let index = 0; index < LIVE; index += 1) {
      const before = backfill.requests().length;
      await eventually(() => backfill.requests().length > before);
      await live.publish(live.event('a', `${index}`));
      await live.bodies(index + 1);
      expect(backfill.requests().length).toBeLessThan(BACKFILL);
    }
    expect(await live.bodies(LIVE)).toHaveLength(LIVE);
    await eventually(() => backfill.requests().length >= BACKFILL, { timeoutMs: 180_000 });
    expect(new Set(backfill.requests().map(({ body }) => JSON.stringify(body))).size).toBe(BACKFILL);
  });

  it('starts the most urgent events of a pull first, and records a value that is no priority', async () => {
    const stage = openStage('pulled', namespace.name);
    const resource = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { generateName: 'made-' }, data: { event: '' } };
    const parameters = [{ src: { dependencyName: 'a', dataKey: 'name' }, dest: 'data.event' }];
    const trigger = { template: { name: 't', k8s: { operation: 'create', source: { resource }, parameters } } };
    await stage.apply({ annotations: { 'sluice.io/priority-from': 'urgency' }, triggers: [trigger] });
    await eventually(() => isListening(stage));
    await stage.handle.signal('pause', BY);
    await eventually(async () => !(await isListening(stage)));
    const later = Array.from({ length: 100 }, (_, index) => stage.event('a', `later-${index}`, { urgency: 5 }));
    const strange = stage.event('a', 'strange', { urgency: 'soon' });
    const urgent = stage.event('a', 'urgent', { urgency: 1 });
    await stage.publish(...later, strange, urgent);
    await stage.handle.signal('resume', BY);

    const made = await eventually(async () => {
      const path = `/api/v1/namespaces/${namespace.name}/configmaps`;
      const { items } = (await namespace.api.expect('GET', path)).body as { items: readonly MadeMap[] };
      const found = items.filter(({ metadata }) => metadata.name.startsWith('made-'));
      return found.length >= 102 && found;
    });
    const order = [...made].sort((one, other) => versionOf(one) - versionOf(other)).map(({ data }) => data.event);
    // A busy machine may pull the first few before the last have arrived.
    const overtaken = order.slice(order.indexOf('strange') + 1);
    expect(order.indexOf('urgent')).toBeLessThan(order.indexOf('strange'));
    expect(overtaken.length).toBeGreaterThan(later.length / 2);
    expect(await priorityOf(runOf(stage, urgent))).toBe(1);
    const records = await eventually(async () => {
      const filter = { namespace: stage.namespace, decision: 'fired', event: eventKey(strange) } as const;
      const found = await collect((await stage.bus()).readDecisions(filter));
      return found.length > 0 && found;
    });
    expect(records).toMatchObject([{ reason: expect.stringMatching(/^urgency is "soon", no priority/) as unknown }]);
  });

  it('passes the priority of a trigger on to Temporal and to those who ask for its status', async () => {
    const stage = openStage();
    const annotations = { 'sluice.io/priority.t': '2' };
    await stage.apply({ annotations, triggers: [stage.httpTrigger('t', ['a'])] });
    const event = stage.event('a', '1');
    await stage.publish(event);
    await stage.bodies(1);
    expect(await priorityOf(runOf(stage, event))).toBe(2);
    expect(await stage.status()).toMatchObject({ triggers: [{ name: 't', priority: { priority: 2 } }] });
  });

  it('starts runs of joined triggers with the priority of the event that completed them', async () => {
    const stage = openStage();
    const annotations = { 'sluice.io/priority-from': 'urgency', 'sluice.io/priority': '4' };
    const joined: JsonObject = stage.httpTrigger('t', ['a', 'b'], { template: { conditions: 'a && b' } });
    await stage.apply({ annotations, dependencies: ['a', 'b'], triggers: [joined] });
    await stage.publish(stage.event('a', '1', { urgency: 5 }), stage.event('b', '1', { urgency: 2 }));
    expect(await priorityOf(await stage.onlyRun())).toBe(2);
  });

  it('starts the runs of a replay after all others', async () => {
    const stage = openStage();
    await stage.apply({ annotations: { 'sluice.io/priority': '1' }, triggers: [stage.httpTrigger('t', ['a'])] });
    await stage.publish(stage.event('a', '1'));
    await stage.bodies(1);
    const { examples } = await stage.replay({ ...BY, again: true, dryRun: false });
    expect(examples).toHaveLength(1);
    await stage.bodies(2);
    const replayed = await eventually(async () => (await stage.runIds()).find((id) => id.includes('~replay-')));
    expect(await priorityOf(world.client.workflow.getHandle(replayed))).toBe(5);
  });
});

interface MadeMap {
  readonly metadata: { readonly name: string; readonly resourceVersion: string };
  readonly data: { readonly event: string };
}

const versionOf = ({ metadata }: MadeMap): number => Number(metadata.resourceVersion);

async function isListening(stage: Stage): Promise<boolean> {
  const { raw } = await stage.handle.describe();
  return (raw.pendingActivities ?? []).some(({ activityType }) => activityType?.name === 'sluiceListen');
}
