/** The applied objects with their observed state: for `sluice list` and programs. */
import { concurrently } from '../../concurrency/concurrently';
import type { SensorStatus } from '../../contract/sensor-messages';
import { isSluiceError } from '../../errors/sluice-error';
import type { AppliedKind } from '../applied-kinds';
import { inOrder, listApplied, listGone, type AppliedObject } from '../applied-objects';
import type { TemporalSession } from '../temporal-session';
import { goneCondition, type Condition } from './condition';
import { readCondition } from './read-condition';

const QUERY_TIMEOUT_MS = 3_000;
const QUERIES_AT_ONCE = 24;

export type ListedObject = AppliedObject & Condition & { readonly sensor?: Pick<SensorStatus, 'counts' | 'lag'> };

/**
 * Lists in the order bus, source, sensor, then by name.
 *
 * @param namespace undefined: all of them
 */
export async function listObjects(
  session: TemporalSession,
  kinds: readonly AppliedKind[],
  namespace: string | undefined,
  onFound: (count: number) => void = () => undefined,
): Promise<ListedObject[]> {
  const applied = await listApplied(session, kinds, namespace);
  onFound(applied.length);
  const [present, gone] = await Promise.all([
    concurrently(applied, QUERIES_AT_ONCE, (object) => look(session, object)),
    listGone(session, kinds, namespace, applied),
  ]);
  return inOrder([
    ...present.filter((object) => object !== undefined),
    ...gone.map(({ end, ...object }) => ({ ...object, ...goneCondition(end) })),
  ]);
}

/** Resolves with undefined if the object was deleted meanwhile. */
async function look(session: TemporalSession, object: AppliedObject): Promise<ListedObject | undefined> {
  try {
    return { ...object, ...(await readCondition(session, object, QUERY_TIMEOUT_MS)) };
  } catch (error) {
    if (isSluiceError(error) && error.code === 'OBJECT_UNKNOWN') return undefined;
    throw error;
  }
}
