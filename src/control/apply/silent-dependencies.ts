/** Finds dependencies of Sensors whose events nothing that is applied publishes: a typing error shows nowhere else. */
import { ABSENCE_SOURCE } from '../../event/absence-event';
import { OUTCOME_SOURCE } from '../../event/outcome-event-id';
import { declaredEvents } from '../../validation/validate-event-source';
import type { EventSourceSpec } from '../../manifest/event-source';
import type { ObjectName, SensorDefinition } from '../../contract/definitions';
import { concurrently } from '../../concurrency/concurrently';
import type { Desired } from './desired-objects';

/** Events that Sluice publishes itself. */
const OWN_SOURCES: ReadonlySet<string> = new Set([ABSENCE_SOURCE, OUTCOME_SOURCE]);

const SENSORS_AT_ONCE = 8;

/** An event source that is applied. `spec` is undefined if no worker could be asked for it. */
export interface AppliedSource {
  readonly spec: EventSourceSpec | undefined;
}

type FindSource = (name: ObjectName) => Promise<AppliedSource | undefined>;

/**
 * Returns one sentence for each dependency that waits for an event source, or for an event of it, that is not there.
 * Leaves out sensors whose bus takes events from other namespaces.
 *
 * @param findSource looks up an event source that is applied
 */
export async function silentDependencies(
  objects: readonly Desired[],
  findSource: FindSource,
): Promise<readonly string[]> {
  const found = new Map<string, ReturnType<FindSource>>();
  for (const object of objects) {
    if (object.kind !== 'EventSource') continue;
    const { namespace, name, spec } = object.definition;
    found.set(`${namespace}/${name}`, Promise.resolve({ spec }));
  }
  const find: FindSource = (name) => {
    const key = `${name.namespace}/${name.name}`;
    const source = found.get(key) ?? findSource(name);
    found.set(key, source);
    return source;
  };
  const sensors = objects.flatMap((object) => (object.kind === 'Sensor' ? [object.definition] : []));
  return (await concurrently(sensors, SENSORS_AT_ONCE, (sensor) => describeSilence(sensor, find))).flat();
}

async function describeSilence(
  { namespace, name, spec, bus }: SensorDefinition,
  find: FindSource,
): Promise<readonly string[]> {
  if (bus.options?.acceptNamespaces !== undefined) return [];
  const sentences = spec.dependencies.map(async ({ name: dependency, eventSourceName, eventName }) => {
    if (OWN_SOURCES.has(eventSourceName)) return [];
    const source = await find({ namespace, name: eventSourceName });
    const about = `Sensor ${namespace}/${name}: dependency ${dependency} waits for event ${eventName} of EventSource ${namespace}/${eventSourceName}`;
    if (source === undefined) return [`${about}, which is not applied`];
    const events = source.spec && declaredEvents(source.spec).map((event) => event.name);
    return events === undefined || events.includes(eventName) ? [] : [`${about}, which has ${events.join(', ')}`];
  });
  return (await Promise.all(sentences)).flat();
}
