/** The labels and annotations that identify created objects and the events that they come from. */
import type { KubernetesObject } from './kubernetes-object';

/** As Argo Events writes them, so that dashboards and scripts keep working. */
export const SENSOR_LABEL = 'events.argoproj.io/sensor';
export const TRIGGER_LABEL = 'events.argoproj.io/trigger';
export const ACTION_TIMESTAMP_LABEL = 'events.argoproj.io/action-timestamp';

/** The fire that created the object: decides whether "already exists" means "done before". */
export const FIRE_ID_ANNOTATION = 'sluice.io/fire-id';
/** Workflow id of the run that waits for the object's outcome. */
export const RUN_ID_ANNOTATION = 'sluice.io/run-id';
/** The last fire that changed an object it did not create (retry, stop, resume …). */
export const LAST_FIRE_ID_ANNOTATION = 'sluice.io/last-fire-id';
/** JSON list of the full event keys (`<event source>/<event id>`). */
export const EVENT_IDS_ANNOTATION = 'sluice.io/event-ids';
/** W3C trace context of the event, to continue the trace inside the Workflow. */
export const TRACEPARENT_ANNOTATION = 'traceparent';

export function fireIdOf(object: KubernetesObject): string | undefined {
  return object.metadata.annotations?.[FIRE_ID_ANNOTATION];
}

/** Returns any name as a legal label value: names of sensors and triggers need not be legal ones. */
export function toLabelValue(name: string): string {
  return name
    .replace(/[^-_.a-zA-Z0-9]/g, '-')
    .slice(0, 63)
    .replace(/^[^a-zA-Z0-9]+|[^a-zA-Z0-9]+$/g, '');
}
