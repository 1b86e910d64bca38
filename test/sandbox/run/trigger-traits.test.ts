import type { TriggerSpec } from '../../../src/manifest/sensor';
import {
  callDeadline,
  firstAttemptOf,
  followsOutcome,
  isQuick,
  triggerDeadline,
  type FirstAttempt,
} from '../../../src/sandbox/run/trigger-traits';
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
  it.each<[string, TriggerSpec, FirstAttempt | undefined]>([
    ['that creates an object', trigger({ k8s: resource }), 'repeatable'],
    ['that submits a Workflow', trigger({ argoWorkflow: { ...resource, operation: 'submit' } }), 'repeatable'],
    ['that creates an object written as text', trigger({ k8s: { source: { inline: 'kind: Pod' } } }), 'repeatable'],
    ['that logs', trigger({ log: {} }), 'repeatable'],
    [
      'that lets its Workflow live for a day',
      trigger({ k8s: living({ ttlStrategy: { secondsAfterCompletion: 86400 } }) }),
      'repeatable',
    ],
    ['that retries', trigger({ k8s: resource }, { retryStrategy: { steps: 3 } }), 'repeatable'],
    [
      'whose Workflow is deleted after a minute',
      trigger({ k8s: living({ ttlStrategy: { secondsAfterSuccess: 60 } }) }),
      undefined,
    ],
    [
      'whose Job is deleted at once',
      trigger({ k8s: { source: { inline: 'spec:\n  ttlSecondsAfterFinished: 0' } } }),
      undefined,
    ],
    ['that changes an object', trigger({ k8s: { ...resource, operation: 'patch' } }), undefined],
    ['that deletes an object', trigger({ k8s: { ...resource, operation: 'delete' } }), undefined],
    ['that resubmits', trigger({ argoWorkflow: { ...resource, operation: 'resubmit' } }), undefined],
    [
      'whose operation a parameter may change',
      trigger({ k8s: resource }, { parameters: [{ src: { dependencyName: 'a' }, dest: 'k8s.operation' }] }),
      undefined,
    ],
    ['that has a rate limit', trigger({ k8s: resource }, { rateLimit: { requestsPerUnit: 1 } }), undefined],
    ['that waits for labels', trigger({ k8s: resource }, { policy: { k8s: { labels: { a: 'b' } } } }), undefined],
    ['whose resource is fetched', trigger({ k8s: { source: { url: { path: 'http://x' } } } }), undefined],
    ['that calls a server', trigger({ http: { url: 'http://x' } }), 'noted'],
    [
      'that calls a server within a rate limit',
      trigger({ http: { url: 'http://x' } }, { rateLimit: { requestsPerUnit: 1 } }),
      undefined,
    ],
  ])('%s: attempted before its run is started, with or without a note on the bus, or not', (_name, spec, first) => {
    expect(firstAttemptOf(spec)).toBe(first);
  });

  it.each<[string, number | undefined, number]>([
    ['as long as it says', 5, 20_000],
    ['a minute by default', undefined, 75_000],
    ['a minute if it says 0, which is none', 0, 75_000],
    ['no longer than Node can wait', 2 ** 50, 2 ** 31 - 1],
  ])('gives a target, and itself to prepare the call, %s', (_name, timeout, milliseconds) => {
    expect(callDeadline(trigger({ http: { url: 'http://x', ...(timeout !== undefined && { timeout }) } }))).toBe(
      milliseconds,
    );
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
