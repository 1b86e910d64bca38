import { startArgoControllerStandIn, type ArgoControllerStandIn } from '../../dev/argo-controller-stand-in';
import type { Workflow } from '../../dev/argo-controller-stand-in/workflow';
import { startKubernetes } from '../../dev/servers';
import { eventually } from '../setup/eventually';
import { sharedKubernetes } from '../setup/shared-kubernetes';
import { createTestNamespace, type TestNamespace } from '../setup/test-namespace';

const FOREVER = { 'stand-in.sluice.dev/duration-ms': '3600000' };
const templates = [{ name: 'main', steps: [] }];

describe('the stand-in for the Argo controller', () => {
  let namespace: TestNamespace;
  let standIn: ArgoControllerStandIn;

  beforeAll(async () => {
    const kubernetes = await sharedKubernetes();
    namespace = await createTestNamespace(kubernetes, 'stand-in');
    standIn = await startArgoControllerStandIn({ kubernetes, namespace: namespace.name, durationMs: 50 });
  });

  afterAll(async () => {
    await standIn.stop();
    await namespace.remove();
  });

  const pathOf = (plural: string) => `/apis/argoproj.io/v1alpha1/namespaces/${namespace.name}/${plural}`;
  const create = async (spec: object, annotations: Record<string, string> = {}, name?: string): Promise<Workflow> => {
    const metadata = { annotations, ...(name === undefined ? { generateName: 'wf-' } : { name }) };
    const workflow = { apiVersion: 'argoproj.io/v1alpha1', kind: 'Workflow', metadata, spec };
    return (await namespace.api.expect('POST', pathOf('workflows'), workflow)).body as Workflow;
  };
  const waitForPhase = (workflow: Workflow, phase: string): Promise<Workflow> =>
    eventually(async () => {
      const { body } = await namespace.api.expect('GET', `${pathOf('workflows')}/${workflow.metadata.name}`);
      const current = body as Workflow;
      return current.status?.phase === phase && current;
    });
  const patch = (workflow: Workflow, change: object) =>
    namespace.api.send(
      'PATCH',
      `${pathOf('workflows')}/${workflow.metadata.name}`,
      change,
      'application/merge-patch+json',
    );

  it('runs a Workflow to its end with times, labels and the outputs of its entry node', async () => {
    const outputs = { 'stand-in.sluice.dev/outputs': '{"catalog":"s3://results/{{workflow.name}}"}' };
    const workflow = await create({ entrypoint: 'main', templates }, outputs);
    const { name } = workflow.metadata;
    const ended = await waitForPhase(workflow, 'Succeeded');
    expect(ended.metadata.labels).toMatchObject({
      'workflows.argoproj.io/phase': 'Succeeded',
      'workflows.argoproj.io/completed': 'true',
    });
    expect(ended.status).toMatchObject({
      progress: '1/1',
      conditions: expect.arrayContaining([{ type: 'Completed', status: 'True' }]) as unknown,
    });
    expect(Date.parse(ended.status?.finishedAt ?? '')).toBeGreaterThanOrEqual(
      Date.parse(ended.status?.startedAt ?? ''),
    );
    expect(ended.status?.nodes?.[name]).toMatchObject({
      type: 'Steps',
      phase: 'Succeeded',
      outputs: { parameters: [{ name: 'catalog', value: `s3://results/${name}` }] },
    });
  });

  it.each(['Failed', 'Error'])('ends a Workflow as %s if its annotation requests it', async (outcome) => {
    const annotations = { 'stand-in.sluice.dev/outcome': outcome, 'stand-in.sluice.dev/message': 'no scene' };
    const ended = await waitForPhase(await create({ entrypoint: 'main', templates }, annotations), outcome);
    expect(ended.status).toMatchObject({ message: 'no scene' });
  });

  it('uses parameters and behaviour of the template that a Workflow refers to', async () => {
    const template = {
      apiVersion: 'argoproj.io/v1alpha1',
      kind: 'WorkflowTemplate',
      metadata: { name: 'detection', annotations: { 'stand-in.sluice.dev/outputs': '{"lakes":"3"}' } },
      spec: {
        entrypoint: 'main',
        templates,
        arguments: { parameters: [{ name: 'epsg', value: 'EPSG:4326' }, { name: 'aoi' }] },
      },
    };
    await namespace.api.expect('POST', pathOf('workflowtemplates'), template);
    const spec = {
      workflowTemplateRef: { name: 'detection' },
      arguments: { parameters: [{ name: 'aoi', value: '1,2' }] },
    };
    const ended = await waitForPhase(await create(spec), 'Succeeded');
    expect(ended.metadata.labels).toMatchObject({ 'workflows.argoproj.io/workflow-template': 'detection' });
    expect(ended.status?.storedWorkflowTemplateSpec?.arguments?.parameters).toEqual(
      expect.arrayContaining([
        { name: 'aoi', value: '1,2' },
        { name: 'epsg', value: 'EPSG:4326' },
      ]),
    );
    expect(ended.status?.nodes?.[ended.metadata.name]?.outputs?.parameters).toEqual([{ name: 'lakes', value: '3' }]);

    const incomplete = await waitForPhase(await create({ workflowTemplateRef: { name: 'detection' } }), 'Failed');
    expect(incomplete.status?.message).toContain('spec.arguments.aoi.value');
  });

  it('ends a Workflow whose template does not exist in Error', async () => {
    const ended = await waitForPhase(await create({ workflowTemplateRef: { name: 'absent' } }), 'Error');
    expect(ended.status?.message).toContain('"absent" not found');
  });

  it('fails a Workflow whose name is too long for Argo', async () => {
    const ended = await waitForPhase(await create({ entrypoint: 'main' }, {}, 'x'.repeat(64)), 'Failed');
    expect(ended.status?.message).toContain('63');
  });

  it.each(['Stop', 'Terminate'])('fails a running Workflow that is shut down with %s', async (strategy) => {
    const workflow = await create({ entrypoint: 'main', templates }, FOREVER);
    await waitForPhase(workflow, 'Running');
    await patch(workflow, { spec: { shutdown: strategy } });
    const ended = await waitForPhase(workflow, 'Failed');
    expect(ended.status?.message).toContain(strategy);
  });

  it('keeps a suspended Workflow running until it is resumed', async () => {
    const workflow = await create({ entrypoint: 'main', templates, suspend: true });
    const running = await waitForPhase(workflow, 'Running');
    // A Workflow that came later is through while the suspended one has not moved.
    await waitForPhase(await create({ entrypoint: 'main', templates }), 'Succeeded');
    const { body } = await namespace.api.expect('GET', `${pathOf('workflows')}/${workflow.metadata.name}`);
    expect((body as Workflow).metadata.resourceVersion).toBe(running.metadata.resourceVersion);
    await patch(workflow, { spec: { suspend: null } });
    await waitForPhase(workflow, 'Succeeded');
  });

  it('runs a retried Workflow again, with the next of its outcomes', async () => {
    const workflow = await create(
      { entrypoint: 'main', templates },
      { 'stand-in.sluice.dev/outcome': 'Failed,Succeeded' },
    );
    await waitForPhase(workflow, 'Failed');
    await patch(workflow, { status: { phase: '', message: '' } });
    await waitForPhase(workflow, 'Succeeded');
  });

  it('keeps a Workflow Pending if its annotation requests it', async () => {
    const workflow = await create({ entrypoint: 'main', templates }, { 'stand-in.sluice.dev/pending-ms': '3600000' });
    const pending = await waitForPhase(workflow, 'Pending');
    expect(pending.status?.startedAt ?? null).toBeNull();
  });
});

describe('the stand-in during an outage of the API server', () => {
  it('continues with its Workflows when the API server is back', async () => {
    const kubernetes = await startKubernetes({ own: true });
    const standIn = await startArgoControllerStandIn({ kubernetes, durationMs: 10 });
    const { api, name } = await createTestNamespace(kubernetes);
    try {
      await kubernetes.restart();
      const path = `/apis/argoproj.io/v1alpha1/namespaces/${name}/workflows`;
      const workflow = {
        apiVersion: 'argoproj.io/v1alpha1',
        kind: 'Workflow',
        metadata: { name: 'after' },
        spec: { entrypoint: 'main' },
      };
      await eventually(async () => (await api.send('POST', path, workflow)).status === 201);
      await eventually(async () => {
        const { body } = await api.expect('GET', `${path}/after`);
        return (body as Workflow).status?.phase === 'Succeeded';
      });
    } finally {
      await standIn.stop();
      api.close();
      await kubernetes.stop();
    }
  });
});
