/** Messages of the `sensor` workflow. */
import { defineQuery, defineSignal, defineUpdate } from '@temporalio/workflow';
import type { CloudEvent } from '../event/cloud-event';
import type { ObjectName, SensorDefinition } from './definitions';
import type { ApplyRequest, ControlStatus } from './lifecycle-messages';
import type { Overrides } from './overrides';
import type { TriggerPriority } from './priority';
import type { RequestedBy } from './requester';

/** The input of the workflow; continue-as-new passes on more fields. */
export interface SensorStart {
  readonly definition: SensorDefinition;
  readonly request?: ApplyRequest;
}

export const configureSensorUpdate = defineUpdate<void, [SensorDefinition, ApplyRequest?]>('configure');

export const sensorDefinitionQuery = defineQuery<SensorDefinition>('spec');

/** Counts since the sensor was first applied. */
export interface SensorCounts {
  readonly consumed: number;
  readonly matched: number;
  readonly unmatched: number;
  readonly fired: number;
  readonly failed: number;
}

/** A listener or the outcome watch that stopped because of a fault that an operator must repair. */
export interface StoppedPart {
  readonly part: 'listener' | 'outcomes';
  /** For display: `listener 2`. */
  readonly name: string;
  /** RFC 3339. */
  readonly since: string;
  readonly code: string;
  readonly message: string;
  /** What to do, as a sentence. */
  readonly fix?: string;
}

export interface TriggerStatus {
  readonly name: string;
  readonly condition: string;
  readonly joined: boolean;
  /** Absent if it is the default, and events have none of their own. */
  readonly priority?: TriggerPriority;
}

/** A sensor's part in a concurrency group. */
export interface SensorGroup {
  readonly name: string;
  /** As the sensor's manifest states it; absent if the sensor has left the group and only returns its places. */
  readonly limit?: number;
  /** Fires that wait for a place. */
  readonly waiting: number;
  /** Fires that have one. */
  readonly holding: number;
}

export interface SensorStatus extends ObjectName, ControlStatus {
  readonly appliedAt: string;
  /** How many should listen; absent in answers of earlier versions. */
  readonly listeners?: number;
  readonly triggers: readonly TriggerStatus[];
  readonly counts: SensorCounts;
  /** Events on the bus that this sensor has not handled yet, as of `countedAt`. */
  readonly lag?: number;
  /** Runs that wait for an operator, as of `countedAt`. */
  readonly parked?: number;
  readonly countedAt?: string;
  /** Why listeners returned events to the bus, as of `countedAt`; they retry them. */
  readonly problems?: readonly string[];
  readonly stopped?: readonly StoppedPart[];
  /** The concurrency groups of its triggers; absent if there are none. */
  readonly groups?: readonly SensorGroup[];
  /** Set while so many events wait in queued fires that the sensor accepts no more from the bus. */
  readonly holdingBack?: { readonly waiting: number };
}

export const sensorStatusQuery = defineQuery<SensorStatus>('status');

/** Queried by listeners: how many more events the sensor accepts now, over all of them. */
export const sensorCapacityQuery = defineQuery<number>('room');

/** Joined triggers: the events that each one holds and those that it still waits for. */
export interface HeldDependencies {
  readonly trigger: string;
  readonly condition: string;
  readonly held: ReadonlyArray<{ readonly dependency: string; readonly eventKey: string; readonly time: string }>;
  /** Number of held events that are not listed, because there are too many. */
  readonly more?: number;
  readonly waitingFor: readonly string[];
  /** Satisfied conditions that are being collected; queued fires; fires in flight. */
  readonly collected?: number;
  readonly waiting?: number;
  readonly running?: number;
}

export const sensorDependenciesQuery = defineQuery<readonly HeldDependencies[]>('dependencies');

/** Where one event is in the state of one trigger. */
export type EventPlace =
  /** It waits for others: the unsatisfied part of the condition, as text. */
  | { readonly kind: 'held'; readonly dependency: string; readonly waitingFor: string }
  /** It is collected with others, `collected` in total; `dueAt` (milliseconds): when they fire if no more arrive. */
  | { readonly kind: 'collected'; readonly dependency: string; readonly collected: number; readonly dueAt?: number }
  /** Its fire is queued behind this many others of the sensor; `group`: for a place in this concurrency group. */
  | { readonly kind: 'queued'; readonly dependency: string; readonly ahead: number; readonly group?: string };

/**
 * Where a sensor has one event, by its key: it waits for others, is collected with others, or waits in a fire for its
 * turn. `dueAt` is in milliseconds.
 */
export type HeldPlace = EventPlace & { readonly trigger: string };

export const sensorPlacesQuery = defineQuery<readonly HeldPlace[], [string]>('places');

/** One event that satisfied one dependency, sent to joined triggers. */
export interface Observation {
  readonly dependency: string;
  readonly event: CloudEvent;
  /** Data path → value, for the paths by which the sensor correlates, collects or limits. */
  readonly keys?: Readonly<Record<string, string>>;
  /** Milliseconds since the epoch. */
  readonly receivedAt: number;
  /** The replay that requests it: accepted even if it was seen before, but once for each replay. */
  readonly again?: string;
  /** Distinguishes the fires of this event from its earlier ones. */
  readonly round?: string;
  /** Triggers that do not take it: Argo Events had handled it for them. */
  readonly except?: readonly string[];
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
  /** Why events return to the bus to be retried. */
  readonly problem?: string;
}

export const listenerReportSignal = defineSignal<[ListenerReport]>('report');

/** Sent by runs whose triggers have a concurrency limit: tickets of fires that ended. */
export const firesEndedSignal = defineSignal<[readonly string[]]>('firesEnded');

/**
 * Asks a sensor to start triggers again. Names a run by its workflow id, or an event by its key or short id (every run
 * of the sensor that carries it). Affects fires that did not succeed and were not started again before; with `again`,
 * all.
 */
export interface RetriggerRequest extends RequestedBy {
  readonly runId?: string;
  readonly eventId?: string;
  readonly trigger?: string;
  readonly overrides?: Overrides;
  readonly again?: boolean;
}

export const retriggerSignal = defineSignal<[RetriggerRequest]>('retrigger');

/** The same, returning the workflow ids of the new runs. */
export const retriggerUpdate = defineUpdate<readonly string[], [RetriggerRequest]>('retrigger');
