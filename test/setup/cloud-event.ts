import type { CloudEvent } from '../../src/event/cloud-event';

/** An event as a source publishes it; `fields` replace those that a test is about. */
export function cloudEvent(fields: Partial<CloudEvent> = {}): CloudEvent {
  return {
    specversion: '1.0',
    id: 'scenes:stac-events:1-0',
    source: 'stac',
    subject: 'scenes',
    type: 'redisStream',
    time: '2026-01-02T03:04:05.678Z',
    datacontenttype: 'application/json',
    ...fields,
  };
}
