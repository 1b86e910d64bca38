/** Public names of Sluice. Importing this starts nothing. */
export { EventSourcePlugin, EVENT_SOURCE_PLUGIN_NAME } from './event-source-plugin';
export { SensorPlugin, SENSOR_PLUGIN_NAME } from './sensor-plugin';
export type { SluicePluginOptions } from './plugin/sluice-plugin';
export {
  formatProblem,
  loadManifests,
  loadManifestText,
  manifestJsonSchema,
  parseEventBus,
  parseEventSource,
  parseSensor,
  type Problem,
} from './manifest';
export { SluiceError, isSluiceError, describeError, ERROR_CODES, type ErrorCode } from './errors';
export type { CloudEvent } from './event/cloud-event';
export { SEARCH_ATTRIBUTES } from '../workflows/search-attributes';
export {
  DEFAULT_TASK_QUEUES,
  eventBusWorkflowId,
  eventSourceWorkflowId,
  sensorRunWorkflowId,
  sensorWorkflowId,
} from '../workflows/identity';
