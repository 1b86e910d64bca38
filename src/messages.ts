/**
 * Signals, updates and queries of the workflows, with their types, for Temporal clients and for workflows: this entry
 * may be imported in workflow code. Messages between workers and workflows are not among them.
 */
export {
  DEFAULT_TASK_QUEUES,
  WORKFLOW_TYPES,
  concurrencyGroupWorkflowId,
  eventBusWorkflowId,
  eventSourceWorkflowId,
  sensorRunWorkflowId,
  sensorWorkflowId,
} from './contract/identity';
export { backfillProgressQuery } from './contract/backfill-messages';
export { eventBusDefinitionQuery, eventBusStatusQuery } from './contract/event-bus-messages';
export { eventSourceDefinitionQuery, eventSourceStatusQuery } from './contract/event-source-messages';
export { deleteSignal, pauseSignal, resumeSignal } from './contract/lifecycle-messages';
export { replayProgressQuery } from './contract/replay-messages';
export { groupStatusQuery } from './contract/group-messages';
export { discardSignal, firesQuery, runRetriggerSignal } from './contract/run-messages';
export {
  retriggerSignal,
  retriggerUpdate,
  sensorDefinitionQuery,
  sensorDependenciesQuery,
  sensorPlacesQuery,
  sensorStatusQuery,
} from './contract/sensor-messages';

export type { BackfillCounts, BackfillProgress, BackfillRequest, BackfillStatus } from './contract/backfill-messages';
export type {
  AppliedDefinition,
  EventBusDefinition,
  EventSourceDefinition,
  FolderOwner,
  ObjectName,
  SensorDefinition,
} from './contract/definitions';
export type { EventBacklog, EventSourceStatus } from './contract/event-source-messages';
export type {
  CallUnderWay,
  FireAttempt,
  FireFailure,
  FireResult,
  FireState,
  FireStatus,
  ListenerAttempt,
  ListenerAttempts,
  RunState,
  TimedAttempt,
  WorkflowOutcomeReport,
} from './contract/fires';
export type { AppliedRecord, ApplyRequest, ControlStatus } from './contract/lifecycle-messages';
export type { GroupMember, GroupStatus } from './contract/group-messages';
export type { Overrides } from './contract/overrides';
export type { TriggerPriority } from './contract/priority';
export type { ReplayProgress } from './contract/replay-messages';
export type { RequestedBy } from './contract/requester';
export type { RunDiscardRequest, RunRetriggerRequest } from './contract/run-messages';
export type {
  EventPlace,
  HeldDependencies,
  HeldPlace,
  RetriggerRequest,
  SensorCounts,
  SensorGroup,
  SensorStatus,
  StoppedPart,
  TriggerStatus,
} from './contract/sensor-messages';
export type { ObjectReference } from './errors/object-reference';
export type { ErrorCode } from './errors/sluice-error';
export type { JsonValue } from './event/json';
export type {
  EventBusOptions,
  EventSourceOptions,
  ItemFilter,
  SensorOptions,
  TriggerFlow,
} from './manifest/annotations';
export type { TlsConfig } from './manifest/common';
export type { EventBusSpec } from './manifest/event-bus';
export type { EventSourceSpec } from './manifest/event-source';
export type { OutcomeRedisAccess, SecretKey } from './manifest/outcome-redis';
export type { SensorSpec } from './manifest/sensor';
