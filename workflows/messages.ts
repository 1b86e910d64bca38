/**
 * What workflows are started with, told and asked: the one contract between workflows, activities and the command.
 *
 * Everything here is plain JSON that was validated before it came here. People send these signals by hand too
 * (`temporal workflow signal --name retrigger --input '{"by":"…","why":"…"}'`), so names and shapes are stable.
 */
import { defineQuery, defineSignal, defineUpdate } from '@temporalio/workflow';
import type { CloudEvent } from '../src/event/cloud-event';
import type { EventBusOptions, EventSourceOptions, SensorOptions } from '../src/manifest/annotations';
import type { EventBusSpec } from '../src/manifest/event-bus';
import type { EventSourceSpec } from '../src/manifest/event-source';
import type { SensorSpec, TriggerSpec } from '../src/manifest/sensor';
import type { Overrides } from '../src/run/overrides';
import type { FireStatus, ListenerAttempts, WorkflowOutcomeReport } from '../src/run/run-types';
import type { EventPlace } from '../src/sensor/dependency-state-types';

// ---------------------------------------------------------------- what is applied

export interface ObjectName {
  readonly namespace: string;
  readonly name: string;
}

export interface EventBusDefinition extends ObjectName {
  readonly spec: EventBusSpec;
  /** Absent where no annotation says anything, as in definitions of before there were any. */
  readonly options?: EventBusOptions;
}

export interface EventSourceDefinition extends ObjectName {
  readonly spec: EventSourceSpec;
  readonly options: EventSourceOptions;
  /** The bus it publishes to, resolved when applied. */
  readonly bus: EventBusDefinition;
}

export interface SensorDefinition extends ObjectName {
  readonly spec: SensorSpec;
  readonly options: SensorOptions;
  readonly bus: EventBusDefinition;
}

/** Who asks for something and why. Required wherever a person changes what happens; kept in the history. */
export interface Accountable {
  readonly by: string;
  readonly why: string;
}

// ---------------------------------------------------------------- event bus

export const configureEventBusUpdate = defineUpdate<void, [EventBusDefinition]>('configure');
export const eventBusDefinitionQuery = defineQuery<EventBusDefinition>('spec');

// ---------------------------------------------------------------- event source and sensor

export const pauseSignal = defineSignal<[Accountable]>('pause');
export const resumeSignal = defineSignal<[Accountable]>('resume');
/** Ends an event bus, an event source or a sensor, with what it leaves on the bus. Nothing else does. */
export const deleteSignal = defineSignal<[Accountable]>('delete');

export const configureEventSourceUpdate = defineUpdate<void, [EventSourceDefinition]>('configure');
export const eventSourceDefinitionQuery = defineQuery<EventSourceDefinition>('spec');

/** What waits outside and is not on the bus yet. */
export interface EventBacklog {
  readonly entries: number;
  /** Of these, read and not acknowledged. */
  readonly pending: number;
  /** There may be more. */
  readonly isAtLeast?: boolean;
  /** RFC 3339: when it was counted. */
  readonly at: string;
}

/** Sent while the source is paused; while it reads, the heartbeat of each relay has its backlog. */
export interface BacklogReport {
  readonly eventName: string;
  readonly backlog: EventBacklog;
}
export const backlogReportSignal = defineSignal<[BacklogReport]>('backlog');

export interface EventSourceStatus extends ObjectName {
  readonly paused?: Accountable & { readonly since: string };
  readonly events: ReadonlyArray<{
    readonly name: string;
    readonly kind: string;
    readonly state: 'Reading' | 'Paused' | 'NotSupported' | 'Failed';
    readonly problem?: string;
    readonly backlog?: EventBacklog;
  }>;
  readonly appliedAt: string;
  /** The last signals that could not be obeyed, with time and reason. */
  readonly refusals?: readonly string[];
}
export const eventSourceStatusQuery = defineQuery<EventSourceStatus>('status');

export const configureSensorUpdate = defineUpdate<void, [SensorDefinition]>('configure');
export const sensorDefinitionQuery = defineQuery<SensorDefinition>('spec');

/** Counts since the sensor was first applied. */
export interface SensorCounts {
  readonly consumed: number;
  readonly matched: number;
  readonly unmatched: number;
  readonly fired: number;
  readonly failed: number;
}

/** A listener or the outcome watch that has ended over what a person must repair. */
export interface StoppedPart {
  readonly part: 'listener' | 'outcomes';
  /** For people: `listener 2`. */
  readonly name: string;
  /** RFC 3339. */
  readonly since: string;
  readonly code: string;
  readonly message: string;
  /** What to do, as a sentence. */
  readonly fix?: string;
}

