/** Sources and sensors hold a copy of their bus: when a bus changes, its dependents get the new one. */
import { isDeepStrictEqual } from 'node:util';
import type { EventBusDefinition } from '../../contract/definitions';
import { isSluiceError } from '../../errors/sluice-error';
import { queryDefinition } from '../applied-definition';
import { APPLIED_KINDS } from '../applied-kinds';
import { listApplied, type AppliedObject } from '../applied-objects';
import { askWorkflow, hasWorker, notApplied, workerMissing } from '../ask-workflow';
import { concurrently } from '../../concurrency/concurrently';
import type { TemporalSession } from '../temporal-session';
import { usedBus, type Desired } from './desired-objects';

const QUERIES_AT_ONCE = 8;

export interface BusDependents {
  /** Every running source and sensor of the bus, as it is applied now. */
  readonly found: readonly Desired[];
  /** Sources and sensors whose bus is unknown, because no worker answers for them. */
  readonly unanswered: readonly AppliedObject[];
}

export async function findBusDependents(
  session: TemporalSession,
  bus: { readonly namespace: string; readonly name: string },
): Promise<BusDependents> {
  const candidates = await listApplied(session, [APPLIED_KINDS.EventSource, APPLIED_KINDS.Sensor], bus.namespace);
  const unanswered: AppliedObject[] = [];
  const read = await concurrently(candidates, QUERIES_AT_ONCE, async (object) => {
    try {
      return await readDefinition(session, object);
    } catch (error) {
      if (!isSluiceError(error) || (error.code !== 'WORKER_MISSING' && error.code !== 'OBJECT_UNKNOWN')) throw error;
      if (error.code === 'WORKER_MISSING') unanswered.push(object);
      return undefined;
    }
  });
  const found = read
    .filter((desired) => desired !== undefined)
    .filter((desired) => desired.kind !== 'EventBus' && desired.definition.bus.name === bus.name);
  return { found, unanswered };
}

/** True if the object holds another version of the bus than this one. */
export function hasOtherBus(desired: Desired, bus: EventBusDefinition): boolean {
  if (desired.kind === 'EventBus') return false;
  // As JSON: on its way through Temporal, undefined fields vanish.
  const plain = (value: EventBusDefinition): unknown => JSON.parse(JSON.stringify(usedBus(value)));
  return !isDeepStrictEqual(plain(desired.definition.bus), plain(bus));
}

export function withBus(desired: Desired, bus: EventBusDefinition): Desired {
  switch (desired.kind) {
    case 'EventBus':
      return desired;
    case 'EventSource':
      return { ...desired, definition: { ...desired.definition, bus: usedBus(bus) } };
    case 'Sensor':
      return { ...desired, definition: { ...desired.definition, bus: usedBus(bus) } };
  }
}

async function readDefinition(session: TemporalSession, object: AppliedObject): Promise<Desired> {
  // A query without a worker ends only by timeout.
  if (!(await hasWorker(session, object.taskQueue))) throw workerMissing(object.taskQueue);
  return await queryDefinition(object.kind.kind, (question) =>
    askWorkflow(session, object.workflowId, () => notApplied(object), question),
  );
}
