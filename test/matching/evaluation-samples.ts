/** Events and dependencies for the tests of transforms, filters and parameters. */
import type { CloudEvent } from '../../src/event/cloud-event';
import type { Dependency } from '../../src/manifest/filters';

export function eventWith(changes: Partial<CloudEvent> = {}): CloudEvent {
  return {
    specversion: '1.0',
    id: 'e1',
    source: 'stac',
    subject: 'items',
    type: 'redis',
    time: '2026-01-02T03:04:05.678Z',
    datacontenttype: 'application/json',
    data: {},
    ...changes,
  };
}

export function dependencyWith(changes: Partial<Dependency> = {}): Dependency {
  return { name: 'scene', eventSourceName: 'stac', eventName: 'items', ...changes };
}

export function base64(text: string): string {
  return Buffer.from(text).toString('base64');
}