export interface SensorStatus extends ObjectName {
  readonly paused?: Accountable & { readonly since: string };
  readonly appliedAt: string;
  readonly triggers: ReadonlyArray<{ readonly name: string; readonly condition: string; readonly joined: boolean }>;
  readonly counts: SensorCounts;
  /** Events on the bus that this sensor has not handled yet, as of `countedAt`. */
  readonly lag?: number;
  /** Runs that wait for a person, as of `countedAt`. */
  readonly parked?: number;
  readonly countedAt?: string;
  /** Why listeners have given events back to the bus, as of `countedAt`; they try them again. */
  readonly problems?: readonly string[];
  readonly stopped?: readonly StoppedPart[];
  /** The last signals that could not be obeyed, with time and reason. */
  readonly refusals?: readonly string[];
  /** So many events wait in fires for their turn that the sensor takes no more from the bus for now. */
  readonly holdingBack?: { readonly waiting: number };
}
export const sensorStatusQuery = defineQuery<SensorStatus>('status');
/** Asked by listeners: how many more events may come to the sensor now, over all of them. */
export const sensorRoomQuery = defineQuery<number>('room');

/** Joined triggers: what each one holds and what it still waits for. */
export interface HeldDependencies {
  readonly trigger: string;
  readonly condition: string;
  readonly held: ReadonlyArray<{ readonly dependency: string; readonly eventKey: string; readonly time: string }>;
  /** Held events that are not listed, because they are too many. */
  readonly more?: number;
  readonly waitingFor: readonly string[];
  /** Satisfied conditions that are being collected; fires waiting for their turn; fires under way. */
  readonly collected?: number;
  readonly waiting?: number;
  readonly running?: number;
}
export const sensorDependenciesQuery = defineQuery<readonly HeldDependencies[]>('dependencies');

/**
 * Where a sensor has one event, by its key: it waits for others, is collected with others, or waits in a fire for its
 * turn. `dueAt` is in milliseconds.
 */
export type HeldPlace = EventPlace & { readonly trigger: string };
export const sensorPlacesQuery = defineQuery<readonly HeldPlace[], [string]>('places');

/** One event that satisfied one dependency, on its way to joined triggers. */
export interface Observation {
  readonly dependency: string;
  readonly event: CloudEvent;
  /** Data path → value, for the paths by which the sensor correlates, collects or limits. */
  readonly keys?: Readonly<Record<string, string>>;
  /** Milliseconds since the epoch. */
  readonly receivedAt: number;
  /** The replay that asks for it: taken even if it was taken before, but once for each replay. */
  readonly again?: string;
  /** Tells what fires with this event from its earlier fires. */
  readonly round?: string;
}
export interface ObservationBatch {
  readonly observations: readonly Observation[];
}
export const observeSignal = defineSignal<[ObservationBatch]>('observe');

/** Counts since this listener began, so that a lost or repeated report does no harm. */
export interface ListenerReport {
  readonly listener: string;
  /** Differs each time the listener begins to count. */
  readonly epoch: string;
  /** RFC 3339. */
  readonly at: string;
  readonly counts: SensorCounts;
  readonly lag: number;
  readonly parked?: number;
  /** Why events go back to the bus to be tried again. */
  readonly problem?: string;
}
export const listenerReportSignal = defineSignal<[ListenerReport]>('report');

/** Sent by runs whose triggers have a concurrency limit: tickets of fires that came to their end. */
export const firesEndedSignal = defineSignal<[readonly string[]]>('firesEnded');

/**
 * Asks a sensor to start triggers again. Names a run by its workflow id, or an event by its key or short id (every run
 * of the sensor that carries it). Meant is what did not succeed and was not started again before; with `again`, all.
 */
export interface RetriggerRequest extends Accountable {
  readonly runId?: string;
  readonly eventId?: string;
  readonly trigger?: string;
  readonly overrides?: Overrides;
  readonly again?: boolean;
}
export const retriggerSignal = defineSignal<[RetriggerRequest]>('retrigger');
/** The same, answering with the workflow ids of the new runs. */
export const retriggerUpdate = defineUpdate<readonly string[], [RetriggerRequest]>('retrigger');

// ---------------------------------------------------------------- run

