/**
 * Events of other namespaces on a shared bus: event sources of several namespaces may have the same name, and a sensor
 * receives only events of its own. Pure.
 */
import type { CloudEvent } from '../../src/event/cloud-event';
import type { EventBusDefinition, ObjectName } from '../../src/contract/definitions';

/** A sensor with its bus's options for other namespaces. */
export type SensorOnBus = ObjectName & { readonly bus?: Pick<EventBusDefinition, 'options'> };

/** Returns the event's namespace if its sensor must not take it. Events of Argo Events name none, and are taken. */
export function foreignNamespace(event: CloudEvent, sensor: SensorOnBus): string | undefined {
  const { sluicenamespace: from } = event;
  if (from === undefined || from === sensor.namespace) return undefined;
  const accepted = sensor.bus?.options?.acceptNamespaces ?? [];
  return accepted.includes('*') || accepted.includes(from) ? undefined : from;
}
