import type { JsonObject } from '../../src/event/json';
import { podNameOf } from '../../src/kubernetes/argo/node-names';
import type { KubernetesObject } from '../../src/kubernetes/kubernetes-object';
import type { ArgoWorkflowOperation, ArgoWorkflowTriggerTemplate } from '../../src/manifest/triggers/kubernetes';
import { argoWorkflowTrigger } from '../../src/triggers/argo-workflow';
import type { FireRequest, FireResult, Trigger } from '../../src/triggers/trigger';
import { ARGO, openClusterFixture, type ClusterFixture } from '../kubernetes/cluster-fixture';
import { failureOf } from '../setup/failure';
import { sketchNodes, summariseNodes } from './argo/node-fixture';
import { createFire, dependenciesFor } from './object-fire';
import type { WorkflowNodes } from '../../src/kubernetes/argo/workflow-status';

let fixture: ClusterFixture;
let trigger: Trigger<ArgoWorkflowTriggerTemplate>;
beforeAll(async () => {
  fixture = await openClusterFixture('argo-trigger');
  trigger = argoWorkflowTrigger.create(dependenciesFor(fixture.access));
});
afterAll(async () => {
  await trigger.close();
  await fixture.close();
});

let fires = 0;
/** Every call is another fire, unless `fireId` says which. */
function fire(
  operation: ArgoWorkflowOperation | undefined,
  resource: JsonObject,
  args: string[] = [],
  fields: Partial<FireRequest<ArgoWorkflowTriggerTemplate>> = {},
): Promise<FireResult> {
  const template: ArgoWorkflowTriggerTemplate = { source: {}, operation, args };
  fires += 1;
  return trigger.fire(createFire(fixture.namespace, resource, { fireId: `argo-fire-${fires}`, ...fields, template }));
}
const nameOf = (result: FireResult) => (result.kind === 'object' ? result.object.name : '');
const named = (name: string, kind = 'Workflow'): JsonObject => ({ apiVersion: ARGO, kind, metadata: { name } });
const workflow = (metadata: JsonObject, spec: JsonObject = {}): JsonObject => ({
  apiVersion: ARGO,
  kind: 'Workflow',
  metadata,
  spec: { workflowTemplateRef: { name: 'detect' }, ...spec },
});
/** A Workflow as the controller has left it. */
const existing = (name: string, spec: object, status?: object, metadata: object = {}): Promise<KubernetesObject> =>
  fixture.create({
    apiVersion: ARGO,
    kind: 'Workflow',
    metadata: { name, ...metadata },
    spec,
    ...(status ? { status } : {}),
  });
const read = (name: string) => fixture.read('workflows', name);

