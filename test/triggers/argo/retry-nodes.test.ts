import { podNameOf } from '../../../src/kubernetes/argo/node-names';
import { parseNodeSelector } from '../../../src/triggers/argo/node-selector';
import { planNodeRetry, type RetryNodesOptions } from '../../../src/triggers/argo/retry-nodes';
import { sketchNodes, summariseNodes, type NodeSketch } from './node-fixture';

const NOW = '2026-02-02T00:00:00Z';
const retried = { nodeFlag: { retried: true } };

function plan(sketches: readonly NodeSketch[], options: Partial<RetryNodesOptions> = {}) {
  const nodes = sketchNodes('wf', sketches);
  const result = planNodeRetry(nodes, {
    workflowName: 'wf',
    podNameFormat: 'v2',
    hasNewParameters: false,
    now: NOW,
    ...options,
  });
  return { ...result, before: nodes, after: summariseNodes('wf', result.nodes) };
}
const pod = (at: string) => podNameOf('wf', { id: '', name: `wf${at}`, templateName: 'work' });

interface Case {
  readonly what: string;
  readonly nodes: readonly NodeSketch[];
  readonly options?: Partial<RetryNodesOptions>;
  readonly after: Record<string, string>;
  readonly pods: readonly string[];
}

const cases: Case[] = [
  {
    what: 'a failed task of a DAG runs again, what succeeded stays',
    nodes: [
      { at: '', type: 'DAG', phase: 'Failed', children: ['.a'] },
      { at: '.a', type: 'Pod', phase: 'Succeeded', children: ['.b'], within: '' },
      { at: '.b', type: 'Pod', phase: 'Failed', within: '' },
    ],
    after: { '': 'Running', '.a': 'Succeeded' },
    pods: [pod('.b')],
  },
  {
    what: 'in steps, the group of the failed step and the entry node run again, groups before it stay',
    nodes: [
      { at: '', type: 'Steps', phase: 'Failed', children: ['[0]'] },
      { at: '[0]', type: 'StepGroup', phase: 'Succeeded', children: ['[0].first'], within: '' },
      { at: '[0].first', type: 'Pod', phase: 'Succeeded', children: ['[1]'], within: '' },
      { at: '[1]', type: 'StepGroup', phase: 'Failed', children: ['[1].x', '[1].y'], within: '' },
      { at: '[1].x', type: 'Pod', phase: 'Failed', within: '' },
      { at: '[1].y', type: 'Pod', phase: 'Succeeded', within: '' },
    ],
    after: { '': 'Running', '[0]': 'Succeeded', '[0].first': 'Succeeded', '[1]': 'Running', '[1].y': 'Succeeded' },
    pods: [pod('[1].x')],
  },
  {
    what: 'all attempts of a task with retries run again below its Retry node',
    nodes: [
      { at: '', type: 'DAG', phase: 'Failed', children: ['.a'] },
      { at: '.a', type: 'Retry', phase: 'Failed', children: ['.a(0)', '.a(1)'], within: '' },
      { at: '.a(0)', type: 'Pod', phase: 'Failed', within: '', more: retried },
      { at: '.a(1)', type: 'Pod', phase: 'Error', within: '', more: retried },
    ],
    after: { '': 'Running', '.a': 'Running' },
    pods: [pod('.a(0)'), pod('.a(1)')],
  },
  {
    what: 'a failed attempt before a successful one stays as it is',
    nodes: [
      { at: '', type: 'DAG', phase: 'Failed', children: ['.a'] },
      { at: '.a', type: 'Retry', phase: 'Succeeded', children: ['.a(0)', '.a(1)', '.b'], within: '' },
      { at: '.a(0)', type: 'Pod', phase: 'Failed', within: '', more: retried },
      { at: '.a(1)', type: 'Pod', phase: 'Succeeded', within: '', more: retried },
      { at: '.b', type: 'Pod', phase: 'Failed', within: '' },
    ],
    after: { '': 'Running', '.a': 'Succeeded', '.a(0)': 'Failed', '.a(1)': 'Succeeded' },
    pods: [pod('.b')],
  },
  {
    what: 'every template around the failed one is set back',
    nodes: [
      { at: '', type: 'DAG', phase: 'Failed', children: ['.in'] },
      { at: '.in', type: 'DAG', phase: 'Failed', children: ['.in.a', '.in.ok'], within: '' },
      { at: '.in.ok', type: 'Pod', phase: 'Succeeded', within: '.in' },
      { at: '.in.a', type: 'Pod', phase: 'Failed', within: '.in' },
    ],
    after: { '': 'Running', '.in': 'Running', '.in.ok': 'Succeeded' },
    pods: [pod('.in.a')],
  },
  {
    what: 'a Retry around a template is set back with it',
    nodes: [
      { at: '', type: 'DAG', phase: 'Failed', children: ['.r'] },
      { at: '.r', type: 'Retry', phase: 'Failed', children: ['.r(0)'], within: '' },
      { at: '.r(0)', type: 'Steps', phase: 'Failed', children: ['.r(0)[0]'], within: '', more: retried },
      { at: '.r(0)[0]', type: 'StepGroup', phase: 'Failed', children: ['.r(0)[0].a'], within: '.r(0)' },
      { at: '.r(0)[0].a', type: 'Pod', phase: 'Failed', within: '.r(0)' },
    ],
    after: { '': 'Running', '.r': 'Running', '.r(0)': 'Running', '.r(0)[0]': 'Running' },
    pods: [pod('.r(0)[0].a')],
  },
  {
    what: 'the whole pod of a failed container runs again',
    nodes: [
      { at: '', type: 'DAG', phase: 'Failed', children: ['.set'] },
      { at: '.set', type: 'Pod', phase: 'Failed', children: ['.set.one'], within: '' },
      { at: '.set.one', type: 'Container', phase: 'Succeeded', children: ['.set.two'], within: '.set' },
      { at: '.set.two', type: 'Container', phase: 'Failed', within: '.set' },
    ],
    after: { '': 'Running' },
    pods: [pod('.set')],
  },
  {
    what: 'a failure that later tasks succeeded in spite of (continueOn) is left alone',
    nodes: [
      { at: '', type: 'DAG', phase: 'Failed', children: ['.a'] },
      { at: '.a', type: 'Pod', phase: 'Failed', children: ['.b'], within: '' },
      { at: '.b', type: 'Pod', phase: 'Succeeded', children: ['.c'], within: '' },
      { at: '.c', type: 'Pod', phase: 'Failed', within: '' },
    ],
    after: { '': 'Running', '.a': 'Failed', '.b': 'Succeeded' },
    pods: [pod('.c')],
  },
  {
    what: 'the exit handler disappears with its pods',
    nodes: [
      { at: '', type: 'Pod', phase: 'Failed' },
      { at: '.onExit', type: 'Steps', phase: 'Succeeded', children: ['.onExit[0]'] },
      { at: '.onExit[0]', type: 'StepGroup', phase: 'Succeeded', children: ['.onExit[0].tell'], within: '.onExit' },
      { at: '.onExit[0].tell', type: 'Pod', phase: 'Succeeded', within: '.onExit' },
    ],
    after: {},
    pods: ['wf', pod('.onExit'), pod('.onExit[0]'), pod('.onExit[0].tell')],
  },
  {
    what: 'a suspended step that failed is not restarted by itself',
    nodes: [
      { at: '', type: 'DAG', phase: 'Failed', children: ['.wait'] },
      { at: '.wait', type: 'Suspend', phase: 'Failed', within: '' },
    ],
    after: { '': 'Failed', '.wait': 'Failed' },
    pods: [],
  },
  {
    what: 'a selector restarts what succeeded, and everything after it',
    nodes: [
      { at: '', type: 'DAG', phase: 'Succeeded', children: ['.a'] },
      { at: '.a', type: 'Pod', phase: 'Succeeded', children: ['.b'], within: '' },
      { at: '.b', type: 'Pod', phase: 'Succeeded', children: ['.c'], within: '' },
      { at: '.c', type: 'Pod', phase: 'Succeeded', within: '' },
    ],
    options: { restart: parseNodeSelector('name=wf.b') },
    after: { '': 'Running', '.a': 'Succeeded' },
    pods: [pod('.b'), pod('.c')],
  },
  {
    what: 'loops are expanded anew when parameters change',
    nodes: [
      { at: '', type: 'DAG', phase: 'Failed', children: ['.loop'] },
      { at: '.loop', type: 'TaskGroup', phase: 'Failed', children: ['.loop(0:a)', '.loop(1:b)'], within: '' },
      { at: '.loop(0:a)', type: 'Pod', phase: 'Succeeded', within: '' },
      { at: '.loop(1:b)', type: 'Pod', phase: 'Failed', within: '' },
    ],
    options: { hasNewParameters: true },
    after: { '': 'Running', '.loop': 'Running' },
    pods: [pod('.loop(0:a)'), pod('.loop(1:b)')],
  },
  { what: 'a Workflow that failed before it had nodes starts from the beginning', nodes: [], after: {}, pods: [] },
];

