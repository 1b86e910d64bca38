/**
 * The activities that workflows call. Workflows import these types only; the plugins register the implementations under
 * the same names, prefixed `sluice` so that they cannot clash with other activities of the same worker.
 */
import type { CloudEvent } from '../event/cloud-event';
import type { FindLostPlacesRequest, LostPlaces, ReportSharesRequest } from './group-messages';
import type { DecisionRecord } from '../records/decision-record';
import type { TriggerSpec } from '../manifest/sensor';
import type { Overrides } from './overrides';
import type { FireAttempt, FireResult, FireStatus, WorkflowOutcomeReport } from './fires';
import type { JoinedRun, RunStart } from './run-start';
import type { RunTrigger } from './run-trigger';
import type { EventBusDefinition, EventSourceDefinition, ObjectName, SensorDefinition } from './definitions';
import type { BackfillPortion, BackfillProgress, BackfillRequest } from './backfill-messages';
import type { ReplayProgress, ReplayRequest } from './replay-messages';
import type { PackedFires } from './packed-fires';
import type { RunOptions } from './run-messages';
import type { RetriggerRequest } from './sensor-messages';

export interface RelayEventsRequest {
  readonly definition: EventSourceDefinition;
  readonly kind: string;
  readonly eventName: string;
}

export interface BackfillPortionRequest {
  readonly definition: EventSourceDefinition;
  readonly request: BackfillRequest;
  readonly progress: BackfillProgress;
}

export interface ListenRequest {
  readonly definition: SensorDefinition;
  /** Distinguishes the listeners of one sensor. */
  readonly listener: string;
  /** RFC 3339; events published before it do not belong to this sensor unless it asks for them. */
  readonly appliedAt: string;
}

export interface WatchOutcomesRequest {
  readonly definition: SensorDefinition;
}

export interface WatchPausedSensorRequest {
  readonly definition: SensorDefinition;
}

export interface FireTriggersRequest extends PackedFires {
  readonly sensor: ObjectName;
  readonly runId: string;
  readonly triggers: Readonly<Record<string, RunTrigger>>;
  /** Values that an operator set when retriggering, by sjson path in the resource or payload. */
  readonly overrides?: Overrides;
  /** Attempts made before this activity began to count its own. */
  readonly attemptsBefore?: number;
}

export interface FiredAlone {
  readonly result: FireResult;
  readonly attempts: number;
}

export interface ReserveFireRequest {
  readonly sensor: ObjectName;
  readonly bus: EventBusDefinition;
  readonly trigger: string;
  readonly rateLimit: NonNullable<TriggerSpec['rateLimit']>;
  /** So that a retry of this activity after a lost attempt does not take a second slot. */
  readonly fireId: string;
}

export interface PublishOutcomesRequest {
  readonly sensor: ObjectName;
  readonly bus: EventBusDefinition;
  readonly runId: string;
  readonly options: RunOptions;
  readonly events: readonly CloudEvent[];
  readonly fires: readonly FireStatus[];
}

export interface ReplayPortionRequest {
  readonly definition: SensorDefinition;
  readonly request: ReplayRequest;
  /** Distinguishes the fires of this replay from earlier ones. */
  readonly replayId: string;
  readonly progress: ReplayProgress;
}

export interface RecordDecisionsRequest {
  readonly bus: EventBusDefinition;
  readonly records: readonly DecisionRecord[];
}

/** A content to keep on the bus. */
export interface NamedContent {
  readonly name: string;
  readonly event: CloudEvent;
}

export interface StoreContentsRequest {
  readonly sensor: ObjectName;
  readonly bus: EventBusDefinition;
  readonly contents: readonly NamedContent[];
}

export interface ForgetContentsRequest {
  readonly sensor: ObjectName;
  readonly bus: EventBusDefinition;
  readonly names: readonly string[];
}

export interface StartRunsRequest {
  readonly runs: readonly RunStart[];
}

export interface StartHeldRunsRequest {
  readonly bus: EventBusDefinition;
  readonly runs: readonly JoinedRun[];
}

