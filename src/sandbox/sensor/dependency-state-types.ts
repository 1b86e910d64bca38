/** What goes into and comes out of the dependency state of a sensor. All of it is plain JSON. */
import type { ResetSchedule } from '../conditions/condition-resets';

/** The least that an event must tell; the state holds whatever else it carries and hands it out untouched. */
export interface EventReference {
  /** Globally unique name of the event; the same event delivered again has the same key. */
  readonly key: string;
  readonly id: string;
  /** RFC 3339. Decides to which period between two condition resets the event belongs. */
  readonly time: string;
  /** How much its content takes as JSON: a fire collects only so much. */
  readonly bytes?: number;
}

/** An event that passed the transform and filters of one dependency. */
export interface Observation<E extends EventReference> {
  readonly dependency: string;
  readonly event: E;
  /** Milliseconds since 1970. Time never runs backwards: an earlier value counts as the latest one seen. */
  readonly receivedAt: number;
  /** Values of the keys that triggers name in `correlateBy`, `collect.by` and `concurrency.by`. */
  readonly keys?: Readonly<Record<string, string>>;
  /** Who asks for it once more: the event is taken even if it was seen before, but once for each who asks. */
  readonly again?: string;
}

/** What the state must know of a sensor. */
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
   * `latest` (default): the latest event of a dependency replaces an earlier one, and a fire takes along and clears
   * everything held. `all`: events queue up and each is used in exactly one fire, first come, first served; a fire
   * takes only what satisfied the condition.
   */
  readonly keep?: 'latest' | 'all';
  /** Name of a key in `Observation.keys`: only events with the same value are joined. */
  readonly correlateBy?: string;
  /** How long an event may wait for the others before it is parked. Without it: until it is used or reset. */
  readonly windowMs?: number;
  /** Most events held for one dependency; the oldest is parked when one more comes. Default 1,000. */
  readonly maxHeld?: number;
  /** Collect satisfied conditions and fire once for all of them. */
  readonly collect?: Collecting;
  readonly concurrency?: ConcurrencyLimit;
}

export type Collecting = DebounceOptions | BatchOptions;

/** Fire when nothing came for a while. */
export interface DebounceOptions {
  readonly kind: 'debounce';
  readonly debounceMs: number;
  /** Fire at the latest so long after the first. Default: ten times `debounceMs`. */
  readonly debounceMaxMs?: number;
  /** Name of a key in `Observation.keys`: collect separately for each value. */
  readonly by?: string;
}

/** Fire when so many came, or so long after the first. */
export interface BatchOptions {
  readonly kind: 'batch';
  readonly batchSize: number;
  /** Without it an incomplete batch waits until it is complete. */
  readonly batchWindowMs?: number;
  /** Name of a key in `Observation.keys`: collect separately for each value. */
  readonly by?: string;
}

/** At most `limit` fires run at the same time; the others wait in line. */
export interface ConcurrencyLimit {
  readonly limit: number;
  /** Name of a key in `Observation.keys`: count separately for each value. */
  readonly by?: string;
  /** Most fires waiting for one value of the key; further ones are parked. Default 2,000. */
  readonly maxWaiting?: number;
}

export type FireReason =
  /** The condition has no `&&`: the event alone was enough. */
  | 'event'
  /** The last missing dependency came. */
  | 'joined'
  /** Nothing came for `debounceMs`. */
  | 'quiet'
  /** The longest time, the largest number of events or the largest content to collect was reached. */
  | 'full'
  /** The options of the trigger changed, so what was collected is not held back any longer. */
  | 'reconfigured';

/** One trigger with the events that satisfied it. */
export interface StateFire<E> {
  /** Unique within the sensor, also over continue-as-new; to be given to `finished`. */
  readonly id: string;
  readonly trigger: string;
  /** The event of each dependency; of a collected fire, the last one of each. */
  readonly dependencies: Readonly<Record<string, E>>;
  /** Of a collected fire: every event of each dependency, oldest first. */
  readonly all?: Readonly<Record<string, readonly E[]>>;
  readonly reason: FireReason;
  /** Value of the concurrency key. */
  readonly concurrencyKey?: string;
}

export type ParkReason =
  /** The others did not come within `windowMs`. */
  | 'window-passed'
  /** More than `maxHeld` events of this dependency were waiting, or more than the sensor can carry. */
  | 'too-many-held'
  /** The trigger joins by a key that this event does not have. */
  | 'key-missing'
  /** More than `maxWaiting` fires were waiting for their turn. */
  | 'too-many-waiting'
  /** The events were complete, and their trigger was removed before it fired. */
  | 'trigger-removed';

/** Events that will not fire by themselves any more, for a person to look at. */
export interface ParkedEvents<E extends EventReference> {
  readonly trigger: string;
  readonly reason: ParkReason;
  readonly dependencies: Readonly<Record<string, E>>;
  /** Of a collected fire: every event of each dependency. */
  readonly all?: Readonly<Record<string, readonly E[]>>;
  /** Dependencies that never came. Empty for a fire that was complete. */
  readonly missing: readonly string[];
  readonly correlationKey?: string;
}

export type PurgeReason = 'trigger-removed' | 'condition-changed' | 'dependency-changed' | 'correlation-changed';

/** What became of an event that did not fire: nothing happens to one without a fire, a parking or a note. */
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

/** What follows from one step. */
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

/** What is held, waiting and running for one trigger, for people to look at. */
export interface TriggerView<E extends EventReference> {
  readonly trigger: string;
  readonly condition: string;
  readonly held: readonly HeldEvent<E>[];
  /** Satisfied conditions that are being collected. */
  readonly collected: number;
  /** Fires waiting for their turn. */
  readonly waiting: number;
  /** Fires under way; counted only with a concurrency limit. */
  readonly running: number;
}
