/** How many runs of each sensor are parked: asked once for all sensors of a worker, as long as they are few. */
import type { WorkflowClient } from '@temporalio/client';
import { sensorRef } from '../../src/contract/identity';
import type { ObjectName } from '../../src/contract/definitions';

const PARKED = `SluiceState = 'Parked' AND ExecutionStatus = 'Running'`;
const SHARED_FOR_MS = 5_000;
/** Of more, each sensor counts its own. */
const MOST_LISTED = 500;

/** By sensor; undefined: too many to list. */
type Counts = ReadonlyMap<string, number> | undefined;

export class ParkedRuns {
  /** By Temporal namespace. */
  private readonly looks = new Map<string, { readonly at: number; readonly counts: Promise<Counts> }>();

  async count(workflows: WorkflowClient, { namespace, name }: ObjectName): Promise<number> {
    const sensor = sensorRef(namespace, name);
    const counts = await this.look(workflows);
    if (counts !== undefined) return counts.get(sensor) ?? 0;
    return (await workflows.count(`SluiceSensor = '${sensor}' AND ${PARKED}`)).count;
  }

  private look(workflows: WorkflowClient): Promise<Counts> {
    const { namespace } = workflows.options;
    const known = this.looks.get(namespace);
    if (known !== undefined && performance.now() - known.at < SHARED_FOR_MS) return known.counts;
    const counts = countAll(workflows);
    this.looks.set(namespace, { at: performance.now(), counts });
    counts.catch(() => this.looks.delete(namespace));
    return counts;
  }
}

async function countAll(workflows: WorkflowClient): Promise<Counts> {
  const { count } = await workflows.count(PARKED);
  if (count > MOST_LISTED) return undefined;
  const counts = new Map<string, number>();
  if (count === 0) return counts;
  for await (const { searchAttributes } of workflows.list({ query: PARKED })) {
    const [sensor] = searchAttributes['SluiceSensor'] ?? [];
    if (typeof sensor === 'string') counts.set(sensor, (counts.get(sensor) ?? 0) + 1);
  }
  return counts;
}
