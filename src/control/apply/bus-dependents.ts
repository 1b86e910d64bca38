/** Sources and sensors hold a copy of their bus: when a bus changes, its dependents get the new one. */
import type { EventBusDefinition } from '../../contract/definitions';
import { eventSourceDefinitionQuery } from '../../contract/event-source-messages';
import { sensorDefinitionQuery } from '../../contract/sensor-messages';
import { APPLIED_KINDS } from '../applied-kinds';
import { listApplied, type AppliedObject } from '../applied-objects';
import { askWorkflow, notApplied } from '../ask-workflow';
import { concurrently } from '../../concurrency/concurrently';
import type { TemporalSession } from '../temporal-session';
import { usedBus, type Desired } from './desired-objects';

const QUERIES_AT_ONCE = 8;

/** Resolves with every running source and sensor of the bus, as it is applied now. */
export async function findBusDependents(
  session: TemporalSession,
  bus: { readonly namespace: string; readonly name: string },
): Promise<Desired[]> {
  const candidates = await listApplied(session, [APPLIED_KINDS.EventSource, APPLIED_KINDS.Sensor], bus.namespace);
  const found = await concurrently(candidates, QUERIES_AT_ONCE, (object) => readDefinition(session, object));
  return found.filter((desired) => desired.kind !== 'EventBus' && desired.definition.bus.name === bus.name);
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
  const unknown = () => notApplied(object);
  if (object.kind.kind === 'Sensor') {
    const definition = await askWorkflow(session, object.workflowId, unknown, (handle) =>
      handle.query(sensorDefinitionQuery),
    );
    return { kind: 'Sensor', definition };
  }
  const definition = await askWorkflow(session, object.workflowId, unknown, (handle) =>
    handle.query(eventSourceDefinitionQuery),
  );
  return { kind: 'EventSource', definition };
}
