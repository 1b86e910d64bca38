import type { JsonObject } from '../../src/event/json';
import type { ArgoWorkflowTriggerTemplate } from '../../src/manifest/triggers/kubernetes';
import { argoWorkflowTrigger } from '../../src/triggers/argo-workflow';
import type { FireResult } from '../../src/triggers/trigger';
import { ARGO } from '../kubernetes/cluster-fixture';
import { failureOf } from '../setup/failure';
import { ArgoTriggerWorld, failedDag, named, nodesOf } from './argo/argo-trigger-world';
import { summariseNodes } from './argo/node-fixture';
import { describeObjectContract } from './object-contract';
import { createFire, dependenciesFor } from './object-fire';

describeObjectContract(argoWorkflowTrigger, { source: {} });

let argo: ArgoTriggerWorld;
beforeAll(async () => {
  argo = await ArgoTriggerWorld.open('argo-trigger');
});
afterAll(() => argo.close());

const nameOf = (result: FireResult) => (result.kind === 'object' ? result.object.name : '');
const workflow = (metadata: JsonObject, spec: JsonObject = {}): JsonObject => ({
  apiVersion: ARGO,
  kind: 'Workflow',
  metadata,
  spec: { workflowTemplateRef: { name: 'detect' }, ...spec },
});

describe('argoWorkflow submit', () => {
  it('creates the Workflow with the options of the args and the metadata of the fire', async () => {
    const source = workflow(
      { generateName: 'submitted-', labels: { a: 'old', b: 'kept' } },
      {
        arguments: {
          parameters: [
            { name: 'items', value: 'default', enum: ['default'] },
            { name: 'epsg', value: 4326 },
          ],
        },
      },
    );
    const args = [
      '-p',
      'items=a',
      '--labels',
      'a=new',
      '--serviceaccount',
      'argo',
      '--priority=5',
      '--entrypoint',
      'main',
    ];
    const result = await argo.fire(undefined, source, args);
    expect(result).toMatchObject({ kind: 'object', action: 'submit', existed: false });
    const created = await argo.read(nameOf(result));
    expect(created.metadata.name).toMatch(/^submitted-[a-z2-7]{12}$/);
    expect(created.metadata.labels).toMatchObject({
      a: 'new',
      b: 'kept',
      'events.argoproj.io/sensor': 'water-bodies',
      'workflows.argoproj.io/creator': 'sluice',
    });
    expect(created.metadata.annotations).toMatchObject({ 'sluice.io/event-ids': '["stac/scene-1"]' });
    expect(created.spec).toEqual({
      workflowTemplateRef: { name: 'detect' },
      entrypoint: 'main',
      serviceAccountName: 'argo',
      priority: 5,
      arguments: {
        parameters: [
          { name: 'items', value: 'a' },
          { name: 'epsg', value: '4326' },
        ],
      },
    });
  });

  it('submits once for one fire', async () => {
    const source = workflow({ generateName: 'once-' });
    const first = await argo.fire('submit', source, [], { fireId: 'same' });
    const second = await argo.fire('submit', source, [], { fireId: 'same' });
    expect(second).toEqual({ ...first, existed: true });
  });

  it.each([
    ['has no name', workflow({}), [], 'generateName'],
    ['has a name that Argo rejects', workflow({ name: 'n'.repeat(64) }), [], '63'],
    [
      'has templates next to workflowTemplateRef',
      workflow({ name: 'a' }, { templates: [{ name: 'x' }] }),
      [],
      'exclude',
    ],
    ['has no entrypoint', { ...workflow({ name: 'a' }), spec: { templates: [] } }, [], 'entrypoint'],
    [
      'has an argument without a value',
      { ...workflow({ name: 'a' }), spec: { entrypoint: 'm', arguments: { parameters: [{ name: 'p' }] } } },
      [],
      '"p"',
    ],
    ['gives a parameter twice', workflow({ name: 'a' }), ['-p', 'x=1', '-p', 'x=2'], '"x"'],
    ['is not a Workflow', named('a', 'CronWorkflow'), [], 'CronWorkflow'],
  ] as [string, JsonObject, string[], string][])('rejects a source that %s', async (_what, source, args, text) => {
    const error = await failureOf(argo.fire('submit', source, args));
    expect(error).toMatchObject({ code: 'TRIGGER_REFUSED', retryable: false });
    expect(error.message).toContain(text);
  });

  it('waits for the labels of a policy, which Argo Events cannot', async () => {
    const policy = {
      k8s: { labels: { b: 'yes' }, backoff: { duration: '10ms', steps: 2 }, errorOnBackoffTimeout: true },
    };
    const source = workflow({ generateName: 'policy-' });
    expect((await failureOf(argo.fire('submit', source, [], { policy }))).code).toBe('TRIGGER_POLICY_FAILED');
    await argo.fire('submit', workflow({ generateName: 'policy-', labels: { b: 'yes' } }), [], { policy });
  });
});

