import { summarizeNodes } from '../../../src/kubernetes/argo/node-summary';
import { outcomeMessage, readOutputs } from '../../../src/kubernetes/argo/outcome-text';
import { readableStatus } from '../../../src/kubernetes/argo/readable-status';
import type { WorkflowStatus } from '../../../src/kubernetes/argo/workflow-status';

const summaryOf = ({ nodes }: WorkflowStatus) => summarizeNodes(nodes, { name: 'w', podNameFormat: 'v2' });

describe('the status of a Workflow that its controller did not write', () => {
  it.each([
    null,
    'Failed',
    [],
    { phase: 7, nodes: 'none', outputs: null },
    { outputs: { parameters: [null, 'x', { value: 'no name' }, { name: 'a', value: { b: 1 } }] } },
    { phase: 'Failed', nodes: { w: null, x: { id: 'x', name: 'x', type: 'Pod', message: {} } } },
    { phase: 'Failed', compressedNodes: 'bm90aGluZw==' },
  ])('%j is read as far as it can be', (odd) => {
    const status = readableStatus(odd);
    expect(readOutputs(status, summaryOf(status))).toEqual({});
    expect(outcomeMessage(status, summaryOf(status))).toBe('');
  });

  it('keeps valid parts next to invalid ones, under any names', () => {
    const parameters = [null, { name: '__proto__', value: 'p' }, { name: 'a', value: '1' }];
    const status = readableStatus({ phase: 'Failed', nodes: { w: { id: 'w', name: 'w', type: 'Pod', phase: 'Failed', message: 'no disk' }, x: 1 }, outputs: { parameters } }); // prettier-ignore
    expect(Object.entries(readOutputs(status, summaryOf(status)))).toEqual([
      ['__proto__', 'p'],
      ['a', '1'],
    ]);
    expect(outcomeMessage(status, summaryOf(status))).toContain('no disk');
  });
});
