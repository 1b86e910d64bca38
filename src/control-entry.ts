/** The control plane as a library: what the command `sluice` does, for programs. Importing this starts nothing. */
export { ControlPlane } from './control/control-plane';

/** Types that objects share with the messages of their workflows. */
export type * from './messages';

export type { StoredEvent } from './bus/bus';
export type { AppliedKind, ObjectAddress, TaskQueues } from './control/applied-kinds';
export type { AppliedObject } from './control/applied-objects';
export type { KubernetesApplied } from './control/apply/apply-kubernetes';
export type { ApplySummary } from './control/apply/apply-manifests';
export type { Applied } from './control/apply/apply-object';
export type { Readiness } from './control/apply/await-ready';
export type {
  AppliedName,
  ApplyAnswer,
  ApplyCall,
  ControlPlaneOptions,
  DeleteCall,
  ManifestInput,
} from './control/control-plane';
export type { Deletion } from './control/delete-object';
export type { ExplainOptions, Explanation, JudgedCandidate } from './control/explain/explain-event';
export type { StoredOnBus } from './control/explain/facts';
export type { Candidate } from './control/explain/find-event';
export type { SensorVerdict, Stage, Story, TimelineEntry, VerdictState } from './control/explain/story';
export type { PendingActivity } from './control/pending-activities';
export type { FireAgain, FiredEvent, Retriggered } from './control/runs/fire-again';
export type { AppliedManifest } from './control/status/applied-manifest';
export type { Condition, ConditionState, ObservedEvent } from './control/status/condition';
export type { ExecutionEnd } from './control/status/execution-end';
export type { ExpiringEvents } from './control/status/expiring-events';
export type { ListedObject } from './control/status/list-objects';
export type {
  AppliedState,
  DescribedObject,
  EventBusObjectStatus,
  EventSourceObjectStatus,
  GoneObject,
  ObjectStatus,
  SensorObjectStatus,
} from './control/status/read-status';
export type { Reader, ReaderState } from './control/status/readers';
export type { EventWithFate } from './control/status/source-backlog';
export type { TemporalOptions } from './control/temporal-session';
export type { FolderOwner } from './contract/definitions';
export type { CloudEvent } from './event/cloud-event';
export type { UnreadFate } from './kinds/source-kinds';
export type { Problem, Severity } from './manifest/problem';
export type { Decision, DecisionRecord, ExpiredRange } from './records/decision-record';
export type { ManifestKind } from './validation/parse-manifest';
