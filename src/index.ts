/** Public names of Sluice. Importing this starts nothing. */
export { EventSourcePlugin, EVENT_SOURCE_PLUGIN_NAME } from './plugin/event-source-plugin';
export { SensorPlugin, SENSOR_PLUGIN_NAME } from './plugin/sensor-plugin';
export { guardProcess, type ProcessGuardOptions } from './plugin/process-guard';
export { watchEventLoop, type EventLoopWatchOptions } from './plugin/event-loop-watch';
export type { SluicePluginOptions } from './plugin/sluice-plugin';
export type { PayloadKeySource } from './payloads/key-ring';

export { SluiceError, isSluiceError, describeError, ERROR_CODES, type ErrorCode } from './errors/sluice-error';

export { loadManifests, loadManifestText, type LoadedManifests } from './validation/load-manifests';
export type { ManifestDocument } from './validation/manifest-document';
export { parseEventBus, parseEventSource, parseSensor, type Manifest } from './validation/parse-manifest';
export { formatProblem, type Problem } from './manifest/problem';
export { manifestJsonSchema } from './validation/json-schema';
export type { EventSourceOptions, SensorOptions } from './manifest/annotations';
export type { EventBus } from './manifest/event-bus';
export type { EventSource } from './manifest/event-source';
export type { Sensor } from './manifest/sensor';

export type { CloudEvent } from './event/cloud-event';
export { METRIC_BUCKETS } from './metrics/metric-definitions';
export { SEARCH_ATTRIBUTES } from './contract/search-attributes';
export {
  DEFAULT_TASK_QUEUES,
  eventBusWorkflowId,
  eventSourceWorkflowId,
  sensorRunWorkflowId,
  sensorWorkflowId,
} from './contract/identity';
