import { gzipSync } from 'node:zlib';
import { startKubernetes } from '../../dev/servers';
import { createKubernetesAccess } from '../../src/kubernetes/access';
import type { KubernetesObject } from '../../src/kubernetes/kubernetes-object';
import { referenceTo } from '../../src/kubernetes/kubernetes-object';
import { SharedWatches } from '../../src/kubernetes/shared-watch';
import {
  readWorkflowOutcome,
  watchWorkflowOutcomes,
  type WatchOutcomesOptions,
  type WorkflowOutcome,
} from '../../src/kubernetes/workflow-outcomes';
import { eventually } from '../setup/eventually';
import { ARGO, openClusterFixture, type ClusterFixture } from './cluster-fixture';

let fixture: ClusterFixture;
beforeAll(async () => {
  fixture = await openClusterFixture('outcomes');
});
afterAll(() => fixture.close());

/** A watch that runs beside the test and keeps what it yields. */
function follow(sensor: string, options: Partial<WatchOutcomesOptions> = {}) {
  const abort = new AbortController();
  const outcomes: WorkflowOutcome[] = [];
  let position: string | undefined;
  const ended = (async () => {
    for await (const outcome of watchWorkflowOutcomes({
      cluster: fixture.cluster,
      sensorName: sensor,
      namespace: fixture.namespace,
      signal: abort.signal,
      onPosition: (version) => (position = version),
      ...options,
    })) {
      outcomes.push(outcome);
    }
  })();
  return {
    outcomes,
    ended,
    position: () => eventually(() => position),
    of: (fireId: string) => eventually(() => outcomes.find((outcome) => outcome.fireId === fireId)),
    stop: async () => {
      abort.abort();
      await ended;
    },
  };
}

function start(sensor: string, fireId: string, name = fireId): Promise<KubernetesObject> {
  return fixture.create({
    apiVersion: ARGO,
    kind: 'Workflow',
    metadata: {
      name,
      labels: { 'events.argoproj.io/sensor': sensor },
      annotations: { 'sluice.io/fire-id': fireId, 'sluice.io/run-id': `run-of-${fireId}` },
    },
    spec: {},
  });
}
const setStatus = (name: string, status: unknown) => fixture.patch('workflows', name, { status });
const SUCCEEDED = { phase: 'Succeeded', startedAt: '2026-01-01T00:00:00Z', finishedAt: '2026-01-01T00:00:05Z' };

