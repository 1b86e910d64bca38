/**
 * All workers in one process, for small clusters and for the demo: `node dist/workers/all-in-one.js`. The controller is
 * among them if SLUICE_CONTROLLER_NAMESPACES is set.
 */
import { EventSourcePlugin } from '../src/plugin/event-source-plugin';
import { SensorPlugin } from '../src/plugin/sensor-plugin';
import { createControllerRole } from './controller-role';
import { main } from './main';

main((settings, log) => [
  { taskQueue: settings.eventSourceTaskQueue, plugin: new EventSourcePlugin({ log }) },
  { taskQueue: settings.sensorTaskQueue, plugin: new SensorPlugin({ log, argoUi: settings.argoUi }) },
  ...(settings.controllerNamespaces === undefined ? [] : [createControllerRole(settings, log)]),
]);
