import { podNameOf } from '../../../src/kubernetes/argo/node-names';
import type { KubernetesObject } from '../../../src/kubernetes/kubernetes-object';
import { failureOf } from '../../setup/failure';
import { ArgoTriggerWorld, failedDag, named, nodesOf } from './argo-trigger-world';
import { sketchNodes, summariseNodes } from './node-fixture';

let argo: ArgoTriggerWorld;
beforeAll(async () => {
  argo = await ArgoTriggerWorld.open('argo-change');
});
afterAll(() => argo.close());

describe('argoWorkflow retry', () => {
  it('reruns the failed nodes on the same object and deletes their pods first', async () => {
    const before = await argo.existing(
      'retried',
      { shutdown: 'Stop', activeDeadlineSeconds: 0 },
      failedDag('retried'),
      {
        labels: { 'workflows.argoproj.io/completed': 'true', 'workflows.argoproj.io/phase': 'Failed' },
      },
    );
    const pod = (at: string) => podNameOf('retried', { id: '', name: `retried${at}`, templateName: 'work' });
    for (const name of [pod('.a'), pod('.b')]) {
      await argo.fixture.create({
        apiVersion: 'v1',
        kind: 'Pod',
        metadata: { name },
        spec: { containers: [{ name: 'c', image: 'x' }] },
      });
    }
    const result = await argo.fire('retry', named('retried'), ['-p', 'x=1'], { fireId: 'retry-1' });
    expect(result).toMatchObject({ action: 'retry', object: { uid: before.metadata.uid }, existed: false });
    const after = await argo.read('retried');
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
    const pods = await argo.fixture.list('pods', 'v1');
    expect(pods.map(({ metadata }) => metadata.name)).toEqual([pod('.a')]);
    // The same fire once more, because its answer was lost, finds its own mark.
    expect(await argo.fire('retry', named('retried'), [], { fireId: 'retry-1' })).toMatchObject({ existed: true });
    expect((await failureOf(argo.fire('retry', named('retried')))).code).toBe('TRIGGER_REFUSED');
  });

  it('retries succeeded nodes only with --restart-successful and a selector', async () => {
    const status = { phase: 'Succeeded', nodes: sketchNodes('fine', [{ at: '', type: 'Pod', phase: 'Succeeded' }]) };
    await argo.existing('fine', {}, status);
    const error = await failureOf(argo.fire('retry', named('fine')));
    expect(error.fix).toContain('--restart-successful');
    await argo.fire('retry', named('fine'), ['--restart-successful', '--node-field-selector', 'name=fine']);
    expect((await argo.read('fine')).status).toMatchObject({ phase: '' });
  });

  it('reports an unknown Workflow', async () => {
    const error = await failureOf(argo.fire('retry', named('nothing-there')));
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
    await argo.existing('to-suspend', {}, { phase: 'Running' });
    await argo.fire('suspend', named('to-suspend'));
    const after = await argo.read('to-suspend');
    expect(after.spec).toEqual({ suspend: true });
    await argo.fire('suspend', named('to-suspend'));
    expect((await argo.read('to-suspend')).metadata.resourceVersion).toBe(after.metadata.resourceVersion);
    await argo.existing('ended', {}, {}, { labels: { 'workflows.argoproj.io/completed': 'true' } });
    expect((await failureOf(argo.fire('suspend', named('ended')))).code).toBe('TRIGGER_REFUSED');
  });

  it('resumes every node, with the defaults of missing parameters', async () => {
    await argo.existing('to-resume', { suspend: true }, suspended('to-resume', supplied('yes')));
    await argo.fire('resume', named('to-resume'));
    const after = await argo.read('to-resume');
    expect(after.spec).toEqual({});
    expect(node(after, '.wait')).toMatchObject({
      phase: 'Succeeded',
      message: 'please; Resumed by: map[User:sluice]',
      outputs: { parameters: [{ name: 'ok', value: 'yes' }] },
    });
    expect(node(after, '.other')).toMatchObject({ phase: 'Succeeded' });
    expect(await argo.fire('resume', named('to-resume'))).toMatchObject({ existed: false });
  });

  it('does not resume past a missing approval', async () => {
    await argo.existing('approval', {}, suspended('approval', supplied()));
    const error = await failureOf(argo.fire('resume', named('approval')));
    expect(error).toMatchObject({ code: 'TRIGGER_REFUSED', retryable: false });
    expect(error.message).toContain('"ok"');
  });

  it('resumes or fails single nodes by selector', async () => {
    await argo.existing('by-node', { suspend: true }, suspended('by-node'));
    await argo.fire('resume', named('by-node'), ['--node-field-selector', 'name=by-node.wait']);
    await argo.fire('stop', named('by-node'), ['--node-field-selector', 'displayName=other', '--message', 'refused']);
    const after = await argo.read('by-node');
    expect(after.spec).toEqual({ suspend: true });
    expect(node(after, '.wait')).toMatchObject({ phase: 'Succeeded' });
    expect(node(after, '.other')).toMatchObject({ phase: 'Failed', message: 'refused' });
    const selector = ['--node-field-selector', 'displayName=none'];
    expect((await failureOf(argo.fire('resume', named('by-node'), selector))).message).toContain('displayName=none');
    const wrong = ['--node-field-selector', 'colour=blue'];
    expect((await failureOf(argo.fire('resume', named('by-node'), wrong))).code).toBe('MANIFEST_INVALID');
  });

  it.each([
    ['stop', 'Stop'],
    ['terminate', 'Terminate'],
  ] as const)('%s shuts a Workflow down, a suspended one too', async (operation, shutdown) => {
    await argo.existing(`to-${operation}`, { suspend: true, entrypoint: 'm' }, { phase: 'Running' });
    await argo.fire(operation, named(`to-${operation}`), [], { fireId: `${operation}-1` });
    const after = await argo.read(`to-${operation}`);
    expect(after.spec).toEqual({ entrypoint: 'm', shutdown });
    expect(after.metadata.labels).toMatchObject({ 'workflows.argoproj.io/action': shutdown });
    await argo.fixture.patch('workflows', `to-${operation}`, { status: { phase: 'Failed' } });
    expect(await argo.fire(operation, named(`to-${operation}`), [], { fireId: `${operation}-1` })).toMatchObject({
      existed: true,
    });
    expect((await failureOf(argo.fire(operation, named(`to-${operation}`)))).code).toBe('TRIGGER_REFUSED');
  });

  it('retries after concurrent writes to the same Workflow', async () => {
    await argo.existing('busy', {}, { phase: 'Running' });
    let isWriting = true;
    const others = (async () => {
      for (let count = 0; isWriting; count++)
        await argo.fixture.patch('workflows', 'busy', { metadata: { annotations: { n: `${count}` } } });
    })();
    const results = await Promise.allSettled([1, 2, 3].map(() => argo.fire('suspend', named('busy'))));
    isWriting = false;
    await others;
    // Who loses five times in a row is told that another attempt may win.
    for (const result of results) {
      if (result.status === 'rejected')
        expect(result.reason).toMatchObject({ code: 'TRIGGER_CONFLICT', retryable: true });
    }
    await argo.fire('suspend', named('busy'));
    expect((await argo.read('busy')).spec).toEqual({ suspend: true });
  });
});

describe('argoWorkflow on a Workflow of another controller instance', () => {
  it.each(['stop', 'terminate', 'retry', 'resume', 'suspend', 'resubmit'] as const)(
    'rejects to %s it, unless args name the instance',
    async (operation) => {
      const name = `blue-${operation}`;
      const labels = { 'workflows.argoproj.io/controller-instanceid': 'blue' };
      const phase = operation === 'retry' || operation === 'resubmit' ? 'Failed' : 'Running';
      await argo.existing(name, {}, { phase, nodes: sketchNodes(name, [{ at: '', type: 'Pod', phase }]) }, { labels });
      for (const args of [[], ['--instanceid=green']]) {
        const error = await failureOf(argo.fire(operation, named(name), args));
        expect(error).toMatchObject({ code: 'TRIGGER_REFUSED', fix: 'Write --instanceid=blue into args' });
      }
      await argo.fire(operation, named(name), ['--instanceid=blue']);
    },
  );
});