describe('the outcome watch', () => {
  it('reports the outcome of each Workflow of its sensor once, with output parameters and duration', async () => {
    const watch = follow('ends');
    const created = await start('ends', 'w-1');
    await start('another-sensor', 'other');
    await setStatus('other', SUCCEEDED);
    await setStatus('w-1', { phase: 'Running', startedAt: SUCCEEDED.startedAt });
    await setStatus('w-1', {
      ...SUCCEEDED,
      progress: '2/2',
      outputs: { parameters: [{ name: 'global', value: 'g' }] },
      nodes: {
        'w-1': {
          id: 'w-1',
          name: 'w-1',
          type: 'Steps',
          outputs: { parameters: [{ name: 'catalog', value: 's3://x' }] },
        },
      },
    });
    expect(await watch.of('w-1')).toEqual({
      object: referenceTo(created),
      fireId: 'w-1',
      runId: 'run-of-w-1',
      phase: 'Succeeded',
      message: '',
      startedAt: SUCCEEDED.startedAt,
      finishedAt: SUCCEEDED.finishedAt,
      durationMs: 5_000,
      outputs: { global: 'g', catalog: 's3://x' },
      progress: '2/2',
      afterRetry: false,
    });
    // What happens to it afterwards is no second end.
    await fixture.patch('workflows', 'w-1', { metadata: { labels: { archived: 'yes' } } });
    await fixture.remove('workflows', 'w-1');
    await start('ends', 'w-last');
    await setStatus('w-last', SUCCEEDED);
    await watch.of('w-last');
    expect(watch.outcomes.map(({ fireId }) => fireId)).toEqual(['w-1', 'w-last']);
    await watch.stop();
  });

  it('finds the reason in the failed nodes, even compressed, if the Workflow has no message', async () => {
    const watch = follow('reasons');
    const nodes = {
      dag: { id: 'dag', name: 'f-1', type: 'DAG', phase: 'Failed' },
      pod: {
        id: 'pod',
        name: 'f-1.crop',
        displayName: 'crop',
        type: 'Pod',
        templateName: 'crop',
        phase: 'Failed',
        message: 'OOMKilled (exit code 137)',
      },
    };
    await start('reasons', 'f-1');
    await setStatus('f-1', { phase: 'Failed', finishedAt: SUCCEEDED.finishedAt, nodes });
    await start('reasons', 'f-2');
    const compressedNodes = gzipSync(JSON.stringify(nodes)).toString('base64');
    await setStatus('f-2', { phase: 'Failed', finishedAt: SUCCEEDED.finishedAt, compressedNodes });
    await start('reasons', 'f-3');
    await setStatus('f-3', { phase: 'Error', finishedAt: SUCCEEDED.finishedAt, message: 'invalid spec: x' });
    expect((await watch.of('f-1')).message).toMatch(/^crop: OOMKilled \(exit code 137\) \(pod f-1-crop-\d+\)$/);
    expect((await watch.of('f-2')).message).toContain('crop: OOMKilled');
    expect(await watch.of('f-3')).toMatchObject({ phase: 'Error', message: 'invalid spec: x' });
    await watch.stop();
  });

  it('reports that a running Workflow was deleted', async () => {
    const watch = follow('deletions');
    await start('deletions', 'd-1');
    await setStatus('d-1', { phase: 'Running' });
    await fixture.remove('workflows', 'd-1');
    expect(await watch.of('d-1')).toMatchObject({ phase: 'Deleted', message: 'deleted while Running' });
    await watch.stop();
  });

  it('resumes where another watch stopped and misses nothing in between', async () => {
    const before = follow('handover');
    await start('handover', 'h-1');
    await setStatus('h-1', SUCCEEDED);
    await before.of('h-1');
    const resourceVersion = await before.position();
    await before.stop();
    await start('handover', 'h-2');
    await setStatus('h-2', SUCCEEDED);
    await start('handover', 'h-3');
    await fixture.remove('workflows', 'h-3');
    const after = follow('handover', { resourceVersion });
    await after.of('h-3');
    expect(after.outcomes.map(({ fireId, phase }) => `${fireId} ${phase}`)).toEqual(['h-2 Succeeded', 'h-3 Deleted']);
    await after.stop();
  });

  it('lists again when the server no longer knows the position', async () => {
    await start('forgotten', 'o-1');
    await setStatus('o-1', SUCCEEDED);
    const watch = follow('forgotten', { resourceVersion: '1' });
    expect(await watch.of('o-1')).toMatchObject({ phase: 'Succeeded' });
    await watch.stop();
  });

  it('reports the second outcome of a retried Workflow', async () => {
    const watch = follow('retries');
    await start('retries', 'r-1');
    await setStatus('r-1', { phase: 'Failed', finishedAt: '2026-01-01T00:00:05Z', message: 'no' });
    await watch.of('r-1');
    await setStatus('r-1', { phase: '', finishedAt: null, message: '' });
    await setStatus('r-1', { phase: 'Succeeded', finishedAt: '2026-01-01T00:01:00Z' });
    await eventually(() => watch.outcomes.length === 2);
    expect(watch.outcomes.map(({ phase, afterRetry }) => [phase, afterRetry])).toEqual([
      ['Failed', false],
      ['Succeeded', true],
    ]);
    await watch.stop();
  });

  it('throws on a permanent failure', async () => {
    const created = new SharedWatches(fixture.cluster.client, '=!bad');
    const watch = follow('any', { cluster: { created } });
    await expect(watch.ended).rejects.toMatchObject({ code: 'KUBERNETES_REFUSED', retryable: false });
  });
});

describe('an outcome watch through an outage of the API server', () => {
  it('continues by itself and reports outcomes from the meantime', async () => {
    const own = await startKubernetes({ own: true });
    const access = createKubernetesAccess({ kubeconfigPath: own.kubeconfigPath });
    try {
      const cluster = await access.open();
      const interruptions: string[] = [];
      const watch = follow('outage', {
        cluster,
        namespace: 'default',
        onInterrupted: ({ code }) => interruptions.push(code),
      });
      const path = `/apis/${ARGO}/namespaces/default/workflows`;
      const metadata = {
        name: 'w',
        labels: { 'events.argoproj.io/sensor': 'outage' },
        annotations: { 'sluice.io/fire-id': 'w' },
      };
      await cluster.client.request({
        method: 'POST',
        path,
        body: { apiVersion: ARGO, kind: 'Workflow', metadata, spec: {} },
      });
      await watch.position();
      await own.stopKeepingData();
      await eventually(() => interruptions.length > 0);
      await own.restart();
      const body = { status: SUCCEEDED };
      const patch = { method: 'PATCH', path: `${path}/w`, contentType: 'application/merge-patch+json', body } as const;
      await eventually(() => cluster.client.request<KubernetesObject>(patch));
      expect(await watch.of('w')).toMatchObject({ phase: 'Succeeded' });
      await watch.stop();
    } finally {
      access.close();
      await own.stop();
    }
  });
});

describe('reading one Workflow', () => {
  it('distinguishes running, completed, deleted and replaced ones', async () => {
    const reference = referenceTo(await start('look', 'l-1'));
    const look = () => readWorkflowOutcome(fixture.cluster.client, reference, 'l-1');
    expect(await look()).toBeUndefined();
    await setStatus('l-1', SUCCEEDED);
    expect(await look()).toMatchObject({ phase: 'Succeeded', fireId: 'l-1' });
    await fixture.remove('workflows', 'l-1');
    expect(await look()).toMatchObject({ phase: 'Unknown' });
    await start('look', 'l-1');
    await setStatus('l-1', SUCCEEDED);
    expect(await look()).toMatchObject({ phase: 'Unknown' });
  });
});