/** One trigger with the events that satisfied it. */
export interface Fire {
  /** Deterministic in sensor, trigger and events; becomes part of the created object's name. */
  readonly id: string;
  readonly trigger: string;
  /** Dependency → indexes into `SensorRunInput.events`; more than one where the trigger collects events. */
  readonly dependencies: Readonly<Record<string, readonly number[]>>;
  /** The trigger collects events (batch, debounce): each dependency's data is the list of its events' data. */
  readonly collected?: boolean;
  /** The trigger limits how many fires run at a time: to be handed back when this one has ended. */
  readonly ticket?: string;
}

export interface SensorRunInput {
  readonly sensor: ObjectName;
  /** Every event once, as its dependency's transform left it. */
  readonly events: readonly CloudEvent[];
  readonly fires: readonly Fire[];
  /** The triggers in force when the fires were decided: the run explains itself. */
  readonly triggers: Readonly<Record<string, TriggerSpec>>;
  readonly options: RunOptions;
  /** Where outcomes are published. */
  readonly bus: EventBusDefinition;
  /** What came of first attempts that were made before the run was started; the others are the run's to make. */
  readonly listenerAttempts?: ListenerAttempts;
  /** These fires are for a person from the start: why (half a pair whose window passed, too many waiting …). */
  readonly parkedBecause?: string;
  /**
   * The run can never fire, only be discarded: what its events held is not on the bus any more, or more than a run
   * can carry.
   */
  readonly contentMissing?: 'gone' | 'too-large';
  readonly retriggerOf?: Accountable & {
    readonly runId: string;
    readonly overrides?: Overrides;
    /** Which request it was: the same one, tried a second time, finds the run that it started. */
    readonly request?: string;
  };
}

export interface RunOptions extends Pick<SensorOptions, 'outcomeRedis' | 'outcomeRedisAccess' | 'outcomeStreams'> {
  readonly parkForMs: number;
  readonly followOutcome: boolean;
}

export const firesQuery = defineQuery<readonly FireStatus[]>('fires');

/** To a run: fire again what is parked (all fires, or one). From the Temporal UI or CLI, `{}` is not enough: by, why. */
export interface RunRetriggerRequest extends Accountable {
  readonly fireId?: string;
  readonly trigger?: string;
  readonly overrides?: Overrides;
}
export const runRetriggerSignal = defineSignal<[RunRetriggerRequest]>('retrigger');
/** To a run: give up what is parked, all of it or a part. */
export interface RunDiscardRequest extends Accountable {
  readonly fireId?: string;
  readonly trigger?: string;
}
export const discardSignal = defineSignal<[RunDiscardRequest]>('discard');
export const outcomeSignal = defineSignal<[readonly WorkflowOutcomeReport[]]>('outcome');
/**
 * Sent by the outcome watch after it has listed everything: the fires of this run whose Workflow is there. The run looks
 * for the Workflows of its other fires itself.
 */
export const listedSignal = defineSignal<[readonly string[]]>('listed');

// ---------------------------------------------------------------- replay

/** Events of the bus that go through a sensor's present logic once more. */
export interface ReplayRequest extends Accountable {
  /** RFC 3339, inclusive. */
  readonly from?: string;
  readonly to?: string;
  /** Positions on the bus, inclusive; they win over times. */
  readonly fromSequence?: number;
  readonly toSequence?: number;
  /** Only say what would fire. */
  readonly dryRun: boolean;
  /** Fire also what fired before. */
  readonly again: boolean;
}

export interface ReplayProgress {
  readonly state: 'Running' | 'Completed' | 'Cancelled' | 'Failed';
  readonly read: number;
  readonly matched: number;
  /** Fires that were started, or, in a dry run, that would be. */
  readonly fired: number;
  /** Events handed to joined, collecting or limited triggers, which decide with what they hold whether they fire. */
  readonly joined: number;
  /** Left out because a run has carried them before, or a joined trigger holds them already. */
  readonly skipped: number;
  readonly unmatched: number;
  readonly failed: number;
  /** Next position to read. */
  readonly nextSequence?: number;
  readonly lastSequence?: number;
  /** Positions before this one were asked for, or may have been, and are not on the bus any more. */
  readonly keptFrom?: number;
  /** Positions from this one on were asked for; they still wait for the sensor, which fires them itself. */
  readonly leftToSensor?: number;
  /** The first of what fired or would; `sensor` stands for joined triggers. */
  readonly examples: ReadonlyArray<{
    readonly eventKey: string;
    readonly sequence: number;
    readonly triggers: readonly string[];
  }>;
}
export const replayProgressQuery = defineQuery<ReplayProgress>('progress');
