/** Trigger `k8s`: creates, updates, patches or deletes one object of any kind. */
import { SluiceError } from '../errors/sluice-error';
import { toJson, type JsonObject, type JsonValue } from '../event/json';
import type { OpenCluster } from '../kubernetes/access';
import { parseKubernetesObject, type KubernetesObject } from '../kubernetes/kubernetes-object';
import type { K8sTriggerTemplate } from '../manifest/triggers/kubernetes';
import { withTextParameters } from './argo/parameter-values';
import { createObject } from './create-object';
import { markCreated } from './object-identity';
import {
  deleteTargetObject,
  patchObject,
  readLiveObject,
  replaceObject,
  updateObject,
  type Operated,
} from './object-operations';
import { awaitLabels } from './object-policy';
import { readResourceSource } from './resource-sources/registry';
import type { FireRequest, FireResult, ResourceRequest, Trigger, TriggerDependencies, TriggerOf } from './trigger';

export const k8sTrigger: TriggerOf<'k8s'> = { kind: 'k8s', create: createK8sTrigger };

type Request = FireRequest<K8sTriggerTemplate>;

function createK8sTrigger({ kubernetes, secrets, readYaml }: TriggerDependencies): Trigger<K8sTriggerTemplate> {
  return {
    async fetchResource(request: ResourceRequest<K8sTriggerTemplate>): Promise<JsonObject> {
      const { template, namespace, signal, account } = request;
      const resource = await readResourceSource(template.source, { namespace, secrets, readYaml, signal });
      if (template.liveObject !== true) return resource;
      requireUpdate(template);
      const named = parseKubernetesObject(resource, 'the source of the trigger');
      return await readLiveObject(await kubernetes.open(account), named, signal);
    },

    preview(request): JsonValue {
      const object = readObject(request);
      const operation = request.template.operation ?? 'create';
      const sent = operation === 'create' ? markCreated(object, request) : object;
      return { operation, namespace: object.metadata.namespace ?? request.namespace, object: toJson(sent) };
    },

    async fire(request): Promise<FireResult> {
      const cluster = await kubernetes.open(request.account);
      const { action, object, existed } = await operate(cluster, readObject(request), request);
      if (request.policy?.k8s && action !== 'delete') {
        await awaitLabels(cluster, object, request.policy.k8s, request.signal);
      }
      return { kind: 'object', action, object, existed };
    },

    close: () => Promise.resolve(),
  };
}

async function operate(cluster: OpenCluster, object: KubernetesObject, request: Request): Promise<Operated> {
  const { template } = request;
  const operation = template.operation ?? 'create';
  switch (operation) {
    case 'create':
      return { action: operation, ...(await createObject(cluster, object, request, request)) };
    case 'update':
      return template.liveObject
        ? await replaceObject(cluster, object, request)
        : await updateObject(cluster, object, request);
    case 'patch':
      return await patchObject(cluster, object, template.patchStrategy ?? 'application/merge-patch+json', request);
    case 'delete':
      return await deleteTargetObject(cluster, object, request);
  }
}

function readObject(request: Request): KubernetesObject {
  return withTextParameters(parseKubernetesObject(request.resource, 'the resource of the trigger'));
}

function requireUpdate(template: K8sTriggerTemplate): void {
  if (template.operation === 'update') return;
  throw new SluiceError('MANIFEST_INVALID', {
    message: `liveObject is for operation update, found ${template.operation ?? 'create'}`,
    fix: 'Remove liveObject or set operation: update',
  });
}
