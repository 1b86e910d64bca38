/**
 * The event that travels from source to trigger: a CloudEvent 1.0 with parsed data.
 *
 * `source` is the name of the EventSource object and `subject` the event name inside it, as in Argo Events, so that
 * a dependency matches on exactly these two. Pure module: workflow code imports it.
 */
import type { JsonValue } from './json';

export interface CloudEvent {
  readonly specversion: '1.0';
  /** Stable: the same outside occurrence always gets the same id (see event-id.ts). */
  readonly id: string;
  /** Name of the EventSource object. */
  readonly source: string;
  /** Name of the event inside the EventSource. */
  readonly subject: string;
  /** Source kind in lower case, as Argo Events writes it: `redis`, `redisStream`, `webhook` … */
  readonly type: string;
  /** RFC 3339. */
  readonly time: string;
  readonly datacontenttype: string;
  /** Present for JSON content. */
  readonly data?: JsonValue;
  /** Present for anything that is not JSON. */
  readonly data_base64?: string;
  /** Namespace of the EventSource, or of the Sensor whose outcome it is; Argo Events does not set it. */
  readonly sluicenamespace?: string;
  /** How urgent its fires can be at most, `1` to `5`: back-filled events let live ones go first. */
  readonly sluicepriority?: string;
  /** W3C trace context, if the producer sent one. */
  readonly traceparent?: string;
}

/** The trace for the effects of these events: that of the latest event that has one. */
export function traceparentOf(events: readonly CloudEvent[]): string | undefined {
  const traced = events.filter(({ traceparent }) => traceparent !== undefined);
  return traced.sort((one, other) => Date.parse(other.time) - Date.parse(one.time))[0]?.traceparent;
}

/**
 * The id by which the bus detects duplicates. Event sources of two namespaces may have the same name, and an event of
 * one must not count as a duplicate of the other's.
 */
export function messageId(event: Pick<CloudEvent, 'source' | 'id' | 'sluicenamespace'>): string {
  const { sluicenamespace } = event;
  return sluicenamespace === undefined ? eventKey(event) : `${sluicenamespace}/${eventKey(event)}`;
}

/** Globally unique name of an event: CloudEvents promises uniqueness of source + id only. */
export function eventKey(event: Pick<CloudEvent, 'source' | 'id'>): string {
  return `${event.source}/${event.id}`;
}
