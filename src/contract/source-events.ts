/** The events that an EventSource's spec declares. Pure: the eventSource workflow imports it. */
import type { EventSourceSpec } from '../manifest/event-source';
import type { UnreadFate } from '../kinds/source-kinds';

/** Keys of the spec that are not a map of events. */
const OTHER_KEYS: readonly string[] = ['eventBusName', 'template', 'service', 'replicas'];

export interface SourceEvent {
  readonly kind: string;
  readonly name: string;
}

/** For display: what happens to events while their source is paused. */
export function describeUnread(fate: UnreadFate): string {
  switch (fate) {
    case 'wait':
      return 'stays in the system that is read';
    case 'lost':
      return 'not kept while paused: events sent meanwhile are lost';
    case 'refused':
      return 'not kept while paused: callers are refused and must send again';
  }
}

/** In the order of the manifest: `spec.<kind>.<event name>`. */
export function listEvents(spec: EventSourceSpec): readonly SourceEvent[] {
  return Object.entries(spec).flatMap(([kind, events]) =>
    OTHER_KEYS.includes(kind) || typeof events !== 'object' || events === null
      ? []
      : Object.keys(events).map((name) => ({ kind, name })),
  );
}
