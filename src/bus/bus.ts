/**
 * The contract of the event bus: keeps events, deduplicated, until every sensor has handled them.
 *
 * `connectBus` (connect.ts) creates one; activities share it. Every method rides out a lost connection by itself.
 */
import type { CloudEvent } from '../event/cloud-event';
import type { Decision, DecisionRecord } from '../records/decision-record';
import type { SluiceError } from '../errors/sluice-error';
import type { ArgoConsumer } from './argo-consumers';
import type { ArgoPosition, ArgoSubscription } from './argo-positions';
import type { BucketPurpose } from './bus-names';
import type { ExpiredEvents } from './expired-events';
import type { HandedBack } from './hand-back';

/** One clear line per state change, never one per event. */
export type BusLog = (level: 'info' | 'warn', message: string) => void;

/** The result for one event passed to `publishEvents`. */
export type PublishOutcome =
  /** The event is on the bus. `duplicate`: the bus already had it, under the same event key. */
  | { readonly kind: 'published'; readonly sequence: number; readonly duplicate: boolean }
  /** BUS_EVENT_TOO_LARGE or EVENT_UNDECODABLE (permanent); BUS_UNREACHABLE or BUS_REFUSED (transient). */
  | { readonly kind: 'failed'; readonly error: SluiceError };

export interface PublishOptions {
  /** How long transient failures are retried; default 10,000. */
  readonly patienceMs?: number;
  readonly signal?: AbortSignal;
}

/** Where the listener of a new sensor starts; a known sensor continues at its position. */
export type StartFrom =
  | { readonly kind: 'new' }
  | { readonly kind: 'all' }
  /** RFC 3339. */
  | { readonly kind: 'time'; readonly time: string }
  /** Where the consumers of Argo Events for these subscriptions stand; at `otherwise` (RFC 3339) if there are none. */
  | { readonly kind: 'argo-events'; readonly subscriptions: readonly ArgoSubscription[]; readonly otherwise: string };

export interface ListenerOptions {
  readonly namespace: string;
  readonly sensorName: string;
  /** The event paths of all dependencies, see `eventPath`. */
  readonly paths: readonly string[];
  readonly startFrom: StartFrom;
  /** The largest `max` that will be passed to `pull`; decides how much is fetched ahead. */
  readonly maxBatch: number;
  /** When it aborts, the listener closes by itself and waiting pulls resolve to an empty list. */
  readonly signal?: AbortSignal;
}

/** An event delivered to a listener, which keeps it for two minutes; then, or if its worker dies, it is redelivered. */
export interface BusMessage {
  /** Undefined if the message on the bus is not an event; `undecodable` says why. */
  readonly event: CloudEvent | undefined;
  readonly undecodable?: string;
  readonly subject: string;
  /** Size on the bus. */
  readonly bytes: number;
  /** Position on the bus. */
  readonly sequence: number;
  /** 1 for the first delivery. */
  readonly deliveryCount: number;
  /** Milliseconds since the epoch. */
  readonly publishedAt: number;
  /** Number of events that were pending behind this one when it was delivered. */
  readonly pending: number;
  /** Acknowledges the event: Temporal has it. */
  ack(): void;
  /** Restarts the acknowledgement wait, because the event is still being handled. */
  working(): void;
  /** Requests redelivery, to any listener of the sensor, now or after a delay. */
  nak(delayMs?: number): void;
}

export interface BusListener {
  /** For a sensor that moved here from Argo Events: what it had handled there, and the bus may deliver here again. */
  readonly handledByArgo: readonly ArgoPosition[];
  /**
   * Returns up to `max` pending events immediately; if there are none, waits for the next one; empty once closed.
   * Several calls may wait at the same time.
   */
  pull(max: number): Promise<BusMessage[]>;
  /**
   * Measures the backlog and accounts for events that were removed unhandled since the last measurement by any process.
   * `alone`: no other listener of this sensor is open.
   */
  measureBacklog(alone: boolean): Promise<SensorBacklog>;
  /** Idempotent. Naks events that were fetched ahead; events that were pulled stay with their caller. */
  close(): Promise<void>;
}

/** The position of a sensor on the bus. */
export interface SensorPosition {
  /** Every event up to here was handled or was not for this sensor. */
  readonly handledTo: number;
  /** Every event for this sensor up to here was delivered at least once. */
  readonly deliveredTo: number;
  /** Pending events for the sensor, including those in flight. */
  readonly waiting: number;
}

/** The backlog of a sensor, how long the bus keeps it, and the events that left the bus unhandled. */
export interface SensorBacklog {
  /** Events that the sensor has not acknowledged yet, including those in flight. */
  readonly waiting: number;
  /** Of these, delivered to a listener, or nak'd and to be redelivered later. */
  readonly inHand: number;
  /** Every event up to this sequence is acknowledged or not for this sensor. */
  readonly handledTo: number;
  /** When the oldest pending event was published, in milliseconds since the epoch; absent if none is pending. */
  readonly oldestAt?: number;
  /** How long the bus keeps an unhandled event; 0: until it is handled. */
  readonly maxAgeMs: number;
  /** Newly found losses, for the caller to report. Each loss is found once. */
  readonly expired: readonly ExpiredEvents[];
  /** The latest losses, oldest first, including the newly found ones. */
  readonly history: readonly ExpiredEvents[];
}

/** An event read back from the bus, which changes no consumer's position. */
export interface StoredEvent {
  readonly event: CloudEvent | undefined;
  readonly undecodable?: string;
  readonly subject: string;
  readonly sequence: number;
  readonly publishedAt: number;
}

