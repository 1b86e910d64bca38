/** Triggers that act on Kubernetes objects. */
import { z } from 'zod';
import { optionalFlag } from '../common';
import { triggerParameters } from '../parameters';
import { triggerSource } from './resource-source';

const K8S_OPERATIONS = ['create', 'update', 'patch', 'delete'] as const;
const PATCH_STRATEGIES = [
  'application/json-patch+json',
  'application/merge-patch+json',
  'application/strategic-merge-patch+json',
  'application/apply-patch+yaml',
] as const;

export const k8sTriggerTemplate = z.strictObject({
  source: triggerSource.describe('Where the object comes from.'),
  operation: z.enum(K8S_OPERATIONS).optional().describe('Default create.'),
  parameters: triggerParameters.optional().describe('Write values of events into the object.'),
  patchStrategy: z.enum(PATCH_STRATEGIES).optional().describe('Default application/merge-patch+json.'),
  liveObject: optionalFlag.describe('update only: apply the parameters to the object as it is in the cluster.'),
});
export type K8sTriggerTemplate = z.infer<typeof k8sTriggerTemplate>;

const ARGO_WORKFLOW_OPERATIONS = [
  'submit',
  'submit-from',
  'resubmit',
  'resume',
  'retry',
  'suspend',
  'terminate',
  'stop',
] as const;
export type ArgoWorkflowOperation = (typeof ARGO_WORKFLOW_OPERATIONS)[number];

export const argoWorkflowTriggerTemplate = z.strictObject({
  source: triggerSource.describe('Where the Workflow, or the name of one, comes from.'),
  operation: z.enum(ARGO_WORKFLOW_OPERATIONS).optional().describe('Default submit.'),
  parameters: triggerParameters.optional().describe('Write values of events into the object.'),
  args: z.array(z.string()).optional().describe('Options of the argo command line.'),
});
export type ArgoWorkflowTriggerTemplate = z.infer<typeof argoWorkflowTriggerTemplate>;
