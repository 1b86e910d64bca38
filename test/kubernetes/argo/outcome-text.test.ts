import { outcomeMessage, readOutputs } from '../../../src/kubernetes/argo/outcome-text';
import type { WorkflowStatus } from '../../../src/kubernetes/argo/workflow-status';

const workflow = (status: WorkflowStatus) => ({
  apiVersion: 'argoproj.io/v1alpha1',
  kind: 'Workflow',
  metadata: { name: 'w' },
  status,
});
const entry = (parameters: Array<{ name: string; value?: string }>): WorkflowStatus => ({
  phase: 'Succeeded',
  nodes: { w: { id: 'w', name: 'w', type: 'Steps', outputs: { parameters } } },
});

describe('the outputs of an ended Workflow', () => {
  it('are the global ones and those of its entry node, which win', () => {
    const status = {
      ...entry([{ name: 'both', value: 'of the entry' }, { name: 'unset' }]),
      outputs: {
        parameters: [
          { name: 'both', value: 'global' },
          { name: 'global', value: 'g' },
        ],
      },
    };
    expect(readOutputs('w', status)).toEqual({ both: 'of the entry', global: 'g' });
  });

  it('are cut where they are long, between characters', () => {
    const { text = '' } = readOutputs('w', entry([{ name: 'text', value: '🛰'.repeat(3_000) }]));
    expect(text).toMatch(/^🛰+…$/u);
    expect(Buffer.byteLength(text)).toBeLessThan(4_200);
  });

  it('of a hundred Workflows fit together into one step of a run', () => {
    const many = Array.from({ length: 50 }, (_, index) => ({ name: `p${index}`, value: 'x'.repeat(4_000) }));
    const bytes = Buffer.byteLength(JSON.stringify(readOutputs('w', entry(many))));
    expect(bytes * 100).toBeLessThan(1_000_000);
  });

  it('that are out of reach are told, with the way to have them', () => {
    const status: WorkflowStatus = {
      phase: 'Succeeded',
      offloadNodeStatusVersion: 'fnv:1',
      outputs: { parameters: [{ name: 'global', value: 'g' }] },
    };
    expect(readOutputs('w', status)).toEqual({ global: 'g' });
    expect(outcomeMessage(workflow(status), status)).toContain('globalName');
    const failed: WorkflowStatus = { ...status, phase: 'Failed', message: 'no more retries left' };
    expect(outcomeMessage(workflow(failed), failed)).toMatch(/^no more retries left \(.*database/);
  });
});
