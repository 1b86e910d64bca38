/** What a cluster with Argo Events holds: its objects, what its controller made for them, and the controller itself. */
import { describeError } from '../errors/sluice-error';
import type { KubernetesClient } from '../kubernetes/client';
import type { KubernetesObject } from '../kubernetes/kubernetes-object';
import { objectPath } from '../kubernetes/object-path';
import { isNotFound, refusalOf } from '../kubernetes/refusal';
import { API_VERSION } from '../manifest/common';
import type { ManifestKind } from '../validation/parse-manifest';

export interface ClusterFacts {
  readonly objects: ReadonlyArray<{ readonly kind: ManifestKind; readonly object: KubernetesObject }>;
  /** Of Argo Events: those that run sensors and event sources. */
  readonly deployments: readonly KubernetesObject[];
  readonly services: readonly KubernetesObject[];
  /** What Argo's controller made for event buses: StatefulSets, Services, ConfigMaps, Secrets (metadata only). */
  readonly busParts: readonly KubernetesObject[];
  /** Argo's own controllers. Empty also if they cannot be listed; `unreadable` then says so. */
  readonly controllers: readonly KubernetesObject[];
  /** What this user may not list. */
  readonly unreadable: readonly string[];
}

interface Listed {
  readonly apiVersion: string;
  readonly plural: string;
  readonly kind: string;
}

const ARGO: Readonly<Record<ManifestKind, Listed>> = {
  EventBus: { apiVersion: API_VERSION, plural: 'eventbus', kind: 'EventBus' },
  EventSource: { apiVersion: API_VERSION, plural: 'eventsources', kind: 'EventSource' },
  Sensor: { apiVersion: API_VERSION, plural: 'sensors', kind: 'Sensor' },
};
const DEPLOYMENTS: Listed = { apiVersion: 'apps/v1', plural: 'deployments', kind: 'Deployment' };
const SERVICES: Listed = { apiVersion: 'v1', plural: 'services', kind: 'Service' };
const BUS_PARTS: readonly Listed[] = [
  { apiVersion: 'apps/v1', plural: 'statefulsets', kind: 'StatefulSet' },
  { apiVersion: 'v1', plural: 'configmaps', kind: 'ConfigMap' },
  { apiVersion: 'v1', plural: 'secrets', kind: 'Secret' },
];
const PAGE = 500;

interface Page {
  /** Null in an empty list of metadata. */
  readonly items: readonly KubernetesObject[] | null;
  readonly metadata: { readonly continue?: string };
}

/** `namespace` undefined: of all namespaces. Throws KUBERNETES_REFUSED if not even the objects can be listed. */
export async function readClusterFacts(
  client: KubernetesClient,
  namespace: string | undefined,
  progress: (step: string) => void,
): Promise<ClusterFacts> {
  const unreadable: string[] = [];
  const list = async (
    what: Listed,
    options: { readonly everywhere?: boolean; readonly metadataOnly?: boolean; readonly labels?: string } = {},
  ): Promise<KubernetesObject[]> => {
    const scope = options.everywhere === true ? undefined : namespace;
    progress(`reading ${what.plural}`);
    try {
      return await listAll(client, what, scope, options);
    } catch (error) {
      if (refusalOf(error)?.status !== 403) throw error;
      unreadable.push(`${what.plural}${scope === undefined ? ' of all namespaces' : ''}: ${describeError(error)}`);
      return [];
    }
  };
  const objects: Array<{ kind: ManifestKind; object: KubernetesObject }> = [];
  for (const kind of ['EventBus', 'EventSource', 'Sensor'] as const) {
    progress(`reading ${ARGO[kind].plural}`);
    for (const object of await listAll(client, ARGO[kind], namespace, {})) objects.push({ kind, object });
  }
  const deployments = await list(DEPLOYMENTS, { labels: 'controller in (sensor-controller,eventsource-controller)' });
  const services = await list(SERVICES);
  const buses = new Set(objects.flatMap(({ kind, object }) => (kind === 'EventBus' ? [object.metadata.uid] : [])));
  const isOfBus = ({ metadata }: KubernetesObject): boolean =>
    (metadata.ownerReferences ?? []).some(({ uid }) => buses.has(uid));
  const busParts: KubernetesObject[] = services.filter(isOfBus);
  for (const part of BUS_PARTS) busParts.push(...(await list(part, { metadataOnly: true })).filter(isOfBus));
  const controllers = (await list(DEPLOYMENTS, { everywhere: true })).filter(isArgoController);
  return { objects, deployments, services, busParts, controllers, unreadable };
}

async function listAll(
  client: KubernetesClient,
  what: Listed,
  namespace: string | undefined,
  { labels, metadataOnly }: { readonly labels?: string; readonly metadataOnly?: boolean },
): Promise<KubernetesObject[]> {
  const found: KubernetesObject[] = [];
  for (let token: string | undefined, isFirst = true; isFirst || token !== undefined; isFirst = false) {
    const query = {
      limit: PAGE,
      ...(labels !== undefined && { labelSelector: labels }),
      ...(token !== undefined && { continue: token }),
    };
    const path = objectPath(what, namespace);
    const page = await client
      .request<Page>({ method: 'GET', path, query, ...(metadataOnly === true && { metadataOnly: 'list' }) })
      .catch((error: unknown): Page => {
        // The definition of the kind is not installed.
        if (isNotFound(error)) return { items: [], metadata: {} };
        throw error;
      });
    // Items of a list have no kind of their own.
    found.push(...(page.items ?? []).map((item) => ({ ...item, apiVersion: what.apiVersion, kind: what.kind })));
    token = page.metadata.continue || undefined;
  }
  return found;
}

interface PodTemplate {
  readonly template?: {
    readonly spec?: {
      readonly containers?: ReadonlyArray<{ readonly image?: string; readonly args?: readonly string[] }>;
    };
  };
}

/** Its image is Argo Events', and its first argument the command `controller`. */
export function controllerArguments({ spec }: KubernetesObject): readonly string[] | undefined {
  const { template } = (spec ?? {}) as PodTemplate;
  const container = template?.spec?.containers?.find(({ image = '' }) => /\bargo-events\b/.test(image));
  return container?.args?.includes('controller') === true ? container.args : undefined;
}

function isArgoController(deployment: KubernetesObject): boolean {
  return controllerArguments(deployment) !== undefined;
}
