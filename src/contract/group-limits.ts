/** Sensors of one concurrency group may state different limits. Pure. */
import type { GroupStatus } from './group-messages';

/** Undefined if they agree. */
export function describeDisagreement({ sensors, limit }: Pick<GroupStatus, 'sensors' | 'limit'>): string | undefined {
  const stated = sensors.filter((sensor) => sensor.limit !== undefined);
  if (stated.every((sensor) => sensor.limit === limit)) return undefined;
  const each = stated.map((sensor) => `${sensor.sensor} says ${sensor.limit}`).join(', ');
  return `${each}; the smallest, ${limit}, applies`;
}
