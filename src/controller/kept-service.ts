/** Keeps the Service of one EventSource as the object asks for it. */
import { isDeepStrictEqual } from 'node:util';
import { describeError } from '../errors/sluice-error';
import type { OpenCluster } from '../kubernetes/access';
import type { KubernetesObject } from '../kubernetes/kubernetes-object';
import { objectPath } from '../kubernetes/object-path';
import { isNotFound, refusalOf } from '../kubernetes/refusal';
import { Backoff } from './backoff';
import type { ClusterEvent } from './cluster-events';
import { isOwnedBy, serviceName, serviceOf, type ServiceSelector } from './event-source-service';

export interface ServiceTools {
  readonly cluster: OpenCluster;
  /** Default: no Service is made. */
  readonly serviceSelector?: ServiceSelector;
}

const SERVICES = { apiVersion: 'v1', plural: 'services' };
/** Others may change or delete it. */
const COMPARE_EVERY_MS = 10 * 60_000;
const LONGEST_RETRY_MS = 60_000;

export class KeptService {
  private wanted: KubernetesObject | undefined;
  private hasLooked = false;
  private dueAt = 0;
  private readonly retries = new Backoff(LONGEST_RETRY_MS);
  private reported = '';

  constructor(private readonly tools: ServiceTools) {}

  /** Returns what is new about it. Never throws: a source works without its Service. */
  async keep(source: KubernetesObject): Promise<readonly ClusterEvent[]> {
    const { serviceSelector } = this.tools;
    if (serviceSelector === undefined) return [];
    const wanted = serviceOf(source, serviceSelector);
    const isSame = this.hasLooked && isDeepStrictEqual(wanted, this.wanted);
    if (isSame && performance.now() < this.dueAt) return [];
    [this.wanted, this.hasLooked] = [wanted, true];
    try {
      const news = wanted === undefined ? await this.remove(source) : await this.apply(source, wanted);
      this.retries.reset();
      this.dueAt = performance.now() + COMPARE_EVERY_MS;
      this.reported = '';
      return news === undefined ? [] : [news];
    } catch (error) {
      this.dueAt = performance.now() + this.retries.next();
      // Without the field, the right to look for one is not needed.
      if (wanted === undefined && refusalOf(error)?.status === 403) return [];
      return this.report(`Service ${serviceName(source)}: ${describeError(error)}`);
    }
  }

  /** For an object that is gone, or no longer the controller's. */
  async drop(source: KubernetesObject): Promise<void> {
    if (this.tools.serviceSelector === undefined || this.wanted === undefined) return;
    await this.remove(source);
  }

  private report(message: string): readonly ClusterEvent[] {
    if (message === this.reported) return [];
    this.reported = message;
    return [{ type: 'Warning', reason: 'ServiceFailed', message }];
  }

  private async apply(source: KubernetesObject, wanted: KubernetesObject): Promise<ClusterEvent | undefined> {
    const present = await this.read(source);
    if (present !== undefined && !isOwnedBy(present, source)) {
      return this.report(
        `Service ${serviceName(source)} exists and does not belong to this EventSource: it is left as it is. ` +
          'Delete it, or rename the EventSource',
      )[0];
    }
    try {
      await this.patch(source, wanted);
    } catch (error) {
      // The address of a Service cannot be changed.
      if (present === undefined || refusalOf(error)?.status !== 422) throw error;
      await this.delete(source, present);
      await this.patch(source, wanted);
    }
    if (present !== undefined) return undefined;
    return { type: 'Normal', reason: 'ServiceCreated', message: `Service ${serviceName(source)} was created` };
  }

  private async patch(source: KubernetesObject, wanted: KubernetesObject): Promise<void> {
    await this.tools.cluster.client.request({
      method: 'PATCH',
      path: pathOf(source),
      query: { fieldManager: 'sluice-controller', force: true },
      contentType: 'application/apply-patch+yaml',
      body: wanted,
    });
  }

  private async remove(source: KubernetesObject): Promise<ClusterEvent | undefined> {
    const present = await this.read(source);
    if (present === undefined || !isOwnedBy(present, source)) return undefined;
    await this.delete(source, present);
    return { type: 'Normal', reason: 'ServiceDeleted', message: `Service ${serviceName(source)} was deleted` };
  }

  private async delete(source: KubernetesObject, { metadata }: KubernetesObject): Promise<void> {
    try {
      const body = { apiVersion: 'v1', kind: 'DeleteOptions', preconditions: { uid: metadata.uid } };
      await this.tools.cluster.client.request({ method: 'DELETE', path: pathOf(source), body });
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  }

  private async read(source: KubernetesObject): Promise<KubernetesObject | undefined> {
    try {
      return await this.tools.cluster.client.request<KubernetesObject>({ method: 'GET', path: pathOf(source) });
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
  }
}

function pathOf(source: KubernetesObject): string {
  return objectPath(SERVICES, source.metadata.namespace, serviceName(source));
}
