/** Events and dependencies for the tests of transforms, filters and parameters. */
import type { CloudEvent } from '../../src/event/cloud-event';
import type { Dependency } from '../../src/manifest/filters';
import { cloudEvent } from '../setup/cloud-event';

export function eventWith(changes: Partial<CloudEvent> = {}): CloudEvent {
  return cloudEvent({ id: 'e1', subject: 'items', type: 'redis', data: {}, ...changes });
}

export function dependencyWith(changes: Partial<Dependency> = {}): Dependency {
  return { name: 'scene', eventSourceName: 'stac', eventName: 'items', ...changes };
}

export function base64(text: string): string {
  return Buffer.from(text).toString('base64');
}
