/** Input and output of the dependency state of a sensor. All of it is plain JSON. */
import type { ConcurrencyGroup } from '../../manifest/annotation-values';
import type { ResetSchedule } from '../conditions/condition-resets';

/** The fields that every event must have; the state keeps any others and returns them untouched. */
export interface EventReference {
  /** Globally unique name of the event; a redelivered event has the same key. */
  readonly key: string;
  readonly id: string;
  /** RFC 3339. Decides to which period between two condition resets the event belongs. */
  readonly time: string;
  /** Size of its content as JSON: the content collected for one fire is limited. */
  readonly bytes?: number;
}

/** An event that passed the transform and filters of one dependency. */
export interface StateObservation<E extends EventReference> {
  readonly dependency: string;
  readonly event: E;
  /** Milliseconds since 1970. Time never runs backwards: an earlier value counts as the latest one seen. */
  readonly receivedAt: number;
  /** Values of the keys that triggers name in `correlateBy`, `collect.by` and `concurrency.by`. */
  readonly keys?: Readonly<Record<string, string>>;
  /** The request that asks for the event again: accepted even if it was seen before, but once per request. */
  readonly again?: string;
  /** Names of triggers that do not take the event. */
  readonly except?: readonly string[];
}

/** The parts of a sensor's spec that the state needs. */
export interface DependencyStateSpec {
  /** Dependency name → text that changes whenever its definition (source, event, filters, transform) changes. */
  readonly dependencies: Readonly<Record<string, string>>;
  readonly triggers: readonly StatefulTrigger[];
}

export interface StatefulTrigger {
  readonly name: string;
  /** As in the manifest; without it, all dependencies of the sensor are needed. */
  readonly conditions?: string;
  readonly resets?: readonly ResetSchedule[];
  /**
   * `latest` (default): the latest event of a dependency replaces an earlier one, and a fire uses and clears everything
   * held. `all`: events queue up and each is used in exactly one fire, first come, first served; a fire uses only the
   * events that satisfied the condition.
   */
  readonly keep?: 'latest' | 'all';
  /** Name of a key in `Observation.keys`: only events with the same value are joined. */
  readonly correlateBy?: string;
  /** How long an event may wait for the others before it is parked. Without it: until it is used or reset. */
  readonly windowMs?: number;
  /** Most events held for one dependency; one more parks the oldest. Default 1,000. */
  readonly maxHeld?: number;
  /** Collect satisfied conditions and fire once for all of them. */
  readonly collect?: Collecting;
  readonly concurrency?: ConcurrencyLimit;
  /** The quota that it shares with other sensors of the namespace. */
  readonly group?: ConcurrencyGroup;
  /** Its events carry priorities: a fire has that of the event that completed it. */
  readonly priority?: {
    /** Name of a key in `Observation.keys`. */
    readonly from: string;
    readonly otherwise: number;
  };
}

export type Collecting = DebounceOptions | BatchOptions;

/** Fire when no event arrived for a while. */
export interface DebounceOptions {
  readonly kind: 'debounce';
  readonly debounceMs: number;
  /** Longest time from the first event to the fire. Default: ten times `debounceMs`. */
  readonly debounceMaxMs?: number;
  /** Name of a key in `Observation.keys`: collect separately for each value. */
  readonly by?: string;
}

/** Fire after a number of events, or after a time since the first. */
export interface BatchOptions {
  readonly kind: 'batch';
  readonly batchSize: number;
  /** Without it an incomplete batch waits until it is complete. */
  readonly batchWindowMs?: number;
  /** Name of a key in `Observation.keys`: collect separately for each value. */
  readonly by?: string;
}

/** At most `limit` fires run at the same time; the others queue, the most urgent first. */
export interface ConcurrencyLimit {
  readonly limit: number;
  /** Name of a key in `Observation.keys`: count separately for each value. */
  readonly by?: string;
  /** Most fires queued for one value of the key; further ones are parked. Default 2,000. */
  readonly maxWaiting?: number;
}

