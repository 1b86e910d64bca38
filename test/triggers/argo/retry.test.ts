import { prepareRetry } from '../../../src/triggers/argo/retry';
import type { Workflow, WorkflowSpec } from '../../../src/triggers/argo/workflow';

const failed = (status: object, spec: WorkflowSpec = {}): Workflow => ({
  apiVersion: 'argoproj.io/v1alpha1',
  kind: 'Workflow',
  metadata: { name: 'wf', labels: { 'workflows.argoproj.io/workflow-archiving-status': 'Archived', keep: 'me' } },
  spec,
  status: { phase: 'Failed', message: 'no', finishedAt: '2026-01-01T00:00:00Z', ...status },
});

describe('retry', () => {
  it('keeps the parameters that only the template knows', () => {
    const workflow = failed({
      storedWorkflowTemplateSpec: {
        entrypoint: 'm',
        shutdown: 'Stop',
        arguments: {
          parameters: [
            { name: 'items', value: 'old' },
            { name: 'epsg', value: '4326' },
          ],
        },
      },
    });
    const options = { parameters: [{ name: 'items', value: 'new' }] };
    const { spec, status } = prepareRetry(workflow, {}, options).retried;
    expect(spec.arguments).toEqual({ parameters: [{ name: 'items', value: 'new' }] });
    expect(status?.storedWorkflowTemplateSpec).toEqual({
      entrypoint: 'm',
      arguments: {
        parameters: [
          { name: 'items', value: 'new' },
          { name: 'epsg', value: '4326' },
        ],
      },
    });
  });

  it('resets the status and keeps everything else', () => {
    const workflow = failed({
      conditions: [
        { type: 'PodRunning', status: 'False' },
        { type: 'Completed', status: 'True' },
      ],
      persistentVolumeClaims: [{ name: 'v' }],
      storedTemplates: { a: {} },
      somethingNew: 'kept',
    });
    const { metadata, status } = prepareRetry(
      workflow,
      {},
      { parameters: [] },
      Date.parse('2026-02-02T00:00:00.5Z'),
    ).retried;
    expect(metadata.labels).toEqual({ keep: 'me' });
    expect(status).toEqual({
      phase: '',
      message: '',
      startedAt: '2026-02-02T00:00:00Z',
      conditions: [
        { type: 'PodRunning', status: 'False' },
        { type: 'Completed', status: 'False' },
      ],
      storedTemplates: { a: {} },
      somethingNew: 'kept',
      nodes: {},
    });
  });

  it.each(['', 'Pending', 'Running', 'Succeeded'])('rejects a Workflow in phase "%s"', (phase) => {
    expect(() => prepareRetry(failed({ phase }), {}, { parameters: [] })).toThrow(
      expect.objectContaining({ code: 'TRIGGER_REFUSED' }) as Error,
    );
  });
});
