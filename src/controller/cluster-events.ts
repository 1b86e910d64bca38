/** Kubernetes Events about an object, which `kubectl describe` shows. */
import type { Logger } from 'pino';
import { describeError } from '../errors/sluice-error';
import type { OpenCluster } from '../kubernetes/access';
import type { KubernetesObject } from '../kubernetes/kubernetes-object';
import { objectPath } from '../kubernetes/object-path';

export interface ClusterEvent {
  readonly type: 'Normal' | 'Warning';
  readonly reason: string;
  readonly message: string;
}

const COMPONENT = 'sluice-controller';
/** The API server's own limit. */
const MOST_CHARACTERS = 1_024;

export class ClusterEvents {
  private hasFailed = false;

  constructor(
    private readonly cluster: OpenCluster,
    private readonly log: Pick<Logger, 'warn'>,
  ) {}

  /** Never throws: an Event that cannot be written holds up nothing. */
  async record({ apiVersion, kind, metadata }: KubernetesObject, event: ClusterEvent): Promise<void> {
    const { namespace, name = '', uid, resourceVersion } = metadata;
    const at = new Date().toISOString();
    try {
      await this.cluster.client.request({
        method: 'POST',
        path: objectPath({ apiVersion: 'v1', plural: 'events' }, namespace),
        body: {
          metadata: { generateName: `${name.slice(0, 200)}.`, namespace },
          involvedObject: { apiVersion, kind, namespace, name, uid, resourceVersion },
          ...event,
          message: event.message.slice(0, MOST_CHARACTERS),
          source: { component: COMPONENT },
          reportingComponent: COMPONENT,
          firstTimestamp: at,
          lastTimestamp: at,
          count: 1,
        },
      });
      this.hasFailed = false;
    } catch (error) {
      if (!this.hasFailed) this.log.warn(`Events about objects cannot be written: ${describeError(error)}`);
      this.hasFailed = true;
    }
  }
}
