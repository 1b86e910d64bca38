/**
 * While a sensor is paused, its events wait on the bus, which may remove them earlier: this activity measures them for
 * Prometheus and `sluice status`, and records those that the bus removes.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { Bus } from '../../src/bus/bus';
import { BacklogTelemetry } from './backlog-telemetry';
import { toBacklogHeartbeat } from './backlog-heartbeat';
import type { SensorActivities, WatchPausedSensorRequest } from '../../src/contract/activities';
import { unlessCancelled, type Heartbeat } from '../worker/heartbeat';
import { whilePaused } from '../worker/while-paused';
import { recordExpired } from './record-expired';
import type { WorkerDependencies } from '../worker/worker-dependencies';

const MEASURE_EVERY_MS = 5_000;

export function createPausedSensorActivities(
  dependencies: WorkerDependencies,
): Pick<SensorActivities, 'sluiceWatchPausedSensor'> {
  return {
    sluiceWatchPausedSensor: (request) =>
      whilePaused({}, ({ cancellationSignal: signal }, heartbeat) =>
        dependencies.buses.use(request.definition.bus, signal, (bus) =>
          watch(request, signal, bus, dependencies, heartbeat),
        ),
      ),
  };
}

async function watch(
  { definition }: WatchPausedSensorRequest,
  signal: AbortSignal,
  bus: Bus,
  { metrics, log }: WorkerDependencies,
  heartbeat: Heartbeat,
): Promise<void> {
  const { namespace, name } = definition;
  const telemetry = new BacklogTelemetry(metrics, definition);
  telemetry.open();
  try {
    while (!signal.aborted) {
      const backlog = await unlessCancelled(bus.sensorBacklog(namespace, name, { record: true }));
      if (backlog !== undefined) {
        telemetry.observe(backlog);
        recordExpired(bus, log, definition, backlog.expired);
        heartbeat.report(() => {
          const busProblem = bus.problem();
          return { ...toBacklogHeartbeat(backlog), ...(busProblem !== undefined && { busProblem }) };
        });
      }
      await delay(MEASURE_EVERY_MS, undefined, { signal, ref: false }).catch(() => undefined);
    }
  } finally {
    telemetry.close();
  }
}
