/** Writes `status` of an object, if it says something else. */
import { isDeepStrictEqual } from 'node:util';
import type { OpenCluster } from '../kubernetes/access';
import { isRecord, type KubernetesObject } from '../kubernetes/kubernetes-object';
import { objectPath } from '../kubernetes/object-path';
import { isConflict, isNotFound } from '../kubernetes/refusal';
import { generationOf } from './cluster-object';
import { withTimes, type StatusCondition, type Verdict } from './object-conditions';

export interface WriteOptions {
  readonly now?: Date;
  /** Do not write what differs in the text of messages only. */
  readonly mayWait?: boolean;
}

/**
 * Resolves with the object as the server stores it. `same`: nothing was written, because nothing is new. `moved`: because
 * the object was changed or deleted meanwhile, which the watch will show.
 */
export async function writeStatus(
  { client, discovery }: OpenCluster,
  object: KubernetesObject,
  verdicts: readonly Verdict[],
  { now = new Date(), mayWait = false }: WriteOptions = {},
): Promise<KubernetesObject | 'same' | 'moved'> {
  const generation = generationOf(object);
  const { conditions: former, observedGeneration } = readStatus(object);
  const conditions = withTimes(verdicts, former, now.toISOString());
  const compared = mayWait ? withoutMessages : (same: readonly StatusCondition[]) => same;
  if (observedGeneration === generation && isDeepStrictEqual(compared(conditions), compared(former))) return 'same';
  const resource = await discovery.find(object.apiVersion, object.kind);
  const { namespace, name, resourceVersion } = object.metadata;
  const path = objectPath(resource, namespace, name);
  // Without a subresource the write itself raises the generation.
  const status = { conditions, observedGeneration: resource.hasStatus ? generation : generation + 1 };
  try {
    return await client.request<KubernetesObject>({
      method: 'PATCH',
      path: resource.hasStatus ? `${path}/status` : path,
      query: { fieldManager: 'sluice-controller' },
      contentType: 'application/merge-patch+json',
      // The version keeps it from a newer object, also from one of the same name that was created later.
      body: { metadata: { resourceVersion }, status },
    });
  } catch (error) {
    if (isConflict(error) || isNotFound(error)) return 'moved';
    throw error;
  }
}

function readStatus({ status }: KubernetesObject): {
  readonly conditions: readonly StatusCondition[];
  readonly observedGeneration?: unknown;
} {
  if (!isRecord(status)) return { conditions: [] };
  const { conditions, observedGeneration } = status;
  return { conditions: Array.isArray(conditions) ? conditions.flatMap(readCondition) : [], observedGeneration };
}

/** Other controllers may have left conditions of any shape. */
function readCondition(value: unknown): StatusCondition[] {
  if (!isRecord(value)) return [];
  const text = (field: string): string => (typeof value[field] === 'string' ? value[field] : '');
  const status = value['status'];
  return [
    {
      type: text('type'),
      status: status === 'True' || status === 'False' ? status : 'Unknown',
      reason: text('reason'),
      message: text('message'),
      lastTransitionTime: text('lastTransitionTime'),
    },
  ];
}

function withoutMessages(conditions: readonly StatusCondition[]): readonly StatusCondition[] {
  return conditions.map((condition) => ({ ...condition, message: '' }));
}