export interface EventRange {
  /** See `eventPath`. Default: every event. */
  readonly paths?: readonly string[];
  readonly fromSequence?: number;
  /** Inclusive; default: the last event now on the bus. */
  readonly toSequence?: number;
  /** RFC 3339, inclusive; `fromSequence` takes precedence over `fromTime`. */
  readonly fromTime?: string;
  readonly toTime?: string;
  readonly limit?: number;
  /** Only events that contain this text in their id or data; the others are skipped quickly. */
  readonly containing?: string;
}

/** Called during reading with the number of messages read so far, matching or not. */
export type OnRead = (count: number) => void;

/** The extent of the events on the bus. */
export interface BusExtent {
  readonly first: number;
  readonly last: number;
  readonly events: number;
  /** RFC 3339: when the first event was published; absent on an empty bus. */
  readonly firstAt?: string;
}

export interface DecisionFilter {
  readonly namespace?: string;
  /** Name of the sensor or event source that made the decision. */
  readonly owner?: string;
  /** Distinguishes a sensor and an event source of the same name. */
  readonly ownerKind?: 'sensor' | 'event source';
  readonly decision?: Decision;
  /** Event key, event id or short id. */
  readonly event?: string;
  /** Only records that contain this text anywhere. */
  readonly containing?: string;
  /** RFC 3339. */
  readonly since?: string;
  /** Only this many of the newest; default: all. */
  readonly newest?: number;
}

export interface DecisionCounts {
  readonly recorded: number;
  /** Dropped because the bus was unreachable for so long that the buffer overflowed. */
  readonly lost: number;
}

/** The content of an event that a sensor holds, under a name chosen by the sensor. */
export interface HeldContent {
  readonly name: string;
  readonly event: CloudEvent;
}

export interface Bus {
  /** `<namespace>/<name>` of the EventBus, for messages. */
  readonly name: string;
  isConnected(): boolean;
  /** Why no events are accepted or delivered now, for operators: connection lost, credentials refused, stream full. */
  problem(): string | undefined;
  /**
   * Resolves to results in the order of the events, in which the bus stores them too, except those that it does not
   * confirm at once: they are sent again, behind others. Never throws because of a single event.
   */
  publishEvents(events: readonly CloudEvent[], options?: PublishOptions): Promise<PublishOutcome[]>;
  openListener(options: ListenerOptions): Promise<BusListener>;
  readEvents(range: EventRange, onRead?: OnRead): AsyncIterable<StoredEvent>;
  /** Returns the first and last sequence on the bus, the number of events, and the time of the first one. */
  extent(): Promise<BusExtent>;
  /** Written in the background, many records per message; `flushDecisions` resolves once all so far are on the bus. */
  recordDecisions(records: readonly DecisionRecord[]): void;
  flushDecisions(): Promise<void>;
  decisionCounts(): DecisionCounts;
  /** Oldest first. */
  readDecisions(filter: DecisionFilter, onRead?: OnRead): AsyncIterable<DecisionRecord>;
  /** Returns undefined for a value that was never written. */
  readShared<Value>(purpose: BucketPurpose, key: string): Promise<Value | undefined>;
  /** See SharedValues.update. */
  updateShared<Value>(
    purpose: BucketPurpose,
    key: string,
    change: (before: Value | undefined) => Value | undefined,
    options?: { readonly optimistic?: boolean },
  ): Promise<Value>;
  /** Keeps contents until they are forgotten; a later content replaces an earlier one of the same name. */
  storeHeld(namespace: string, sensorName: string, contents: readonly HeldContent[]): Promise<void>;
  /** Returns contents in the order of the names; undefined for those that do not exist (any more). */
  recallHeld(namespace: string, sensorName: string, names: readonly string[]): Promise<Array<CloudEvent | undefined>>;
  /** No error for contents that do not exist. */
  forgetHeld(namespace: string, sensorName: string, names: readonly string[]): Promise<void>;
  /** Returns a sensor's position, with or without a listener; undefined for a sensor that never listened. */
  position(namespace: string, sensorName: string): Promise<SensorPosition | undefined>;
  /** Returns what Argo Events keeps for a sensor of this name, one entry for each subscription. */
  argoConsumers(sensorName: string, subscriptions: readonly ArgoSubscription[]): Promise<readonly ArgoConsumer[]>;
  /** How far Argo Events was when the sensor moved here; empty if it did not. */
  movedFromArgo(namespace: string, sensorName: string): Promise<readonly ArgoPosition[]>;
  /** See hand-back.ts. */
  handBackToArgo(
    sensorName: string,
    subscriptions: readonly ArgoSubscription[],
    handledTo: number,
  ): Promise<readonly HandedBack[]>;
  /**
   * Measures the backlog of a sensor without a listener; undefined if it never listened. `record`: keeps losses, for
   * callers that know that the sensor is paused; otherwise losses are only returned.
   */
  sensorBacklog(
    namespace: string,
    sensorName: string,
    options: { record: boolean },
  ): Promise<SensorBacklog | undefined>;
  /** Counts the events that wait for the sensor that is furthest behind, of those that take events of this path. */
  waitingEvents(path: string): Promise<number>;
  /** Removes the sensor's position and held contents: applied again, it starts afresh. No error if there are none. */
  forgetSensor(namespace: string, sensorName: string): Promise<void>;
  /**
   * Returns the settings of the stream that differ from the manifest, as sentences. `change`: first changes those that
   * can be changed, and says of the others why not.
   */
  streamDifferences(options: { change: boolean }): Promise<readonly string[]>;
  /** Creates everything that is otherwise created on first use, for users without the right to create it. */
  prepare(): Promise<void>;
  /** Idempotent. First writes the remaining decisions, for at most a few seconds. */
  close(): Promise<void>;
}
