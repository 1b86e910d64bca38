/** An event as Argo Events shows it to parameters. */
import type { CloudEvent } from '../event/cloud-event';
import { dataBytes } from '../event/event-data';
import type { JsonObject } from '../event/json';

/** The `context` of an event as Argo Events shows it to triggers: these keys in this order, time in whole seconds. */
export function contextOf(event: CloudEvent): JsonObject {
  return {
    id: event.id,
    source: event.source,
    specversion: event.specversion,
    type: event.type,
    datacontenttype: event.datacontenttype,
    subject: event.subject,
    time: wholeSeconds(event.time),
  };
}

/** The whole event as Argo Events gives it to a parameter without keys: context, and the data's bytes as base64. */
export function wholeEventText(event: CloudEvent): string {
  return JSON.stringify({ context: contextOf(event), data: dataBytes(event) ?? null });
}

function wholeSeconds(time: string): string {
  const at = Date.parse(time);
  return Number.isNaN(at) ? time : `${new Date(at).toISOString().slice(0, 19)}Z`;
}
