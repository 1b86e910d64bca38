import type { TriggerSpec } from '../../../src/manifest/sensor';
import { followsOutcome, isQuick, mayActFirst, triggerDeadline } from '../../../src/sandbox/run/trigger-traits';
import type { FireResult } from '../../../src/contract/fires';

const resource = { source: { resource: { kind: 'Workflow' } } };
const workflow: FireResult = {
  kind: 'object',
  action: 'create',
  object: { apiVersion: 'argoproj.io/v1alpha1', kind: 'Workflow', namespace: 'eo', name: 'a', uid: 'u' },
  existed: false,
};
const trigger = (template: Omit<TriggerSpec['template'], 'name'>, more: Partial<TriggerSpec> = {}): TriggerSpec => ({
  template: { name: 't', ...template },
  ...more,
});

describe('a trigger', () => {
  it.each<[string, TriggerSpec, boolean]>([
    ['creates an object from the manifest quickly', trigger({ k8s: resource }), true],
    ['submits a Workflow from the manifest quickly', trigger({ argoWorkflow: resource }), true],
    ['logs quickly', trigger({ log: {} }), true],
    [
      'may wait for a repository',
      trigger({ k8s: { source: { git: { url: 'u', filePath: 'f', cloneDirectory: 'd' } } } }),
      false,
    ],
    ['may wait for a web server', trigger({ http: { url: 'http://x' } }), false],
    ['waits for its rate limit', trigger({ log: {} }, { rateLimit: { requestsPerUnit: 1 } }), false],
    ['waits for labels', trigger({ k8s: resource }, { policy: { k8s: { labels: { a: 'b' } } } }), false],
  ])('%s', (_name, spec, quick) => {
    expect(isQuick(spec)).toBe(quick);
  });

  const living = (fields: Record<string, Record<string, number>>) => ({
    source: { resource: { kind: 'Workflow', spec: fields } },
  });
  it.each<[string, TriggerSpec, boolean]>([
    ['that creates an object', trigger({ k8s: resource }), true],
    ['that submits a Workflow', trigger({ argoWorkflow: { ...resource, operation: 'submit' } }), true],
    ['that creates an object written as text', trigger({ k8s: { source: { inline: 'kind: Pod' } } }), true],
    ['that logs', trigger({ log: {} }), true],
    [
      'that lets its Workflow live for a day',
      trigger({ k8s: living({ ttlStrategy: { secondsAfterCompletion: 86400 } }) }),
      true,
    ],
    ['that retries', trigger({ k8s: resource }, { retryStrategy: { steps: 3 } }), true],
    [
      'whose Workflow is deleted after a minute',
      trigger({ k8s: living({ ttlStrategy: { secondsAfterSuccess: 60 } }) }),
      false,
    ],
    [
      'whose Job is deleted at once',
      trigger({ k8s: { source: { inline: 'spec:\n  ttlSecondsAfterFinished: 0' } } }),
      false,
    ],
    ['that changes an object', trigger({ k8s: { ...resource, operation: 'patch' } }), false],
    ['that deletes an object', trigger({ k8s: { ...resource, operation: 'delete' } }), false],
    ['that resubmits', trigger({ argoWorkflow: { ...resource, operation: 'resubmit' } }), false],
    [
      'whose operation a parameter may change',
      trigger({ k8s: resource }, { parameters: [{ src: { dependencyName: 'a' }, dest: 'k8s.operation' }] }),
      false,
    ],
    ['that has a rate limit', trigger({ k8s: resource }, { rateLimit: { requestsPerUnit: 1 } }), false],
    ['that waits for labels', trigger({ k8s: resource }, { policy: { k8s: { labels: { a: 'b' } } } }), false],
    ['whose resource is fetched', trigger({ k8s: { source: { url: { path: 'http://x' } } } }), false],
    ['that calls a server', trigger({ http: { url: 'http://x' } }), false],
  ])('%s: attempted before its run is started, or not', (_name, spec, first) => {
    expect(mayActFirst(spec)).toBe(first);
  });

  it('may take as long as its timeout and its policy', () => {
    const polled = trigger(
      { k8s: resource },
      { policy: { k8s: { labels: {}, backoff: { duration: '10s', steps: 3 } } } },
    );
    expect(triggerDeadline(polled) - triggerDeadline(trigger({ k8s: resource }))).toBe(30_000);
    expect(triggerDeadline(trigger({ http: { url: 'http://x', timeout: 300 } }))).toBeGreaterThan(300_000);
  });

  it.each<[string, TriggerSpec, FireResult, boolean]>([
    ['that creates a Workflow has an outcome', trigger({ k8s: { ...resource, operation: 'create' } }), workflow, true],
    ['that submits one has an outcome', trigger({ argoWorkflow: resource }), workflow, true],
    ['that stops one has none', trigger({ argoWorkflow: { ...resource, operation: 'stop' } }), workflow, false],
    [
      'that creates another kind has none',
      trigger({ k8s: resource }),
      { ...workflow, object: { ...workflow.object, apiVersion: 'v1', kind: 'Pod' } },
      false,
    ],
    [
      'that calls a server has none',
      trigger({ http: { url: 'http://x' } }),
      { kind: 'response', summary: '200' },
      false,
    ],
  ])('%s', (_name, spec, result, follows) => {
    expect(followsOutcome(spec, result)).toBe(follows);
  });
});