describe('retry of a Workflow', () => {
  it.each(cases)('$what', ({ nodes, options, after, pods }) => {
    const result = plan(nodes, options);
    expect(result.after).toEqual(after);
    expect([...result.podsToDelete].sort()).toEqual([...pods].sort());
    const ids = new Set(Object.keys(result.nodes));
    for (const node of Object.values(result.nodes)) {
      expect([...(node.children ?? []), ...(node.outboundNodes ?? [])].filter((id) => !ids.has(id))).toEqual([]);
      if (node.phase !== 'Running') continue;
      expect(node).toMatchObject({ message: '', startedAt: NOW });
      expect(node.finishedAt).toBeUndefined();
    }
  });

  it('uses node ids as pod names for Workflows of the old format', () => {
    const { podsToDelete, before } = plan(cases[0]?.nodes ?? [], { podNameFormat: 'v1' });
    expect(podsToDelete).toEqual([Object.values(before).find(({ name }) => name === 'wf.b')?.id]);
  });

  it.each([
    ['has no parent', [{ at: '.lost', type: 'Pod', phase: 'Failed' }]],
    ['names a child that does not exist', [{ at: '.a', type: 'Pod', phase: 'Failed', children: ['.gone'] }]],
  ] as [string, NodeSketch[]][])('rejects a status in which a node %s', (_what, more) => {
    const entry: NodeSketch = { at: '', type: 'DAG', phase: 'Failed', children: more[0]?.children ? ['.a'] : [] };
    expect(() => plan([entry, ...more])).toThrow(expect.objectContaining({ code: 'TRIGGER_REFUSED' }) as Error);
  });
});