/** Short or quick work of a sensor's runs; each also exists as a regular activity if it may take long. */
export interface SensorActivities {
  /** Runs until cancelled: bus → dependencies → runs. */
  sluiceListen(request: ListenRequest): Promise<void>;
  /** Runs until cancelled, while the sensor is paused: measures the pending events, and records those that expire. */
  sluiceWatchPausedSensor(request: WatchPausedSensorRequest): Promise<void>;
  /** Runs until cancelled: reports to runs how the Workflows that they created ended. */
  sluiceWatchOutcomes(request: WatchOutcomesRequest): Promise<void>;
  /** Makes the three above end as soon as they are cancelled; `parts`: how many they are. */
  sluiceStopListening(parts: number): Promise<void>;
  /** One attempt for each fire; never throws for a fire that failed. */
  sluiceFireTriggers(request: FireTriggersRequest): Promise<readonly FireAttempt[]>;
  /** One attempt for a single fire; throws for Temporal to retry. */
  sluiceFireTrigger(request: FireTriggersRequest): Promise<FiredAlone>;
  /** Takes a slot of the trigger's rate limit; returns how long to wait for it, in milliseconds. */
  sluiceReserveFire(request: ReserveFireRequest): Promise<number>;
  /** The sensor's triggers as currently applied; undefined if the sensor was deleted. */
  sluiceCurrentTriggers(sensor: ObjectName): Promise<Readonly<Record<string, RunTrigger>> | undefined>;
  sluiceReadOutcomes(fires: readonly FireStatus[]): Promise<readonly WorkflowOutcomeReport[]>;
  sluicePublishOutcomes(request: PublishOutcomesRequest): Promise<void>;
  /** Starts new runs, or retriggers parked ones; returns their workflow ids. */
  sluiceRetrigger(definition: SensorDefinition, request: RetriggerRequest): Promise<readonly string[]>;
  /** Continues a replay by one portion of events; returns its progress. */
  sluiceReplayPortion(request: ReplayPortionRequest): Promise<ReplayProgress>;
  sluiceRecordDecisions(request: RecordDecisionsRequest): Promise<void>;
  /** Puts contents of held events on the bus. */
  sluiceStoreContents(request: StoreContentsRequest): Promise<void>;
  sluiceForgetContents(request: ForgetContentsRequest): Promise<void>;
  /** Starts the runs, each once. */
  sluiceStartRuns(request: StartRunsRequest): Promise<void>;
  /** Fetches the contents of their events from the bus and starts the runs, each once. */
  sluiceStartHeldRuns(request: StartHeldRunsRequest): Promise<void>;
  /** Tells each concurrency group the share of a sensor; starts the group if it does not run. */
  sluiceReportShares(request: ReportSharesRequest): Promise<void>;
  /** Finds the places of a concurrency group that nobody will return. */
  sluiceFindLostPlaces(request: FindLostPlacesRequest): Promise<LostPlaces>;
  /** Removes what a deleted sensor leaves on its bus. */
  sluiceForgetSensor(definition: SensorDefinition): Promise<void>;
}

/** Input of the workflow `controller`, and of its activity. */
export interface ControllerStart {
  /** Kubernetes namespace, or `ALL_NAMESPACES`. */
  readonly namespace: string;
}

export interface ControllerActivities {
  /**
   * Runs until cancelled: keeps Temporal in step with the objects of the namespace. Returns if the worker's settings no
   * longer name the namespace.
   */
  sluiceKeepNamespace(request: ControllerStart): Promise<void>;
}

/** Input of the workflow `worker`, and of its activity. */
export interface WorkerStart {
  /** Identity of the worker, as Temporal shows it for its activities. */
  readonly worker: string;
}

export interface WorkerActivities {
  /** In the worker that is named: runs until it ends. In another one: hands over what that one ran. */
  sluiceHoldLease(request: WorkerStart): Promise<void>;
}

export interface EventSourceActivities {
  /** Runs until cancelled: outside system → bus. */
  sluiceRelayEvents(request: RelayEventsRequest): Promise<void>;
  /** Runs until cancelled, while the source is paused: counts the events that wait in the outside system. */
  sluiceWatchBacklog(request: RelayEventsRequest): Promise<void>;
  /** Continues a back-fill by some windows of time; returns its progress, also when it is cancelled. */
  sluiceBackfillPortion(request: BackfillPortionRequest): Promise<BackfillPortion>;
  /** Makes the activities above end as soon as they are cancelled; `parts`: how many they are. */
  sluiceStopReading(parts: number): Promise<void>;
}
