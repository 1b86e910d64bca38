/** The events that an EventSource's spec declares. Pure: the eventSource workflow imports it. */
import type { EventSourceSpec } from '../manifest/event-source';

/** Kinds that Sluice reads; a test compares them with the registry. */
export const RUN_SOURCE_KINDS: readonly string[] = ['redis', 'redisStream', 'webhook'];

/** Keys of the spec that are not a map of events. */
const OTHER_KEYS: readonly string[] = ['eventBusName', 'template', 'service', 'replicas'];

export interface SourceEvent {
  readonly kind: string;
  readonly name: string;
}

export function isRunSource(kind: string): boolean {
  return RUN_SOURCE_KINDS.includes(kind);
}

/** In the order of the manifest: `spec.<kind>.<event name>`. */
export function listEvents(spec: EventSourceSpec): readonly SourceEvent[] {
  return Object.entries(spec).flatMap(([kind, events]) =>
    OTHER_KEYS.includes(kind) || typeof events !== 'object' || events === null
      ? []
      : Object.keys(events).map((name) => ({ kind, name })),
  );
}
