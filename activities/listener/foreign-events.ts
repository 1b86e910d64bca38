/**
 * Events of other namespaces on a bus that several share: event sources may have one name there, and a sensor is meant
 * to hear of its own only. Pure.
 */
import type { CloudEvent } from '../../src/event/cloud-event';
import type { EventBusDefinition, ObjectName } from '../../src/contract/definitions';

/** A sensor with what its bus says of other namespaces. */
export type SensorOnBus = ObjectName & { readonly bus?: Pick<EventBusDefinition, 'options'> };

/** Where the event comes from, if its sensor must not take it. Events of Argo Events do not say, and are taken. */
export function foreignNamespace(event: CloudEvent, sensor: SensorOnBus): string | undefined {
  const { sluicenamespace: from } = event;
  if (from === undefined || from === sensor.namespace) return undefined;
  const accepted = sensor.bus?.options?.acceptNamespaces ?? [];
  return accepted.includes('*') || accepted.includes(from) ? undefined : from;
}
