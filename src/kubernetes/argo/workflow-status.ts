/** What Argo's controller writes about a Workflow. Times that are not set are null or absent. */

export type WorkflowPhase = '' | 'Pending' | 'Running' | 'Succeeded' | 'Failed' | 'Error';
export type NodePhase = 'Pending' | 'Running' | 'Succeeded' | 'Skipped' | 'Failed' | 'Error' | 'Omitted';
export type NodeType =
  | 'Pod'
  | 'Container'
  | 'Steps'
  | 'StepGroup'
  | 'DAG'
  | 'TaskGroup'
  | 'Retry'
  | 'Skipped'
  | 'Suspend'
  | 'HTTP'
  | 'Plugin';

export interface OutputParameter {
  name: string;
  value?: string;
  globalName?: string;
  valueFrom?: { supplied?: unknown; default?: string; [field: string]: unknown };
  [field: string]: unknown;
}

export interface WorkflowNode {
  id: string;
  name: string;
  displayName?: string;
  type: NodeType;
  templateName?: string;
  templateRef?: { name?: string; template?: string; clusterScope?: boolean };
  phase?: NodePhase;
  message?: string;
  startedAt?: string | null;
  finishedAt?: string | null;
  boundaryID?: string;
  children?: string[];
  outboundNodes?: string[];
  inputs?: { parameters?: { name: string; value?: string }[]; [field: string]: unknown };
  outputs?: { parameters?: OutputParameter[]; [field: string]: unknown };
  nodeFlag?: { hooked?: boolean; retried?: boolean };
  [field: string]: unknown;
}

export type WorkflowNodes = Record<string, WorkflowNode>;

export interface WorkflowStatus {
  phase?: WorkflowPhase;
  message?: string;
  startedAt?: string | null;
  finishedAt?: string | null;
  progress?: string;
  nodes?: WorkflowNodes;
  /** base64 of gzip, zstd or brotli, instead of `nodes`, if the object would exceed 1 MiB. */
  compressedNodes?: string;
  /** If not empty, the nodes are in the controller's SQL database, out of reach. */
  offloadNodeStatusVersion?: string;
  outputs?: { parameters?: OutputParameter[] };
  conditions?: { type: string; status: string; [field: string]: unknown }[];
  storedWorkflowTemplateSpec?: Record<string, unknown>;
  storedTemplates?: Record<string, unknown>;
  [field: string]: unknown;
}

/** Returns true for a final phase. A `retry` can make a finished Workflow unfinished again. */
export function isFinalPhase(phase: string | undefined): phase is 'Succeeded' | 'Failed' | 'Error' {
  return phase === 'Succeeded' || phase === 'Failed' || phase === 'Error';
}
