/** The messages between the reader of nodes and its thread. */
import type { NodeSummary, SummarizedWorkflow } from './node-summary';
import type { WorkflowNodes } from './workflow-status';

export type NodeRequest =
  | { readonly kind: 'summarize'; readonly compressedNodes: string; readonly workflow: SummarizedWorkflow }
  | { readonly kind: 'read'; readonly compressedNodes: string };

export type NodeResponse =
  | { readonly kind: 'summary'; readonly summary: NodeSummary }
  | { readonly kind: 'nodes'; readonly nodes: WorkflowNodes }
  | { readonly kind: 'unreadable'; readonly reason: string };
