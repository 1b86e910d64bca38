/** Trigger `argoWorkflow`: performs the operations of the argo command directly against the API server. */
import { isJsonObject, toJson, type JsonValue } from '../event/json';
import { parseKubernetesObject } from '../kubernetes/kubernetes-object';
import type { ArgoWorkflowTriggerTemplate } from '../manifest/triggers/kubernetes';
import { parseArgoArguments, type ArgoOptions } from '../manifest/triggers/argo-arguments';
import { resubmit } from './argo/resubmit';
import { retry } from './argo/retry';
import { stop, terminate } from './argo/shutdown';
import { prepareSubmit, submit, submitFrom, type OperationContext } from './argo/submit';
import { resume, suspend } from './argo/suspension';
import type { Created } from './create-object';
import { markCreated } from './object-identity';
import { awaitLabels } from './object-policy';
import { readResourceSource } from './resource-sources/registry';
import type { FireRequest, FireResult, Trigger, TriggerDependencies, TriggerOf } from './trigger';

export const argoWorkflowTrigger: TriggerOf<'argoWorkflow'> = {
  kind: 'argoWorkflow',
  create: createArgoWorkflowTrigger,
};

type Request = FireRequest<ArgoWorkflowTriggerTemplate>;

function createArgoWorkflowTrigger({
  kubernetes,
  secrets,
  readYaml,
}: TriggerDependencies): Trigger<ArgoWorkflowTriggerTemplate> {
  return {
    fetchResource: ({ template, namespace, signal }) =>
      readResourceSource(template.source, { namespace, secrets, readYaml, signal }),

    preview(request): JsonValue {
      const { operation, options } = readTemplate(request);
      const object = parseKubernetesObject(request.resource, 'the source of the trigger');
      const namespace = namespaceOf(request, options);
      if (operation !== 'submit') {
        return {
          operation,
          namespace,
          kind: object.kind,
          name: object.metadata.name ?? null,
          args: request.template.args ?? [],
        };
      }
      return {
        operation,
        namespace,
        object: toJson(markCreated(prepareSubmit(object, options), request)),
      };
    },

    async fire(request): Promise<FireResult> {
      const { operation, options } = readTemplate(request);
      const cluster = await kubernetes.open(request.account);
      const namespace = namespaceOf(request, options);
      const done = await OPERATIONS[operation](request.resource, {
        cluster,
        fire: request,
        namespace,
        options,
        signal: request.signal,
      });
      if (request.policy?.k8s) await awaitLabels(cluster, done.object, request.policy.k8s, request.signal);
      return { kind: 'object', action: operation, ...done };
    },

    close: () => Promise.resolve(),
  };
}

type Operation = NonNullable<ArgoWorkflowTriggerTemplate['operation']>;
type Operate = (resource: unknown, context: OperationContext) => Promise<Created>;

const OPERATIONS: Readonly<Record<Operation, Operate>> = {
  ...{ submit, 'submit-from': submitFrom, resubmit, retry },
  ...{ suspend, resume, stop, terminate },
};

function readTemplate({ template }: Request): { operation: Operation; options: ArgoOptions } {
  const operation = template.operation ?? 'submit';
  return { operation, options: parseArgoArguments(template.args ?? [], operation) };
}

function namespaceOf(request: Request, options: ArgoOptions): string {
  const metadata = request.resource?.metadata;
  const own = isJsonObject(metadata) ? metadata.namespace : undefined;
  return options.namespace ?? (typeof own === 'string' && own !== '' ? own : request.namespace);
}
