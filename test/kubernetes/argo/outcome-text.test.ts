import { outcomeMessage, readOutputs } from '../../../src/kubernetes/argo/outcome-text';
import { NO_NODES, summarizeNodes } from '../../../src/kubernetes/argo/node-summary';
import type { WorkflowStatus } from '../../../src/kubernetes/argo/workflow-status';

const outputsOf = (status: WorkflowStatus) =>
  readOutputs(status, summarizeNodes(status.nodes, { name: 'w', podNameFormat: 'v2' }));
const entry = (parameters: Array<{ name: string; value?: string }>): WorkflowStatus => ({
  phase: 'Succeeded',
  nodes: { w: { id: 'w', name: 'w', type: 'Steps', outputs: { parameters } } },
});

describe('the outputs of an ended Workflow', () => {
  it('are the global ones and those of its entry node, which take precedence', () => {
    const status = {
      ...entry([{ name: 'both', value: 'of the entry' }, { name: 'unset' }]),
      outputs: {
        parameters: [
          { name: 'both', value: 'global' },
          { name: 'global', value: 'g' },
        ],
      },
    };
    expect(outputsOf(status)).toEqual({ both: 'of the entry', global: 'g' });
  });

  it('are truncated between characters if they are long', () => {
    const { text = '' } = outputsOf(entry([{ name: 'text', value: '🛰'.repeat(3_000) }]));
    expect(text).toMatch(/^🛰+…$/u);
    expect(Buffer.byteLength(text)).toBeLessThan(4_200);
  });

  it('of a hundred Workflows fit together into one step of a run', () => {
    const many = Array.from({ length: 50 }, (_, index) => ({ name: `p${index}`, value: 'x'.repeat(4_000) }));
    const bytes = Buffer.byteLength(JSON.stringify(outputsOf(entry(many))));
    expect(bytes * 100).toBeLessThan(1_000_000);
  });

  it('are reported if unavailable, with advice', () => {
    const status: WorkflowStatus = {
      phase: 'Succeeded',
      offloadNodeStatusVersion: 'fnv:1',
      outputs: { parameters: [{ name: 'global', value: 'g' }] },
    };
    expect(outputsOf(status)).toEqual({ global: 'g' });
    expect(outcomeMessage(status, NO_NODES)).toContain('globalName');
    const failed: WorkflowStatus = { ...status, phase: 'Failed', message: 'no more retries left' };
    expect(outcomeMessage(failed, NO_NODES)).toMatch(/^no more retries left \(.*database/);
  });
});
