/** Reads the applied sensors that depend on an event, with what they hold of it and their position on the bus. */
import { sensorDefinitionQuery, sensorPlacesQuery, sensorStatusQuery } from '../../contract/sensor-messages';
import { readGroups } from '../status/read-groups';
import { describeError } from '../../errors/sluice-error';
import type { SensorSpec } from '../../manifest/sensor';
import { APPLIED_KINDS } from '../applied-kinds';
import { listApplied, listGone, type AppliedObject } from '../applied-objects';
import { queryApplied } from '../ask-workflow';
import { concurrently } from '../../concurrency/concurrently';
import { describeEnd } from '../status/execution-end';
import type { TemporalSession } from '../temporal-session';
import type { EventFacts, SensorFacts } from './facts';
import type { Candidate } from './find-event';
import { busName, findBus, type OpenBus } from './open-buses';

const QUERIES_AT_ONCE = 8;
const GONE_TIMEOUT_MS = 3_000;

type Gone = NonNullable<EventFacts['gone']>[number];

export async function readInterestedSensors(
  session: TemporalSession,
  namespace: string | undefined,
  candidate: Candidate,
  buses: readonly OpenBus[],
): Promise<{ sensors: SensorFacts[]; unasked: string[]; problems: string[]; gone: Gone[] }> {
  const applied = await listApplied(session, [APPLIED_KINDS.Sensor], namespace);
  const unasked: string[] = [];
  const problems: string[] = [];
  const found = await concurrently(applied, QUERIES_AT_ONCE, async (object) => {
    try {
      return await readSensor(session, object, candidate, buses);
    } catch (error) {
      unasked.push(`sensor ${object.namespace}/${object.name}`);
      problems.push(`Sensor ${object.namespace}/${object.name} cannot be queried: ${describeError(error)}`);
      return undefined;
    }
  });
  const ended = await listGone(session, [APPLIED_KINDS.Sensor], namespace, applied);
  const gone = await concurrently(ended, QUERIES_AT_ONCE, async ({ end, ...object }) => {
    const sensor = `${object.namespace}/${object.name}`;
    return (await wasInterested(session, object, candidate)) ? { sensor, reason: describeEnd(end) } : undefined;
  });
  return {
    sensors: found.filter((sensor) => sensor !== undefined),
    unasked,
    problems,
    gone: gone.filter((sensor) => sensor !== undefined),
  };
}

/** An ended workflow still responds to queries while there is a worker. */
async function wasInterested(session: TemporalSession, object: AppliedObject, candidate: Candidate): Promise<boolean> {
  try {
    const { spec } = await queryApplied(session, object, sensorDefinitionQuery, [], GONE_TIMEOUT_MS);
    return isInterested(spec, candidate);
  } catch {
    return false;
  }
}

function isInterested({ dependencies }: SensorSpec, { source, subject }: Candidate): boolean {
  return dependencies.some(({ eventSourceName, eventName }) => eventSourceName === source && eventName === subject);
}

async function readSensor(
  session: TemporalSession,
  object: AppliedObject,
  candidate: Candidate,
  buses: readonly OpenBus[],
): Promise<SensorFacts | undefined> {
  const { key, buses: seenOn } = candidate;
  const definition = await queryApplied(session, object, sensorDefinitionQuery, []);
  if (!isInterested(definition.spec, candidate)) return undefined;
  const bus = findBus(buses, definition.bus);
  // Another bus may have an event source of the same name; its sensors never see this event.
  if (bus !== undefined && seenOn.size > 0 && !seenOn.has(busName(bus))) return undefined;
  const [status, places, position, backlog] = await Promise.all([
    queryApplied(session, object, sensorStatusQuery, []),
    queryApplied(session, object, sensorPlacesQuery, [key]),
    bus?.bus.position(object.namespace, object.name),
    bus?.bus.sensorBacklog(object.namespace, object.name, { record: false }),
  ]);
  const waitsIn = new Set(places.flatMap((place) => (place.kind === 'queued' && place.group ? [place.group] : [])));
  const groups = await readGroups(session, object.namespace, [...waitsIn]);
  return {
    ...{ definition, status, places },
    ...(groups.length > 0 && { groups }),
    ...(position && { position }),
    ...(backlog && { expired: backlog.history }),
  };
}
