import { createSensorActivities } from '../../activities/sensor-activities';
import type { PluginActivities, WorkerDependencies } from '../../activities/worker/worker-dependencies';
import { SluicePlugin, type SluicePluginOptions } from './sluice-plugin';

/** The `name` of the plugin. */
export const SENSOR_PLUGIN_NAME = 'sluice.SensorPlugin';

/**
 * Makes any Temporal worker run event buses, sensors and their runs: adds the workflows of Sluice and the activities
 * that listen to the bus and fire triggers. Pass it once, in `plugins` of the worker. Buses and sensors are applied to
 * the task queue of this worker by `sluice apply --sensor-task-queue`.
 *
 * @example
 * ```ts
 * import { NativeConnection, Worker } from '@temporalio/worker';
 * import { EventSourcePlugin, SensorPlugin } from 'sluice';
 *
 * async function main(): Promise<void> {
 *   const worker = await Worker.create({
 *     connection: await NativeConnection.connect({ address: 'localhost:7233' }),
 *     taskQueue: 'my-queue',
 *     plugins: [new EventSourcePlugin(), new SensorPlugin({ argoUi: 'https://argo.example.com' })],
 *     maxConcurrentActivityTaskExecutions: 1_000,
 *   });
 *   await worker.run();
 * }
 *
 * void main();
 * ```
 */
export class SensorPlugin extends SluicePlugin {
  constructor(options: SluicePluginOptions = {}) {
    super(SENSOR_PLUGIN_NAME, options);
  }

  protected override createActivities(dependencies: WorkerDependencies): PluginActivities {
    return createSensorActivities(dependencies);
  }
}
