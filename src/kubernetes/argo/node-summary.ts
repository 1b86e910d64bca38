/** What a report about an ended Workflow needs from its nodes: small, whatever their number. Pure. */
import { podNameOf, type PodNameFormat } from './node-names';
import { readableNodesOf } from './readable-status';
import { shorten } from './shorten';
import type { NodeType, WorkflowNode } from './workflow-status';

/** A run of a hundred Workflows passes on all their outcomes in one step, and Temporal accepts 2 MB. */
export const MAX_VALUE_BYTES = 4_096;
const MAX_PARAMETERS = 1_000;
const MAX_REASONS = 3;
/** These fail because a node inside them failed. */
const GROUPS: readonly NodeType[] = ['DAG', 'TaskGroup', 'Steps', 'StepGroup', 'Retry'];

export interface SummarizedWorkflow {
  readonly name: string;
  readonly podNameFormat: PodNameFormat;
}

export interface NodeSummary {
  /** The nodes that failed and why; empty if none did. */
  readonly failures: string;
  /** Output parameters of the entry node. */
  readonly outputs: readonly { readonly name: string; readonly value: string }[];
}

export const NO_NODES: NodeSummary = { failures: '', outputs: [] };

export function summarizeNodes(unchecked: unknown, workflow: SummarizedWorkflow): NodeSummary {
  const nodes = readableNodesOf(unchecked);
  const parameters = nodes[workflow.name]?.outputs?.parameters ?? [];
  return {
    failures: shorten(describeFailures(Object.values(nodes), workflow), MAX_VALUE_BYTES),
    outputs: parameters.slice(0, MAX_PARAMETERS).flatMap(({ name, value }) => {
      if (typeof value !== 'string') return [];
      return [{ name: shorten(name, MAX_VALUE_BYTES), value: shorten(value, MAX_VALUE_BYTES) }];
    }),
  };
}

function describeFailures(nodes: readonly WorkflowNode[], { name, podNameFormat }: SummarizedWorkflow): string {
  const failed = nodes.filter(({ phase, type }) => (phase === 'Failed' || phase === 'Error') && !GROUPS.includes(type));
  const reasons = failed.slice(0, MAX_REASONS).map((node) => {
    const pod = node.type === 'Pod' ? ` (pod ${podNameOf(name, node, podNameFormat)})` : '';
    return `${node.displayName || node.name}: ${node.message || node.phase || 'failed'}${pod}`;
  });
  const more = failed.length - reasons.length;
  return reasons.join('; ') + (more > 0 ? `; and ${more} more` : '');
}
