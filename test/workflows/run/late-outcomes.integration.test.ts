/** Ends of Argo Workflows that the watch of their sensor does not show, or that come when nobody waits any more. */
import { WorkflowNotFoundError } from '@temporalio/client';
import { BusPool } from '../../../activities/worker/bus-pool';
import { publishLateOutcomes } from '../../../activities/outcomes/late-outcomes';
import type { WorkflowOutcome } from '../../../src/kubernetes/workflow-outcomes';
import type { KubernetesObject } from '../../../src/kubernetes/kubernetes-object';
import { OUTCOME_SOURCE } from '../../../src/event/outcome-event-id';
import type { JsonObject } from '../../../src/event/json';
import { createRunStart } from '../../../src/contract/run-start';
import { startRun } from '../../../activities/starting/start-runs';
import { readRunInput } from '../../../activities/starting/read-run-input';
import { connectTestBus } from '../../bus/bus-fixture';
import { openClusterFixture, type ClusterFixture } from '../../kubernetes/cluster-fixture';
import { eventually } from '../../setup/eventually';
import { createTestNamespace } from '../../setup/test-namespace';
import { openWorld, type SluiceWorld } from '../sluice-world';
import { Stage } from '../stage';

const BY = { by: 'ada', why: 'test' };
const SUCCEEDED = { status: { phase: 'Succeeded', finishedAt: '2026-01-01T00:05:00Z' } };
const FAILED = { status: { phase: 'Failed', finishedAt: '2026-01-01T00:01:00Z', message: 'exit code 1' } };

function makeWorkflow(parameters: readonly JsonObject[] = [], fields: JsonObject = {}): JsonObject {
  const resource = {
    apiVersion: 'argoproj.io/v1alpha1',
    kind: 'Workflow',
    metadata: { generateName: 'water-' },
    spec: { entrypoint: 'main', templates: [{ name: 'main', container: { image: 'alpine' } }] },
  };
  return {
    template: { name: 'detect', k8s: { operation: 'create', source: { resource }, parameters: [...parameters] } },
    ...fields,
  };
}

