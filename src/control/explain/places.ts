/** Describes where a sensor holds an event. Pure. */
import type { HeldPlace } from '../../contract/sensor-messages';

/** Without the sensor, which is the subject of the sentence. */
export function describePlace(place: HeldPlace): string {
  const { trigger, dependency } = place;
  switch (place.kind) {
    case 'held':
      return `holds it as dependency ${dependency} for trigger ${trigger}, which waits for ${place.waitingFor}`;
    case 'collected': {
      const due = place.dueAt === undefined ? '' : `, to be fired at ${new Date(place.dueAt).toISOString()}`;
      return `collects it for trigger ${trigger}, ${place.collected} so far${due}`;
    }
    case 'queued':
      return `queues it for trigger ${trigger}, behind ${place.ahead} others and the fires in flight`;
  }
}