describe('argoWorkflow submit-from', () => {
  it('starts a WorkflowTemplate by reference', async () => {
    await argo.fixture.create({
      apiVersion: ARGO,
      kind: 'WorkflowTemplate',
      metadata: { name: 'from-template' },
      spec: { arguments: { parameters: [{ name: 'items' }, { name: 'aoi', value: 'x', enum: ['x', 'y'] }] } },
    });
    const source = named('from-template', 'WorkflowTemplate');
    const created = await argo.read(nameOf(await argo.fire('submit-from', source, ['-p', 'items=1', '--priority=3'])));
    expect(created.metadata.generateName).toBe('from-template-');
    expect(created.metadata.labels).toMatchObject({ 'workflows.argoproj.io/workflow-template': 'from-template' });
    expect(created.spec).toEqual({
      workflowTemplateRef: { name: 'from-template' },
      arguments: { parameters: [{ name: 'items', value: '1' }] },
    });
    expect((await failureOf(argo.fire('submit-from', source))).message).toContain('"items"');
    expect((await failureOf(argo.fire('submit-from', source, ['-p', 'items=1', '-p', 'aoi=z']))).message).toContain(
      '"aoi"',
    );
    expect((await failureOf(argo.fire('submit-from', named('none', 'WorkflowTemplate')))).message).toContain('none');
    expect((await failureOf(argo.fire('submit-from', named('x', 'ConfigMap')))).code).toBe('TRIGGER_REFUSED');
  });

  it('starts a ClusterWorkflowTemplate by reference', async () => {
    const { client } = argo.fixture.cluster;
    const path = `/apis/${ARGO}/clusterworkflowtemplates`;
    const name = `${argo.fixture.namespace}-cwft`;
    const body = { apiVersion: ARGO, kind: 'ClusterWorkflowTemplate', metadata: { name }, spec: {} };
    await client.request({ method: 'POST', path, body });
    const created = await argo.read(nameOf(await argo.fire('submit-from', named(name, 'ClusterWorkflowTemplate'))));
    expect(created.spec).toEqual({ workflowTemplateRef: { name, clusterScope: true } });
    await client.request({ method: 'DELETE', path: `${path}/${name}` });
  });

  it('expands a CronWorkflow and makes it the owner', async () => {
    const cron = await argo.fixture.create({
      apiVersion: ARGO,
      kind: 'CronWorkflow',
      metadata: { name: 'nightly', labels: { 'workflows.argoproj.io/controller-instanceid': 'blue' } },
      spec: {
        suspend: true,
        workflowMetadata: { labels: { team: 'water' }, annotations: { note: 'n' } },
        workflowSpec: { entrypoint: 'main', templates: [{ name: 'main' }] },
      },
    });
    const args = ['--scheduled-time', '2026-01-01T00:00:00Z', '--name', 'nightly-by-event'];
    const created = await argo.read(nameOf(await argo.fire('submit-from', named('nightly', 'CronWorkflow'), args)));
    expect(created.metadata).toMatchObject({
      name: 'nightly-by-event',
      labels: {
        'workflows.argoproj.io/cron-workflow': 'nightly',
        'workflows.argoproj.io/controller-instanceid': 'blue',
        team: 'water',
      },
      annotations: { note: 'n', 'workflows.argoproj.io/scheduled-time': '2026-01-01T00:00:00Z' },
      ownerReferences: [{ kind: 'CronWorkflow', name: 'nightly', uid: cron.metadata.uid, controller: true }],
    });
    expect(created.spec).toEqual({ entrypoint: 'main', templates: [{ name: 'main' }] });
  });
});