describe('the outcome of an Argo Workflow', () => {
  let world: SluiceWorld;
  let cluster: ClusterFixture;
  let stage: Stage;

  beforeAll(async () => {
    // Its own API server: the controllers of other tests must not end these Workflows.
    world = await openWorld({ kubernetes: { own: true } });
  });
  afterAll(() => world.close());
  beforeEach(async () => {
    cluster = await openClusterFixture('late', world.kubernetes);
    stage = new Stage(world, { namespace: cluster.namespace });
  });
  afterEach(async () => {
    await stage.remove();
    await cluster.close();
  });

  const madeOnes = async (count: number): Promise<string[]> =>
    await eventually(async () => {
      const names = (await cluster.list('workflows')).map(({ metadata }) => metadata.name ?? '');
      return names.length === count && names;
    });
  const onlyWorkflow = async (): Promise<string> => (await madeOnes(1))[0] ?? '';
  const published = async (): Promise<JsonObject[]> => {
    const found: JsonObject[] = [];
    for await (const { event } of world.bus.readEvents({})) {
      const data = event?.data;
      if (event?.source !== OUTCOME_SOURCE || typeof data !== 'object' || data === null || Array.isArray(data))
        continue;
      if (data.namespace === cluster.namespace) found.push(data);
    }
    return found;
  };

  it.each([
    ['seen when it happened', {}],
    ['found in a list after a reconnect', { isListed: true }],
  ])('waits a minute for its run to start, without blocking other outcomes, if it was %s', async (_how, found) => {
    // A worker that was killed had made it for a run that was cut differently when the events came again.
    const buses = new BusPool(() => Promise.resolve(world.bus));
    const tell = async (endedMsAgo: number): Promise<void> => {
      const outcome: WorkflowOutcome = {
        ...{ fireId: 'fire', phase: 'Succeeded', message: '', outputs: {}, afterRetry: false },
        object: { apiVersion: 'argoproj.io/v1alpha1', kind: 'Workflow', namespace: 'eo', name: 'a', uid: 'u' },
        finishedAt: new Date(Date.now() - endedMsAgo).toISOString(),
        ...found,
      };
      const publish = () => Promise.reject(new Error('there is nothing to publish'));
      const { signal } = new AbortController();
      await publishLateOutcomes({ client: world.client, buses, publish, signal }, 'run/eo/water/never', [outcome]);
    };
    await expect(tell(1_000)).rejects.toThrow(WorkflowNotFoundError);
    await tell(61_000);
  });

  it('is for a run that was started after its Workflow had ended, which is told again', async () => {
    await stage.apply({ triggers: [makeWorkflow()] });
    await stage.publish(stage.event('a', '1'));
    const run = await stage.onlyRun('Waiting');
    const [fire] = await stage.fires(run);
    if (fire?.object === undefined) throw new Error('the run made no Workflow');
    // As when the signal found no run, because the listener creates the Workflow first.
    const outcome: WorkflowOutcome = {
      ...{ fireId: fire.id, phase: 'Succeeded', message: '', outputs: {}, afterRetry: false, object: fire.object },
      finishedAt: new Date().toISOString(),
    };
    const publish = () => Promise.reject(new Error('the run publishes it'));
    const options = { client: world.client, buses: new BusPool(() => Promise.resolve(world.bus)), publish };
    const { signal } = new AbortController();
    await expect(publishLateOutcomes({ ...options, signal }, run.workflowId, [outcome])).rejects.toThrow(
      'was started after its Workflow had ended',
    );
    await run.terminate();
  });

  it('is known immediately to a run that finds the completed Workflow of an earlier run', async () => {
    await stage.apply({ triggers: [makeWorkflow()] });
    const event = stage.event('a', '1');
    await stage.publish(event);
    const first = await stage.onlyRun();
    await cluster.patch('workflows', await onlyWorkflow(), SUCCEEDED);
    await first.result();
    const input = await readRunInput(world.client, first.workflowId);
    const [fire] = input.fires;
    const again = { id: fire?.id ?? '', trigger: 'detect', dependencies: { a: [event] } };
    const start = createRunStart(stage.define({ triggers: [makeWorkflow()] }), [again], { key: 'announced-again' });
    await startRun(world.client.workflow, world.taskQueue, start);
    const second = world.client.workflow.getHandle(start.workflowId);
    expect(await second.result()).toMatchObject({ fires: [{ outcome: { phase: 'Succeeded' } }] });
    expect(await cluster.list('workflows')).toHaveLength(1);
  });

  it('is found in a namespace that a parameter names', async () => {
    const other = await createTestNamespace(world.kubernetes, 'elsewhere');
    const parameter = { src: { dependencyName: 'a', dataKey: 'where' }, dest: 'metadata.namespace' };
    await stage.apply({ triggers: [makeWorkflow([parameter])] });
    await stage.publish(stage.event('a', '1', { where: other.name }));
    const run = await stage.onlyRun('Waiting');
    const path = `/apis/argoproj.io/v1alpha1/namespaces/${other.name}/workflows`;
    const { client } = cluster.cluster;
    const { items } = await client.request<{ items: KubernetesObject[] }>({ method: 'GET', path });
    await client.request({
      ...{ method: 'PATCH', path: `${path}/${items[0]?.metadata.name ?? ''}` },
      ...{ contentType: 'application/merge-patch+json', body: SUCCEEDED },
    });
    expect(await run.result()).toMatchObject({ fires: [{ outcome: { phase: 'Succeeded' } }] });
    await other.remove();
  });

  it('is reported as unknown immediately if the Workflow was deleted while no watch was open', async () => {
    await stage.apply({ triggers: [makeWorkflow()] });
    await stage.publish(stage.event('a', '1'));
    const run = await stage.onlyRun('Waiting');
    await stage.handle.signal('delete', BY);
    await stage.handle.result();
    await cluster.remove('workflows', await onlyWorkflow());
    await stage.apply({ triggers: [makeWorkflow()] });
    await run.result().catch(() => undefined);
    expect(await stage.fires(run)).toMatchObject([{ state: 'Failed', outcome: { phase: 'Unknown' } }]);
  });

  it('is published again if the Workflow succeeds by a retry after its run failed', async () => {
    await stage.apply({ triggers: [makeWorkflow()] });
    await stage.publish(stage.event('a', '1'));
    const run = await stage.onlyRun();
    const name = await onlyWorkflow();
    await cluster.patch('workflows', name, FAILED);
    await expect(run.result()).rejects.toThrow();
    await cluster.patch('workflows', name, { status: { phase: 'Running', finishedAt: null, message: null } });
    await cluster.patch('workflows', name, SUCCEEDED);
    await eventually(async () => (await published()).length === 2);
    expect((await published()).map(({ workflow_status, run_id }) => [workflow_status, run_id])).toEqual([
      ['Failed', run.workflowId],
      ['Succeeded', run.workflowId],
    ]);
  });

  it('keeps a run from being started again where the Workflow succeeded by a retry, unless it is asked for', async () => {
    await stage.apply({ triggers: [makeWorkflow()] });
    await stage.publish(stage.event('a', '1'));
    const run = await stage.onlyRun();
    const name = await onlyWorkflow();
    await cluster.patch('workflows', name, FAILED);
    await expect(run.result()).rejects.toThrow();
    await cluster.patch('workflows', name, { status: { phase: 'Running', finishedAt: null, message: null } });
    await cluster.patch('workflows', name, SUCCEEDED);
    const bus = await connectTestBus(world.nats, { namespace: cluster.namespace });
    await eventually(async () => {
      for await (const { outcome } of bus.readDecisions({})) if (outcome !== undefined) return true;
      return false;
    });
    await bus.close();
    const request = { ...BY, runId: run.workflowId };
    const retrigger = (again: boolean) =>
      stage.handle.executeUpdate<string[], [object]>('retrigger', { args: [{ ...request, again }] });
    await expect(retrigger(false)).rejects.toMatchObject({ cause: { type: 'RETRIGGER_REFUSED' } });
    const [successor = ''] = await retrigger(true);
    expect(await madeOnes(2)).toContain(name);
    await world.client.workflow.getHandle(successor).signal('discard', BY);
  });

  it('completes a run parked by its policy if the Workflow succeeds by a retry', async () => {
    const policy = { k8s: { labels: { done: 'yes' }, errorOnBackoffTimeout: true, backoff: { steps: 1 } } };
    await stage.apply({ triggers: [makeWorkflow([], { policy })] });
    await stage.publish(stage.event('a', '1'));
    const run = await stage.onlyRun('Parked');
    const name = await onlyWorkflow();
    expect(await stage.fires(run)).toMatchObject([{ failure: { code: 'TRIGGER_POLICY_FAILED' }, object: { name } }]);
    await cluster.patch('workflows', name, FAILED);
    await eventually(async () => (await published()).length === 1);
    await cluster.patch('workflows', name, { status: { phase: 'Running', finishedAt: null, message: null } });
    await cluster.patch('workflows', name, SUCCEEDED);
    expect(await run.result()).toMatchObject({ state: 'Succeeded', fires: [{ object: { name } }] });
    await eventually(async () => (await published()).length === 2);
    expect(await published()).toMatchObject([
      { workflow_name: name, workflow_status: 'Failed' },
      { workflow_name: name, workflow_status: 'Succeeded' },
    ]);
  });

  it('does not prevent a retrigger with a new object of a fire that failed its policy', async () => {
    const policy = { k8s: { labels: { done: 'yes' }, errorOnBackoffTimeout: true, backoff: { steps: 1 } } };
    await stage.apply({ triggers: [makeWorkflow([], { policy })] });
    await stage.publish(stage.event('a', '1'));
    const run = await stage.onlyRun('Parked');
    const request = { ...BY, runId: run.workflowId, again: true };
    const [successor = ''] = await stage.handle.executeUpdate<string[], [typeof request]>('retrigger', {
      args: [request],
    });
    expect(successor).not.toBe(run.workflowId);
    expect(await run.result()).toMatchObject({ state: 'Discarded' });
    const [first = '', second = ''] = await madeOnes(2);
    expect(first).not.toBe(second);
    await world.client.workflow.getHandle(successor).signal('discard', BY);
  });
});
