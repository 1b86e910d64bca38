/** Public names of Sluice. Importing this starts nothing. */
export {
  EventSourcePlugin,
  EVENT_SOURCE_PLUGIN_NAME,
  type EventSourcePluginOptions,
} from './plugin/event-source-plugin';
export type { CustomSource, CustomSourceContext } from './sources/custom-source';
export type {
  Delivery,
  DeliveryOutcome,
  PositionStore,
  ReceivedEvent,
  RejectedEvent,
  RejectedInput,
  Source,
  SourceBacklog,
  SourceStatus,
} from './sources/source';
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

export type { ObjectReference } from './errors/object-reference';
export type { SluiceErrorDetails } from './errors/sluice-error';
export type { JsonObject, JsonValue } from './event/json';
export type { JsonDocument, JsonText, ObjectDocument } from './event/json-text';
export type { ExpressionComplaint, ExpressionLanguage } from './expressions/engine';
export type { ExpressionSyntax } from './expressions/expression-syntax';
export type { KubernetesAccessOptions } from './kubernetes/access';
export type { KubernetesClientOptions } from './kubernetes/client';
export type { KubernetesConnection, KubernetesTls } from './kubernetes/kubernetes-connection';
export type { LoadConnectionOptions } from './kubernetes/load-connection';
export type { KeySelector, SecretReader } from './kubernetes/secrets';
export type { WorkerPermissions } from './kubernetes/worker-permissions';
export type { EventBusOptions, ItemFilter, TriggerFlow } from './manifest/annotations';
export type { KubernetesFields, TlsConfig } from './manifest/common';
export type { OutcomeRedisAccess, SecretKey } from './manifest/outcome-redis';
export type { Severity } from './manifest/problem';
export type { SluicePlugin } from './plugin/sluice-plugin';
export type { JsonSchema } from './validation/json-schema';
export type { LoadOptions } from './validation/load-manifests';
export type { Origin, OtherObject } from './validation/manifest-document';
export type { ManifestKind } from './validation/parse-manifest';
export type { ReadYaml, YamlRefusal } from './yaml/yaml-documents';
