/** A worker process for sensors: `node dist/workers/sensor.js`. Configured by environment, see settings.ts. */
import { SensorPlugin } from '../src/plugin/sensor-plugin';
import { main } from './main';

main((settings, log) => [
  { taskQueue: settings.sensorTaskQueue, plugin: new SensorPlugin({ log, argoUi: settings.argoUi }) },
]);
