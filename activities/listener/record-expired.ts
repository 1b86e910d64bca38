/** Records which events a sensor has lost because the bus removed them before it handled them. */
import type { Bus } from '../../src/bus/bus';
import type { ExpiredEvents } from '../../src/bus/expired-events';
import { expiredRecord } from '../../src/records/expired-record';
import type { ObjectName } from '../../src/contract/definitions';
import type { WorkerDependencies } from '../worker/worker-dependencies';

export function recordExpired(
  bus: Pick<Bus, 'recordDecisions'>,
  log: WorkerDependencies['log'],
  sensor: ObjectName,
  expired: readonly ExpiredEvents[],
): void {
  if (expired.length === 0) return;
  const records = expired.map((range) => expiredRecord(sensor, range, new Date()));
  // Written even if the sensor keeps no decisions: these events leave no other trace.
  bus.recordDecisions(records);
  for (const { reason } of records)
    log.error({ sensor: sensor.name }, `sensor ${sensor.namespace}/${sensor.name}: ${reason}`);
}
