/** Manifests: what they may hold, how they are read and what is wrong with them. */
export { loadManifests, loadManifestText } from './load';
export type { LoadOptions, LoadedManifests, ManifestDocument, Origin, OtherObject } from './load';
export { manifestInvalid, parseEventBus, parseEventSource, parseSensor } from './parse-manifest';
export type { Manifest, ManifestKind, ManifestOf } from './parse-manifest';
export { formatProblem } from './problem';
export type { Problem, Severity } from './problem';
export { collectEventSourceExpressions, collectSensorExpressions } from './expressions';
export type { ExpressionLanguage, ExpressionSyntax, ExpressionUse } from './expressions';
export { manifestJsonSchema } from './json-schema';
export { SUPPORTED_SOURCES, UNSUPPORTED_TRIGGERS } from './supported';
export type { EventSourceOptions, SensorOptions, TriggerFlow } from './annotations';
export type { EventBus, EventBusSpec } from './event-bus';
export type { EventSource, EventSourceKind, EventSourceSpec } from './event-source';
export type { Sensor, SensorSpec, TriggerKind, TriggerSpec, TriggerTemplate } from './sensor';
