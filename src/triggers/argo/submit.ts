/** Operations `submit` and `submit-from`: one POST, after the changes and checks of Argo's command line. */
import { SluiceError } from '../../errors/sluice-error';
import type { OpenCluster } from '../../kubernetes/access';
import { objectPath } from '../../kubernetes/object-path';
import {
  isRecord,
  parseKubernetesObject,
  type KubernetesObject,
  type OwnerReference,
} from '../../kubernetes/kubernetes-object';
import { isNotFound } from '../../kubernetes/refusal';
import { createObject, type Created } from '../create-object';
import type { FireIdentity } from '../object-identity';
import type { ArgoOptions } from '../../manifest/triggers/argo-arguments';
import { withTextParameters } from './parameter-values';
import { applySubmitOptions, checkTemplateArguments, checkWorkflow } from './submit-options';
import {
  INSTANCE_ID_LABEL,
  parseWorkflow,
  SCHEDULED_TIME_ANNOTATION,
  WORKFLOW_API_VERSION,
  type Workflow,
  type WorkflowSpec,
} from './workflow';

export interface OperationContext {
  readonly cluster: OpenCluster;
  readonly fire: FireIdentity;
  /** Of the object, `--namespace`, or the Sensor. */
  readonly namespace: string;
  readonly options: ArgoOptions;
  readonly signal: AbortSignal;
}

/** Returns the Workflow that `submit` sends, without the marks of the fire. Pure. */
export function prepareSubmit(resource: unknown, options: ArgoOptions): Workflow {
  const workflow = parseWorkflow(resource, 'the source of the trigger');
  if (workflow.kind !== 'Workflow') {
    throw new SluiceError('TRIGGER_REFUSED', {
      message: `submit needs a Workflow, found ${workflow.kind}`,
      fix: 'Use operation submit-from for templates and cron workflows',
    });
  }
  applySubmitOptions(workflow, options);
  const sent = withTextParameters(workflow) as Workflow;
  checkWorkflow(sent);
  return sent;
}

export async function submit(resource: unknown, context: OperationContext): Promise<Created> {
  return await create(prepareSubmit(resource, context.options), context);
}

export async function submitFrom(resource: unknown, context: OperationContext): Promise<Created> {
  const template = parseKubernetesObject(resource, 'the source of the trigger');
  const { name } = template.metadata;
  if (!name) throw refuse(`submit-from needs metadata.name of the ${template.kind}, found none`);
  const workflow = await makeWorkflow(template.kind, name, context);
  // As with Argo, --priority reaches only Workflows that are submitted from a file.
  applySubmitOptions(workflow, { ...context.options, priority: undefined });
  const sent = withTextParameters(workflow) as Workflow;
  checkWorkflow(sent);
  return await create(sent, context);
}

async function create(workflow: Workflow, context: OperationContext): Promise<Created> {
  const { cluster, fire, namespace, signal, options } = context;
  return await createObject(cluster, workflow, fire, { namespace, signal, strict: options.strict !== false });
}

async function makeWorkflow(kind: string, name: string, context: OperationContext): Promise<Workflow> {
  switch (kind) {
    case 'WorkflowTemplate':
    case 'ClusterWorkflowTemplate': {
      const template = await readSource(kind, name, context);
      const workflow = fromTemplate(name, kind === 'ClusterWorkflowTemplate');
      checkTemplateArguments(context.options.parameters, isRecord(template.spec) ? template.spec : {});
      return workflow;
    }
    case 'CronWorkflow':
      return fromCronWorkflow(await readSource(kind, name, context));
    default:
      throw refuse(`submit-from needs a WorkflowTemplate, ClusterWorkflowTemplate or CronWorkflow, found ${kind}`);
  }
}

const PLURALS = {
  WorkflowTemplate: 'workflowtemplates',
  ClusterWorkflowTemplate: 'clusterworkflowtemplates',
  CronWorkflow: 'cronworkflows',
} as const;

async function readSource(
  kind: keyof typeof PLURALS,
  name: string,
  { cluster, namespace, signal }: OperationContext,
): Promise<KubernetesObject> {
  const scope = kind === 'ClusterWorkflowTemplate' ? undefined : namespace;
  try {
    return await cluster.client.request<KubernetesObject>({
      method: 'GET',
      path: objectPath({ apiVersion: WORKFLOW_API_VERSION, plural: PLURALS[kind] }, scope, name),
      signal,
    });
  } catch (error) {
    if (!isNotFound(error)) throw error;
    throw refuse(`${kind} ${scope === undefined ? '' : `${scope}/`}${name} does not exist`, error);
  }
}

/** The template's content is not copied: Argo reads it when the Workflow starts. */
function fromTemplate(name: string, clusterScope: boolean): Workflow {
  const label = `workflows.argoproj.io/${clusterScope ? 'cluster-' : ''}workflow-template`;
  return {
    apiVersion: WORKFLOW_API_VERSION,
    kind: 'Workflow',
    metadata: { generateName: `${name}-`, labels: { [label]: name } },
    spec: { workflowTemplateRef: { name, ...(clusterScope ? { clusterScope } : {}) } },
  };
}

interface CronWorkflowSpec {
  workflowSpec?: WorkflowSpec;
  workflowMetadata?: {
    labels?: Record<string, string>;
    annotations?: Record<string, string>;
    finalizers?: string[];
  };
}

function fromCronWorkflow(cron: KubernetesObject): Workflow {
  const { name = '', uid = '', labels } = cron.metadata;
  const { workflowSpec, workflowMetadata } = (cron.spec ?? {}) as CronWorkflowSpec;
  const instanceId = labels?.[INSTANCE_ID_LABEL];
  const owner: OwnerReference = {
    apiVersion: cron.apiVersion,
    kind: 'CronWorkflow',
    name,
    uid,
    controller: true,
    blockOwnerDeletion: true,
  };
  return {
    apiVersion: WORKFLOW_API_VERSION,
    kind: 'Workflow',
    metadata: {
      generateName: `${name}-`,
      labels: {
        ...(instanceId === undefined ? {} : { [INSTANCE_ID_LABEL]: instanceId }),
        'workflows.argoproj.io/cron-workflow': name,
        ...workflowMetadata?.labels,
      },
      annotations: {
        [SCHEDULED_TIME_ANNOTATION]: new Date().toISOString(),
        ...workflowMetadata?.annotations,
      },
      ...(workflowMetadata?.finalizers ? { finalizers: workflowMetadata.finalizers } : {}),
      ownerReferences: [owner],
    },
    spec: structuredClone(workflowSpec ?? {}),
  };
}

function refuse(message: string, cause?: unknown): SluiceError {
  return new SluiceError('TRIGGER_REFUSED', { message, fix: "Correct the trigger's source", cause });
}
