/** Looks up the resource name of a kind at the API server, and whether it is namespaced. */
import { SluiceError } from '../errors/sluice-error';
import type { KubernetesClient } from './client';
import { groupPath } from './object-path';
import { refusalOf } from './refusal';

export interface ApiResource {
  readonly apiVersion: string;
  readonly kind: string;
  /** `workflows` */
  readonly plural: string;
  readonly namespaced: boolean;
  /** It has a `status` subresource, by which alone its status is written. */
  readonly hasStatus: boolean;
}

interface ApiResourceList {
  resources?: { name: string; kind: string; namespaced: boolean }[];
}

/** A missing kind may be installed a moment later, but a storm of events must not become a storm of requests. */
const REFRESH_AFTER_MS = 1_000;
/** An apiVersion may come from an event; real clusters have fewer. */
const MAX_GROUPS = 200;

export class Discovery {
  private readonly groups = new Map<string, { readMs: number; resources: Promise<Map<string, ApiResource>> }>();

  constructor(private readonly client: KubernetesClient) {}

  /** Throws KUBERNETES_REFUSED (permanent) naming the kinds that the server has. */
  async find(apiVersion: string, kind: string, signal?: AbortSignal): Promise<ApiResource> {
    const known = this.groups.get(apiVersion);
    const found = (await (known?.resources ?? this.read(apiVersion, signal))).get(kind);
    if (found) return found;
    const again = this.groups.get(apiVersion);
    const resources =
      again && Date.now() - again.readMs < REFRESH_AFTER_MS
        ? await again.resources
        : await this.read(apiVersion, signal);
    const refreshed = resources.get(kind);
    if (refreshed) return refreshed;
    throw new SluiceError('KUBERNETES_REFUSED', {
      message:
        resources.size === 0
          ? `the API server does not have ${apiVersion} (looking for kind ${kind})`
          : `the API server has no kind ${kind} in ${apiVersion}; it has: ${[...resources.keys()].sort().join(', ')}`,
      fix: 'Correct apiVersion or kind, or install the custom resource definition',
      context: { status: 404, reason: 'NotFound', apiVersion, kind },
      retryable: false,
    });
  }

  private read(apiVersion: string, signal?: AbortSignal): Promise<Map<string, ApiResource>> {
    const resources = this.fetchGroup(apiVersion, signal);
    const [oldest] = this.groups.keys();
    if (this.groups.size >= MAX_GROUPS && oldest !== undefined) this.groups.delete(oldest);
    this.groups.set(apiVersion, { readMs: Date.now(), resources });
    // A failed look-up must not be cached: the next event retries it.
    resources.catch(() => this.groups.delete(apiVersion));
    return resources;
  }

  private async fetchGroup(apiVersion: string, signal?: AbortSignal): Promise<Map<string, ApiResource>> {
    const path = groupPath(apiVersion);
    let list: ApiResourceList;
    try {
      list = await this.client.request<ApiResourceList>({ method: 'GET', path, signal });
    } catch (error) {
      if (refusalOf(error)?.status !== 404) throw error;
      list = {};
    }
    const listed = list.resources ?? [];
    const resources = new Map<string, ApiResource>();
    for (const { name, kind, namespaced } of listed) {
      // `pods/log` and the like are subresources.
      if (name.includes('/')) continue;
      const hasStatus = listed.some((other) => other.name === `${name}/status`);
      resources.set(kind, { apiVersion, kind, plural: name, namespaced, hasStatus });
    }
    return resources;
  }
}
