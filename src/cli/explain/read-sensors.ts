/** The applied sensors that ask for an event, with what they hold of it and how far they have come on the bus. */
import type { QueryDefinition } from '@temporalio/common';
import { sensorDefinitionQuery, sensorPlacesQuery, sensorStatusQuery } from '../../../workflows/messages';
import { describeError } from '../../errors';
import { APPLIED_KINDS } from '../applied-kinds';
import { listApplied, type AppliedObject } from '../applied-objects';
import { askWorkflow, notApplied } from '../ask-workflow';
import { concurrently } from '../concurrently';
import type { TemporalSession } from '../temporal';
import type { SensorFacts } from './facts';
import type { Candidate } from './find-event';
import { busName, findBus, type OpenBus } from './open-buses';

const QUERIES_AT_ONCE = 8;

export async function readInterestedSensors(
  session: TemporalSession,
  namespace: string | undefined,
  candidate: Candidate,
  buses: readonly OpenBus[],
): Promise<{ sensors: SensorFacts[]; unasked: string[]; problems: string[] }> {
  const applied = await listApplied(session, [APPLIED_KINDS.Sensor], namespace);
  const unasked: string[] = [];
  const problems: string[] = [];
  const found = await concurrently(applied, QUERIES_AT_ONCE, async (object) => {
    try {
      return await readSensor(session, object, candidate, buses);
    } catch (error) {
      unasked.push(`sensor ${object.namespace}/${object.name}`);
      problems.push(`Sensor ${object.namespace}/${object.name} cannot be asked: ${describeError(error)}`);
      return undefined;
    }
  });
  return { sensors: found.filter((sensor) => sensor !== undefined), unasked, problems };
}

async function readSensor(
  session: TemporalSession,
  object: AppliedObject,
  { key, source, subject, buses: seenOn }: Candidate,
  buses: readonly OpenBus[],
): Promise<SensorFacts | undefined> {
  const ask = <T, Args extends unknown[]>(wanted: QueryDefinition<T, Args>, ...args: Args): Promise<T> =>
    askWorkflow(
      session,
      object.workflowId,
      () => notApplied(object),
      (handle) => handle.query(wanted, ...args),
    );
  const definition = await ask(sensorDefinitionQuery);
  const isInterested = definition.spec.dependencies.some(
    ({ eventSourceName, eventName }) => eventSourceName === source && eventName === subject,
  );
  if (!isInterested) return undefined;
  const bus = findBus(buses, definition.bus);
  // Another bus may have an event source of the same name; its sensors never see this event.
  if (bus !== undefined && seenOn.size > 0 && !seenOn.has(busName(bus))) return undefined;
  const [status, places, position, backlog] = await Promise.all([
    ask(sensorStatusQuery),
    ask(sensorPlacesQuery, key),
    bus?.bus.position(object.namespace, object.name),
    bus?.bus.sensorBacklog(object.namespace, object.name, { record: false }),
  ]);
  return { definition, status, places, ...(position && { position }), ...(backlog && { expired: backlog.history }) };
}
