/** A namespace whose objects a controller keeps applied: it and the workers are processes with the deployed rights. */
import { parse } from 'yaml';
import { startWorker, type RunningWorker } from '../../dev/worker-process';
import type { KubernetesObject } from '../../src/kubernetes/kubernetes-object';
import type { StatusCondition } from '../../src/controller/object-conditions';
import { startClusterOfOne, type ClusterOfOne } from '../cli/cluster-of-one';
import { jsonOf } from '../cli/run-cli-for-test';
import { deployRoles } from '../setup/deployed-roles';

export interface StatusOf {
  readonly observedGeneration: number;
  readonly conditions: readonly StatusCondition[];
}

export interface ControlledNamespace extends ClusterOfOne {
  readonly controllerLog: () => string;
  /** With the rights of deploy/controller. */
  readonly controllerKubeconfig: string;
  startController(environment?: Readonly<Record<string, string>>): Promise<void>;
  killController(): Promise<void>;
  /** As kubectl creates or replaces it: YAML of one object. */
  put(yaml: string): Promise<KubernetesObject>;
  get(kind: string, name: string): Promise<KubernetesObject | undefined>;
  remove(kind: string, name: string): Promise<void>;
  /** Resolves with `status: reason` of each condition. */
  conditions(kind: string, name: string): Promise<Readonly<Record<string, string>>>;
  status(kind: string, name: string): Promise<StatusOf | undefined>;
  /** `type reason: message` of the Events about an object. */
  events(name: string): Promise<readonly string[]>;
  /** `Kind/name state`, as `sluice list` shows them. */
  listed(): Promise<readonly string[]>;
  workflows(): Promise<readonly KubernetesObject[]>;
}

const PLURALS: Readonly<Record<string, string>> = {
  EventBus: 'eventbus',
  EventSource: 'eventsources',
  Sensor: 'sensors',
  Workflow: 'workflows',
};

export async function startControlledNamespace(): Promise<ControlledNamespace> {
  const cluster = await startClusterOfOne();
  const { namespace, environment, kubernetes } = cluster;
  const { api, name: namespaceName } = namespace;
  const kubeconfigs = await deployRoles(kubernetes, namespaceName);
  const settings = {
    ...environment,
    SLUICE_CONTROLLER_NAMESPACES: namespaceName,
    SLUICE_CONTROLLER_TASK_QUEUE: `controller-${namespaceName}`,
    KUBECONFIG: kubeconfigs.controller,
  };
  let controller: RunningWorker | undefined;
  const pathOf = (kind: string, name?: string): string =>
    `/apis/argoproj.io/v1alpha1/namespaces/${namespaceName}/${PLURALS[kind] ?? ''}${name === undefined ? '' : `/${name}`}`;
  const get = async (kind: string, name: string): Promise<KubernetesObject | undefined> => {
    const { status, body } = await api.send('GET', pathOf(kind, name));
    return status === 404 ? undefined : (body as KubernetesObject);
  };
  const status = async (kind: string, name: string): Promise<StatusOf | undefined> =>
    (await get(kind, name))?.status as StatusOf | undefined;
  const itemsOf = async (path: string): Promise<readonly KubernetesObject[]> => {
    const { body } = await api.expect('GET', path);
    return (body as { items: KubernetesObject[] }).items;
  };
  return {
    ...cluster,
    controllerKubeconfig: kubeconfigs.controller,
    controllerLog: () => controller?.logPath ?? '',
    startController: async (more = {}) => {
      controller = await startWorker('controller', { ...settings, ...more });
    },
    killController: async () => {
      await controller?.kill();
      controller = undefined;
    },
    put: async (yaml) => {
      const object = parse(yaml) as KubernetesObject;
      const { kind, metadata } = object;
      const known = await get(kind, metadata.name ?? '');
      const { body } =
        known === undefined
          ? await api.expect('POST', pathOf(kind), object)
          : await api.expect('PUT', pathOf(kind, metadata.name), {
              ...object,
              metadata: { ...metadata, resourceVersion: known.metadata.resourceVersion },
            });
      return body as KubernetesObject;
    },
    get,
    remove: async (kind, name) => {
      await api.expect('DELETE', pathOf(kind, name));
    },
    conditions: async (kind, name) =>
      Object.fromEntries(
        ((await status(kind, name))?.conditions ?? []).map((found) => [found.type, `${found.status}: ${found.reason}`]),
      ),
    status,
    events: async (name) =>
      (await itemsOf(`/api/v1/namespaces/${namespaceName}/events`))
        .filter((event) => (event.involvedObject as { name: string }).name === name)
        .map((event) => [event.type, `${String(event.reason)}:`, event.message].join(' ')),
    listed: async () => {
      const run = await cluster.sluice(['list', '-n', namespaceName, '-o', 'json']);
      const { objects } = jsonOf<{ objects: Array<{ kind: string; name: string; state: string }> }>(run);
      return objects.map(({ kind, name, state }) => `${kind}/${name} ${state}`);
    },
    workflows: () => itemsOf(pathOf('Workflow')),
    stop: async () => {
      await controller?.stop();
      await cluster.stop();
    },
  };
}
