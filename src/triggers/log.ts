/**
 * Trigger `log`: one structured line per event, for debugging and demos.
 *
 * `intervalSeconds` is a real throttle here: each worker writes at most one fire of a trigger per interval.
 */
import type { CloudEvent } from '../event/cloud-event';
import { jsonOf } from '../event/event-data';
import { textOf } from '../event/json-text';
import type { LogTriggerTemplate } from '../manifest/triggers/messages';
import type { FireRequest, Trigger, TriggerDependencies, TriggerOf } from './trigger';

export const logTrigger: TriggerOf<'log'> = { kind: 'log', create: createLogTrigger };

function createLogTrigger({ log }: TriggerDependencies): Trigger<LogTriggerTemplate> {
  const lastWrittenAt = new Map<string, number>();

  function isThrottled({ namespace, sensorName, triggerName, template }: FireRequest<LogTriggerTemplate>): boolean {
    const intervalMs = (template.intervalSeconds ?? 0) * 1_000;
    const name = `${namespace}/${sensorName}/${triggerName}`;
    const now = performance.now();
    const last = lastWrittenAt.get(name);
    if (last !== undefined && now - last < intervalMs) return true;
    lastWrittenAt.set(name, now);
    return false;
  }

  return {
    fire(request) {
      if (isThrottled(request)) {
        return Promise.resolve({ kind: 'response', summary: 'not logged: within intervalSeconds of the last line' });
      }
      const { sensorName: sensor, triggerName: trigger, fireId } = request;
      const lines = composeLines(request);
      for (const { message, ...fields } of lines) log.info({ sensor, trigger, fireId, ...fields }, message);
      return Promise.resolve({ kind: 'response', summary: `logged ${lines.length} event(s)` });
    },
    preview: (request) => composeLines(request),
    close: () => Promise.resolve(),
  };
}

function composeLines({ events }: FireRequest<LogTriggerTemplate>) {
  return Object.entries(events).map(([dependencyName, event]) => {
    const { data: _data, data_base64: _base64, ...eventContext } = event;
    return { dependencyName, eventContext: { ...eventContext }, message: dataAsText(event) };
  });
}

/** Returns JSON and plain text unchanged, anything else as base64. */
function dataAsText(event: CloudEvent): string {
  const json = jsonOf(event);
  if (json !== undefined) return textOf(json);
  const base64 = event.data_base64 ?? '';
  return event.datacontenttype.startsWith('text/plain') ? Buffer.from(base64, 'base64').toString('utf8') : base64;
}
