/** The events that an EventSource's spec declares. Pure: the eventSource workflow imports it. */
import type { EventSourceSpec } from '../manifest/event-source';

/** What becomes of events that come while nobody reads. */
export type UnreadFate = 'wait' | 'lost' | 'refused';

/** Kinds that Sluice reads; a test compares them with the registry. */
const RUN_SOURCES: Readonly<Record<string, UnreadFate>> = { redis: 'lost', redisStream: 'wait', webhook: 'refused' };

export const RUN_SOURCE_KINDS: readonly string[] = Object.keys(RUN_SOURCES);

/** Keys of the spec that are not a map of events. */
const OTHER_KEYS: readonly string[] = ['eventBusName', 'template', 'service', 'replicas'];

export interface SourceEvent {
  readonly kind: string;
  readonly name: string;
}

export function isRunSource(kind: string): boolean {
  return RUN_SOURCE_KINDS.includes(kind);
}

/** Undefined for a kind that is not read here. */
export function unreadFate(kind: string): UnreadFate | undefined {
  return Object.hasOwn(RUN_SOURCES, kind) ? RUN_SOURCES[kind] : undefined;
}

/** For people, of an event whose source is paused. */
export function describeUnread(fate: UnreadFate): string {
  switch (fate) {
    case 'wait':
      return 'waits outside';
    case 'lost':
      return 'nothing is kept while paused: what is sent meanwhile is lost';
    case 'refused':
      return 'nothing is kept while paused: callers are refused and must send again';
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
