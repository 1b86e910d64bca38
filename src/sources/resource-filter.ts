/** `filter` of a `resource` event source: which objects and changes it selects. */
import type { JsonObject } from '../event/json';
import type { KubernetesObject } from '../kubernetes/kubernetes-object';
import type { EventOptions } from '../manifest/event-source';
import type { MatchField } from './source';

export type ResourceOptions = EventOptions<'resource'>;
type Selector = NonNullable<NonNullable<ResourceOptions['filter']>['labels']>[number];
export type ResourceEventType = ResourceOptions['eventTypes'][number];

/** Why a filter cannot be used; for operators. */
export class FilterUnusable extends Error {}

/** The selector of the API server for `filter.labels`; undefined if there is none. */
export function labelSelectorOf({ filter }: ResourceOptions): string | undefined {
  const labels = filter?.labels ?? [];
  return labels.length === 0 ? undefined : labels.map(labelRequirement).join(',');
}

function labelRequirement({ key, operation = '', value = '' }: Selector): string {
  switch (operation) {
    case '':
    case '=':
    case '==':
      return `${key}=${value}`;
    case '!=':
      return `${key}!=${value}`;
    case 'in':
    case 'notin':
      return `${key} ${operation} (${value})`;
    case 'exists':
      return key;
    case '!':
      return `!${key}`;
    case 'gt':
      return `${key}>${value}`;
    case 'lt':
      return `${key}<${value}`;
    default:
      throw new FilterUnusable(
        `the operation ${JSON.stringify(operation)} of filter.labels is unknown; expected one of = == != in notin exists ! gt lt`,
      );
  }
}

export class ResourceFilter {
  private readonly createdBy: number;

  /** @throws FilterUnusable */
  constructor(
    private readonly filter: ResourceOptions['filter'],
    private readonly matchField: MatchField,
  ) {
    this.createdBy = filter?.createdBy ? Date.parse(filter.createdBy) : Infinity;
    if (Number.isNaN(this.createdBy)) throw new FilterUnusable('filter.createdBy is not a time');
    for (const { operation = '' } of filter?.fields ?? []) {
      if (['', '=', '==', '!='].includes(operation)) continue;
      throw new FilterUnusable(
        `the operation ${JSON.stringify(operation)} of filter.fields is unknown; expected one of = == !=`,
      );
    }
  }

  /** `begunAt`: when the source first read, in milliseconds since 1970. */
  async selects(object: KubernetesObject, type: ResourceEventType, begunAt: number): Promise<boolean> {
    const { prefix, afterStart, fields = [] } = this.filter ?? {};
    const { name = '', creationTimestamp } = object.metadata;
    if (prefix && !name.startsWith(prefix)) return false;
    if (Date.parse(creationTimestamp ?? '') > this.createdBy) return false;
    // Kubernetes writes whole seconds.
    if (afterStart && eventTime(object, type) < Math.floor(begunAt / 1_000) * 1_000) return false;
    for (const field of fields) if (!(await this.matches(object, field))) return false;
    return true;
  }

  private async matches(object: KubernetesObject, { key, operation = '', value = '' }: Selector): Promise<boolean> {
    const document: JsonObject = JSON.parse(JSON.stringify(object)) as JsonObject;
    if (operation !== '!=') return await this.matchField(document, key, value);
    const isThere = await this.matchField(document, key, '');
    return isThere && !(await this.matchField(document, key, value));
  }
}

/** When Kubernetes says that it happened, as Argo Events reads it. */
function eventTime({ metadata }: KubernetesObject, type: ResourceEventType): number {
  const created = Date.parse(metadata.creationTimestamp ?? '') || 0;
  switch (type) {
    case 'ADD':
      return created;
    case 'DELETE':
      return metadata.deletionTimestamp ? Date.parse(metadata.deletionTimestamp) : Date.now();
    case 'UPDATE':
      return Math.max(created, ...updateTimes(metadata.managedFields));
  }
}

function updateTimes(managedFields: unknown): number[] {
  if (!Array.isArray(managedFields)) return [];
  return managedFields.flatMap((entry: unknown) => {
    if (typeof entry !== 'object' || entry === null || !('operation' in entry) || !('time' in entry)) return [];
    return entry.operation === 'Update' && typeof entry.time === 'string' ? [Date.parse(entry.time) || 0] : [];
  });
}