export type FireReason =
  /** The condition has no `&&`: the event alone was enough. */
  | 'event'
  /** The last missing dependency arrived. */
  | 'joined'
  /** No event arrived for `debounceMs`. */
  | 'quiet'
  /** The longest time, the largest number of events or the largest content to collect was reached. */
  | 'full'
  /** The options of the trigger changed, so the collected events are no longer held back. */
  | 'reconfigured';

/** One trigger with the events that satisfied it. */
export interface StateFire<E> {
  /** Unique within the sensor, also over continue-as-new; the argument of `finished`. */
  readonly id: string;
  readonly trigger: string;
  /** The event of each dependency; of a collected fire, the last one of each. */
  readonly dependencies: Readonly<Record<string, E>>;
  /** Of a collected fire: every event of each dependency, oldest first. */
  readonly all?: Readonly<Record<string, readonly E[]>>;
  readonly reason: FireReason;
  /** Value of the concurrency key. */
  readonly concurrencyKey?: string;
  /** 1 to 5, the most urgent first; absent: that of its trigger. */
  readonly priority?: number;
}

export type ParkReason =
  /** The other events did not arrive within `windowMs`. */
  | 'window-passed'
  /** More than `maxHeld` events of this dependency were held, or more than the sensor can carry. */
  | 'too-many-held'
  /** The trigger joins by a key that this event does not have. */
  | 'key-missing'
  /** More than `maxWaiting` fires were queued. */
  | 'too-many-waiting'
  /** The events were complete, but their trigger was removed before it fired. */
  | 'trigger-removed';

/** Events that will not fire by themselves any more and need an operator. */
export interface ParkedEvents<E extends EventReference> {
  readonly trigger: string;
  readonly reason: ParkReason;
  readonly dependencies: Readonly<Record<string, E>>;
  /** Of a collected fire: every event of each dependency. */
  readonly all?: Readonly<Record<string, readonly E[]>>;
  /** Dependencies that never had an event. Empty for a fire that was complete. */
  readonly missing: readonly string[];
  readonly correlationKey?: string;
}

export type PurgeReason = 'trigger-removed' | 'condition-changed' | 'dependency-changed' | 'correlation-changed';

/** The reason why an event did not fire: each event leads to a fire, a parking or a note. */
export type StateNote<E extends EventReference> =
  | { readonly kind: 'unused'; readonly dependency: string; readonly event: E }
  | { readonly kind: 'duplicate'; readonly dependency: string; readonly event: E }
  | (NoteOfTrigger<E> & { readonly kind: 'held'; readonly waitingFor: readonly string[] })
  | (NoteOfTrigger<E> & { readonly kind: 'replaced'; readonly by: E })
  | (NoteOfTrigger<E> & { readonly kind: 'reset'; readonly resetAt: number })
  | (NoteOfTrigger<E> & { readonly kind: 'purged'; readonly reason: PurgeReason })
  | (NoteOfTrigger<E> & { readonly kind: 'collected'; readonly collected: number; readonly dueAt?: number })
  | (NoteOfTrigger<E> & { readonly kind: 'queued'; readonly fireId: string; readonly ahead: number });

interface NoteOfTrigger<E extends EventReference> {
  readonly trigger: string;
  readonly dependency: string;
  readonly event: E;
}

/** The result of one step. */
export interface StateChange<E extends EventReference> {
  readonly fires: StateFire<E>[];
  readonly parked: ParkedEvents<E>[];
  readonly notes: StateNote<E>[];
}

/** An event that waits for others. */
export interface HeldEvent<E> {
  readonly dependency: string;
  readonly event: E;
  readonly receivedAt: number;
  readonly keys?: Readonly<Record<string, string>>;
}

/** Events held and fires queued and running for one trigger, for display. */
export interface TriggerView<E extends EventReference> {
  readonly trigger: string;
  readonly condition: string;
  readonly held: readonly HeldEvent<E>[];
  /** Satisfied conditions that are being collected. */
  readonly collected: number;
  /** Fires queued. */
  readonly waiting: number;
  /** Fires in flight; counted only with a concurrency limit. */
  readonly running: number;
}