describe('argoWorkflow resubmit', () => {
  it('creates the same Workflow again, without the status of the old one', async () => {
    await argo.existing(
      'original',
      { entrypoint: 'm', shutdown: 'Stop', arguments: { parameters: [{ name: 'a', value: '1' }] } },
      { phase: 'Running' },
      {
        generateName: 'original-',
        labels: { keep: 'me', 'workflows.argoproj.io/phase': 'Running', 'workflows.argoproj.io/completed': 'false' },
        annotations: { 'sluice.io/run-id': 'old', note: 'kept' },
      },
    );
    const created = await argo.read(nameOf(await argo.fire('resubmit', named('original'), ['-p', 'b=2'])));
    expect(created.metadata.name).toMatch(/^original-[a-z2-7]{12}$/);
    expect(created.metadata.labels).toMatchObject({
      keep: 'me',
      'workflows.argoproj.io/resubmitted-from-workflow': 'original',
    });
    expect(created.metadata.labels).not.toHaveProperty(['workflows.argoproj.io/phase']);
    expect(created.metadata.annotations).toMatchObject({ note: 'kept' });
    expect(created.metadata.annotations).not.toHaveProperty(['sluice.io/run-id']);
    expect(created.status).toBeUndefined();
    expect(created.spec).toEqual({
      entrypoint: 'm',
      arguments: {
        parameters: [
          { name: 'b', value: '2' },
          { name: 'a', value: '1' },
        ],
      },
    });
  });

  it('skips succeeded nodes with memoized', async () => {
    await argo.existing('memo', {}, failedDag('memo'));
    const created = await argo.read(nameOf(await argo.fire('resubmit', named('memo'), ['--memoized'])));
    const name = created.metadata.name ?? '';
    expect(summariseNodes(name, nodesOf(created))).toEqual({ '': 'Pending', '.a': 'Skipped', '.b': 'Pending' });
    expect(created.status).toMatchObject({ phase: '', storedTemplates: { 'namespaced/x/y': { name: 'y' } } });
    expect(Object.keys(nodesOf(created)).every((id) => id.startsWith(name))).toBe(true);
    await argo.existing('memo-running', {}, { phase: 'Running' });
    const error = await failureOf(argo.fire('resubmit', named('memo-running'), ['--memoized']));
    expect(error).toMatchObject({ code: 'TRIGGER_REFUSED', retryable: false });
  });

  it('resubmits once for one fire', async () => {
    await argo.existing('again', {});
    const first = await argo.fire('resubmit', named('again'), [], { fireId: 'resubmit-once' });
    expect(await argo.fire('resubmit', named('again'), [], { fireId: 'resubmit-once' })).toEqual({
      ...first,
      existed: true,
    });
  });
});

describe('argoWorkflow preview', () => {
  it('shows the exact object without a server', () => {
    const offline = argoWorkflowTrigger.create(
      dependenciesFor({ open: () => Promise.reject(new Error('offline')), close: () => undefined }),
    );
    const template: ArgoWorkflowTriggerTemplate = { source: {}, operation: 'submit', args: ['-p', 'a=1'] };
    const request = createFire('argo', workflow({ generateName: 'p-' }), { template });
    expect(offline.preview?.(request)).toMatchObject({
      operation: 'submit',
      namespace: 'argo',
      object: { kind: 'Workflow', spec: { arguments: { parameters: [{ name: 'a', value: '1' }] } } },
    });
  });
});