describe('argoWorkflow submit', () => {
  it('creates the Workflow with the options of the command line and the marks of the fire', async () => {
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
    const result = await fire(undefined, source, args);
    expect(result).toMatchObject({ kind: 'object', action: 'submit', existed: false });
    const created = await read(nameOf(result));
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
    const first = await fire('submit', source, [], { fireId: 'same' });
    const second = await fire('submit', source, [], { fireId: 'same' });
    expect(second).toEqual({ ...first, existed: true });
  });

  it.each([
    ['has no name', workflow({}), [], 'generateName'],
    ['has a name that Argo refuses', workflow({ name: 'n'.repeat(64) }), [], '63'],
    [
      'has templates beside workflowTemplateRef',
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
    ['is no Workflow', named('a', 'CronWorkflow'), [], 'CronWorkflow'],
  ] as [string, JsonObject, string[], string][])('refuses a source that %s', async (_what, source, args, text) => {
    const error = await failureOf(fire('submit', source, args));
    expect(error).toMatchObject({ code: 'TRIGGER_REFUSED', retryable: false });
    expect(error.message).toContain(text);
  });

  it('waits for the labels of a policy, which Argo Events cannot', async () => {
    const policy = {
      k8s: { labels: { b: 'yes' }, backoff: { duration: '10ms', steps: 2 }, errorOnBackoffTimeout: true },
    };
    const source = workflow({ generateName: 'policy-' });
    expect((await failureOf(fire('submit', source, [], { policy }))).code).toBe('TRIGGER_POLICY_FAILED');
    await fire('submit', workflow({ generateName: 'policy-', labels: { b: 'yes' } }), [], { policy });
  });
});

describe('argoWorkflow submit-from', () => {
  it('starts a WorkflowTemplate by reference', async () => {
    await fixture.create({
      apiVersion: ARGO,
      kind: 'WorkflowTemplate',
      metadata: { name: 'from-template' },
      spec: { arguments: { parameters: [{ name: 'items' }, { name: 'aoi', value: 'x', enum: ['x', 'y'] }] } },
    });
    const source = named('from-template', 'WorkflowTemplate');
    const created = await read(nameOf(await fire('submit-from', source, ['-p', 'items=1', '--priority=3'])));
    expect(created.metadata.generateName).toBe('from-template-');
    expect(created.metadata.labels).toMatchObject({ 'workflows.argoproj.io/workflow-template': 'from-template' });
    expect(created.spec).toEqual({
      workflowTemplateRef: { name: 'from-template' },
      arguments: { parameters: [{ name: 'items', value: '1' }] },
    });
    expect((await failureOf(fire('submit-from', source))).message).toContain('"items"');
    expect((await failureOf(fire('submit-from', source, ['-p', 'items=1', '-p', 'aoi=z']))).message).toContain('"aoi"');
    expect((await failureOf(fire('submit-from', named('none', 'WorkflowTemplate')))).message).toContain('none');
    expect((await failureOf(fire('submit-from', named('x', 'ConfigMap')))).code).toBe('TRIGGER_REFUSED');
  });

  it('starts a ClusterWorkflowTemplate by reference', async () => {
    const { client } = fixture.cluster;
    const path = `/apis/${ARGO}/clusterworkflowtemplates`;
    const name = `${fixture.namespace}-cwft`;
    const body = { apiVersion: ARGO, kind: 'ClusterWorkflowTemplate', metadata: { name }, spec: {} };
    await client.request({ method: 'POST', path, body });
    const created = await read(nameOf(await fire('submit-from', named(name, 'ClusterWorkflowTemplate'))));
    expect(created.spec).toEqual({ workflowTemplateRef: { name, clusterScope: true } });
    await client.request({ method: 'DELETE', path: `${path}/${name}` });
  });

  it('expands a CronWorkflow and makes it the owner', async () => {
    const cron = await fixture.create({
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
    const created = await read(nameOf(await fire('submit-from', named('nightly', 'CronWorkflow'), args)));
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

const FAILED_DAG = (name: string) => ({
  phase: 'Failed',
  startedAt: '2026-01-01T00:00:00Z',
  finishedAt: '2026-01-01T00:01:00Z',
  conditions: [{ type: 'Completed', status: 'True' }],
  storedTemplates: { 'namespaced/x/y': { name: 'y' } },
  nodes: sketchNodes(name, [
    { at: '', type: 'DAG', phase: 'Failed', children: ['.a'] },
    { at: '.a', type: 'Pod', phase: 'Succeeded', children: ['.b'], within: '' },
    { at: '.b', type: 'Pod', phase: 'Failed', within: '' },
  ]),
});
const nodesOf = (object: KubernetesObject) => (object.status as { nodes: WorkflowNodes }).nodes;

describe('argoWorkflow resubmit', () => {
  it('creates the same Workflow again, without what belonged to the old life', async () => {
    await existing(
      'original',
      { entrypoint: 'm', shutdown: 'Stop', arguments: { parameters: [{ name: 'a', value: '1' }] } },
      { phase: 'Running' },
      {
        generateName: 'original-',
        labels: { keep: 'me', 'workflows.argoproj.io/phase': 'Running', 'workflows.argoproj.io/completed': 'false' },
        annotations: { 'sluice.io/run-id': 'old', note: 'kept' },
      },
    );
    const created = await read(nameOf(await fire('resubmit', named('original'), ['-p', 'b=2'])));
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

  it('memoized skips what had succeeded', async () => {
    await existing('memo', {}, FAILED_DAG('memo'));
    const created = await read(nameOf(await fire('resubmit', named('memo'), ['--memoized'])));
    const name = created.metadata.name ?? '';
    expect(summariseNodes(name, nodesOf(created))).toEqual({ '': 'Pending', '.a': 'Skipped', '.b': 'Pending' });
    expect(created.status).toMatchObject({ phase: '', storedTemplates: { 'namespaced/x/y': { name: 'y' } } });
    expect(Object.keys(nodesOf(created)).every((id) => id.startsWith(name))).toBe(true);
    await existing('memo-running', {}, { phase: 'Running' });
    const error = await failureOf(fire('resubmit', named('memo-running'), ['--memoized']));
    expect(error).toMatchObject({ code: 'TRIGGER_REFUSED', retryable: false });
  });

  it('resubmits once for one fire', async () => {
    await existing('again', {});
    const first = await fire('resubmit', named('again'), [], { fireId: 'resubmit-once' });
    expect(await fire('resubmit', named('again'), [], { fireId: 'resubmit-once' })).toEqual({
      ...first,
      existed: true,
    });
  });
});

describe('argoWorkflow retry', () => {
  it('runs the failed part again on the same object and deletes its pods first', async () => {
    const before = await existing('retried', { shutdown: 'Stop', activeDeadlineSeconds: 0 }, FAILED_DAG('retried'), {
      labels: { 'workflows.argoproj.io/completed': 'true', 'workflows.argoproj.io/phase': 'Failed' },
    });
    const pod = (at: string) => podNameOf('retried', { id: '', name: `retried${at}`, templateName: 'work' });
    for (const name of [pod('.a'), pod('.b')]) {
      await fixture.create({
        apiVersion: 'v1',
        kind: 'Pod',
        metadata: { name },
        spec: { containers: [{ name: 'c', image: 'x' }] },
      });
    }
    const result = await fire('retry', named('retried'), ['-p', 'x=1'], { fireId: 'retry-1' });
    expect(result).toMatchObject({ action: 'retry', object: { uid: before.metadata.uid }, existed: false });
    const after = await read('retried');
    expect(after.spec).toEqual({ arguments: { parameters: [{ name: 'x', value: '1' }] } });
    expect(after.metadata.labels).toEqual({
      'workflows.argoproj.io/phase': 'Failed',
      'workflows.argoproj.io/actor': 'sluice',
      'workflows.argoproj.io/action': 'Retry',
    });
    expect(after.status).toMatchObject({
      phase: '',
      message: '',
      conditions: [{ type: 'Completed', status: 'False' }],
    });
    expect(summariseNodes('retried', nodesOf(after))).toEqual({ '': 'Running', '.a': 'Succeeded' });
    const pods = await fixture.list('pods', 'v1');
    expect(pods.map(({ metadata }) => metadata.name)).toEqual([pod('.a')]);
    // The same fire once more, because its answer was lost, finds its own mark.
    expect(await fire('retry', named('retried'), [], { fireId: 'retry-1' })).toMatchObject({ existed: true });
    expect((await failureOf(fire('retry', named('retried')))).code).toBe('TRIGGER_REFUSED');
  });

  it('retries what succeeded only with --restart-successful and a selector', async () => {
    const status = { phase: 'Succeeded', nodes: sketchNodes('fine', [{ at: '', type: 'Pod', phase: 'Succeeded' }]) };
    await existing('fine', {}, status);
    const error = await failureOf(fire('retry', named('fine')));
    expect(error.fix).toContain('--restart-successful');
    await fire('retry', named('fine'), ['--restart-successful', '--node-field-selector', 'name=fine']);
    expect((await read('fine')).status).toMatchObject({ phase: '' });
  });

  it('says when there is no such Workflow', async () => {
    const error = await failureOf(fire('retry', named('nothing-there')));
    expect(error).toMatchObject({ code: 'TRIGGER_REFUSED', retryable: false });
    expect(error.message).toContain('nothing-there');
  });
});

describe('argoWorkflow suspend, resume, stop and terminate', () => {
  const suspended = (name: string, outputs?: object) => ({
    phase: 'Running',
    nodes: sketchNodes(name, [
      { at: '', type: 'DAG', phase: 'Running', children: ['.wait', '.other'] },
      { at: '.wait', type: 'Suspend', phase: 'Running', within: '', more: { message: 'please', ...outputs } },
      { at: '.other', type: 'Suspend', phase: 'Running', within: '' },
    ]),
  });
  const supplied = (fallback?: string) => ({
    outputs: { parameters: [{ name: 'ok', valueFrom: { supplied: {}, ...(fallback ? { default: fallback } : {}) } }] },
  });
  const node = (object: KubernetesObject, at: string) =>
    Object.values(nodesOf(object)).find(({ name }) => name === `${object.metadata.name ?? ''}${at}`);

  it('suspends a running Workflow, once', async () => {
    await existing('to-suspend', {}, { phase: 'Running' });
    await fire('suspend', named('to-suspend'));
    const after = await read('to-suspend');
    expect(after.spec).toEqual({ suspend: true });
    await fire('suspend', named('to-suspend'));
    expect((await read('to-suspend')).metadata.resourceVersion).toBe(after.metadata.resourceVersion);
    await existing('ended', {}, {}, { labels: { 'workflows.argoproj.io/completed': 'true' } });
    expect((await failureOf(fire('suspend', named('ended')))).code).toBe('TRIGGER_REFUSED');
  });

  it('resumes everything, with the defaults of what nobody supplied', async () => {
    await existing('to-resume', { suspend: true }, suspended('to-resume', supplied('yes')));
    await fire('resume', named('to-resume'));
    const after = await read('to-resume');
    expect(after.spec).toEqual({});
    expect(node(after, '.wait')).toMatchObject({
      phase: 'Succeeded',
      message: 'please; Resumed by: map[User:sluice]',
      outputs: { parameters: [{ name: 'ok', value: 'yes' }] },
    });
    expect(node(after, '.other')).toMatchObject({ phase: 'Succeeded' });
    expect(await fire('resume', named('to-resume'))).toMatchObject({ existed: false });
  });

  it('does not resume past an approval that nobody gave', async () => {
    await existing('approval', {}, suspended('approval', supplied()));
    const error = await failureOf(fire('resume', named('approval')));
    expect(error).toMatchObject({ code: 'TRIGGER_REFUSED', retryable: false });
    expect(error.message).toContain('"ok"');
  });

  it('resumes or fails single nodes by selector', async () => {
    await existing('by-node', { suspend: true }, suspended('by-node'));
    await fire('resume', named('by-node'), ['--node-field-selector', 'name=by-node.wait']);
    await fire('stop', named('by-node'), ['--node-field-selector', 'displayName=other', '--message', 'refused']);
    const after = await read('by-node');
    expect(after.spec).toEqual({ suspend: true });
    expect(node(after, '.wait')).toMatchObject({ phase: 'Succeeded' });
    expect(node(after, '.other')).toMatchObject({ phase: 'Failed', message: 'refused' });
    const selector = ['--node-field-selector', 'displayName=none'];
    expect((await failureOf(fire('resume', named('by-node'), selector))).message).toContain('displayName=none');
    const wrong = ['--node-field-selector', 'colour=blue'];
    expect((await failureOf(fire('resume', named('by-node'), wrong))).code).toBe('MANIFEST_INVALID');
  });

  it.each([
    ['stop', 'Stop'],
    ['terminate', 'Terminate'],
  ] as const)('%s shuts a Workflow down, a suspended one too', async (operation, shutdown) => {
    await existing(`to-${operation}`, { suspend: true, entrypoint: 'm' }, { phase: 'Running' });
    await fire(operation, named(`to-${operation}`), [], { fireId: `${operation}-1` });
    const after = await read(`to-${operation}`);
    expect(after.spec).toEqual({ entrypoint: 'm', shutdown });
    expect(after.metadata.labels).toMatchObject({ 'workflows.argoproj.io/action': shutdown });
    await fixture.patch('workflows', `to-${operation}`, { status: { phase: 'Failed' } });
    expect(await fire(operation, named(`to-${operation}`), [], { fireId: `${operation}-1` })).toMatchObject({
      existed: true,
    });
    expect((await failureOf(fire(operation, named(`to-${operation}`)))).code).toBe('TRIGGER_REFUSED');
  });

  it('survives others who write the same Workflow', async () => {
    await existing('busy', {}, { phase: 'Running' });
    let isWriting = true;
    const others = (async () => {
      for (let count = 0; isWriting; count++)
        await fixture.patch('workflows', 'busy', { metadata: { annotations: { n: `${count}` } } });
    })();
    const results = await Promise.allSettled([1, 2, 3].map(() => fire('suspend', named('busy'))));
    isWriting = false;
    await others;
    // Who loses five times in a row is told that another attempt may win.
    for (const result of results) {
      if (result.status === 'rejected')
        expect(result.reason).toMatchObject({ code: 'TRIGGER_CONFLICT', retryable: true });
    }
    await fire('suspend', named('busy'));
    expect((await read('busy')).spec).toEqual({ suspend: true });
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
