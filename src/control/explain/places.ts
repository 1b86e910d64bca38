/** Describes where a sensor holds an event. Pure. */
import type { GroupStatus } from '../../contract/group-messages';
import type { HeldPlace } from '../../contract/sensor-messages';

/** Without the sensor, which is the subject of the sentence. */
export function describePlace(place: HeldPlace, groups: readonly GroupStatus[] = []): string {
  const { trigger, dependency } = place;
  switch (place.kind) {
    case 'held':
      return `holds it as dependency ${dependency} for trigger ${trigger}, which waits for ${place.waitingFor}`;
    case 'collected': {
      const due = place.dueAt === undefined ? '' : `, to be fired at ${new Date(place.dueAt).toISOString()}`;
      return `collects it for trigger ${trigger}, ${place.collected} so far${due}`;
    }
    case 'queued':
      if (place.group !== undefined) {
        const group = groups.find(({ name }) => name === place.group);
        return `queues it for trigger ${trigger}, behind ${place.ahead} others of this sensor, for a place in concurrency group ${place.group}${group ? `: ${describeUse(group)}` : ''}`;
      }
      return `queues it for trigger ${trigger}, behind ${place.ahead} others and the fires in flight`;
  }
}

/** Who has the places of a concurrency group. */
export function describeUse({ used, limit, sensors, leftBehind }: GroupStatus): string {
  const holders = [
    ...sensors.flatMap(({ sensor, holding }) => (holding > 0 ? [`${sensor} has ${holding}`] : [])),
    ...(leftBehind.length > 0 ? [`runs of deleted sensors have ${leftBehind.length}`] : []),
  ];
  return `${used} of ${limit} places are in use${holders.length > 0 ? ` (${holders.join(', ')})` : ''}`;
}
