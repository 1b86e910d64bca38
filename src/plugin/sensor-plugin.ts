/** The Sensor plugin: makes any Temporal worker run sensors. `new SensorPlugin()` in `Worker.create({ plugins })`. */
import { createSensorActivities } from '../../activities/sensor-activities';
import type { PluginActivities, WorkerDependencies } from '../../activities/worker/worker-dependencies';
import { SluicePlugin, type SluicePluginOptions } from './sluice-plugin';

export const SENSOR_PLUGIN_NAME = 'sluice.SensorPlugin';

export class SensorPlugin extends SluicePlugin {
  constructor(options: SluicePluginOptions = {}) {
    super(SENSOR_PLUGIN_NAME, options);
  }

  protected override createActivities(dependencies: WorkerDependencies): PluginActivities {
    return createSensorActivities(dependencies);
  }
}
