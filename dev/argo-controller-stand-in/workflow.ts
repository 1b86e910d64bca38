/** The parts of Argo's objects that the stand-in reads or writes; other fields are kept unchanged. */

export interface Parameter {
  name: string;
  value?: string;
  valueFrom?: unknown;
}

export interface WorkflowSpec extends Record<string, unknown> {
  entrypoint?: string;
  suspend?: boolean;
  shutdown?: string;
  arguments?: { parameters?: Parameter[] };
  templates?: ({ name: string } & Record<string, unknown>)[];
  workflowTemplateRef?: { name: string; clusterScope?: boolean };
}

export type Phase = '' | 'Pending' | 'Running' | 'Succeeded' | 'Failed' | 'Error';
export type FinalPhase = Extract<Phase, 'Succeeded' | 'Failed' | 'Error'>;

export interface Node {
  id: string;
  name: string;
  displayName: string;
  type: string;
  templateName?: string;
  phase: string;
  message?: string;
  startedAt: string;
  finishedAt: string | null;
  progress: string;
  outputs?: { parameters: Parameter[] };
}

interface WorkflowStatus extends Record<string, unknown> {
  phase?: Phase;
  message?: string;
  startedAt?: string | null;
  finishedAt?: string | null;
  progress?: string;
  conditions?: { type: string; status: string }[];
  nodes?: Record<string, Node>;
  storedWorkflowTemplateSpec?: WorkflowSpec;
}

interface Metadata extends Record<string, unknown> {
  name: string;
  namespace?: string;
  uid: string;
  resourceVersion: string;
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
}

export interface Workflow {
  apiVersion: string;
  kind: string;
  metadata: Metadata;
  spec: WorkflowSpec;
  status?: WorkflowStatus;
}

export interface WorkflowTemplate {
  metadata: Pick<Metadata, 'name' | 'annotations'>;
  spec: WorkflowSpec;
}
