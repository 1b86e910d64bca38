/** Messages of the `sensor` workflow. */
import { defineQuery, defineSignal, defineUpdate } from '@temporalio/workflow';
import type { CloudEvent } from '../event/cloud-event';
import type { ObjectName, SensorDefinition } from './definitions';
import type { Overrides } from './overrides';
import type { RequestedBy } from './requester';

/** What the workflow is started with; one that continues as new hands on more. */
export interface SensorStart {
  readonly definition: SensorDefinition;
}

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
  readonly paused?: RequestedBy & { readonly since: string };
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
export const sensorCapacityQuery = defineQuery<number>('room');

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

/** Where one event is in the state of one trigger. */
export type EventPlace =
  /** It waits for others: what of the condition is left, as text. */
  | { readonly kind: 'held'; readonly dependency: string; readonly waitingFor: string }
  /** It is collected with others, `collected` in all; `dueAt` (milliseconds): when they fire if nothing else comes. */
  | { readonly kind: 'collected'; readonly dependency: string; readonly collected: number; readonly dueAt?: number }
  /** Its fire waits for its turn behind so many others. */
  | { readonly kind: 'queued'; readonly dependency: string; readonly ahead: number };

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
export interface RetriggerRequest extends RequestedBy {
  readonly runId?: string;
  readonly eventId?: string;
  readonly trigger?: string;
  readonly overrides?: Overrides;
  readonly again?: boolean;
}

export const retriggerSignal = defineSignal<[RetriggerRequest]>('retrigger');

/** The same, answering with the workflow ids of the new runs. */
export const retriggerUpdate = defineUpdate<readonly string[], [RetriggerRequest]>('retrigger');
