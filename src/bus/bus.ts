/**
 * The contract of the event bus: where events wait, deduplicated, until every sensor has handled them.
 *
 * `connectBus` (connect.ts) makes one; activities share it. Everything here rides out a lost connection by itself.
 */
import type { CloudEvent } from '../event/cloud-event';
import type { Decision, DecisionRecord } from '../records/decision-record';
import type { SluiceError } from '../errors/sluice-error';
import type { BucketPurpose } from './bus-names';
import type { ExpiredEvents } from './expired-events';

/** One clear line per state change, never one per event. */
export type BusLog = (level: 'info' | 'warn', message: string) => void;

/** What became of one event that was given to `publishEvents`. */
export type PublishOutcome =
  /** It is on the bus. `duplicate`: the bus had it already, under the same event key. */
  | { readonly kind: 'published'; readonly sequence: number; readonly duplicate: boolean }
  /** BUS_EVENT_TOO_LARGE or EVENT_UNDECODABLE (permanent); BUS_UNREACHABLE or BUS_REFUSED (transient). */
  | { readonly kind: 'failed'; readonly error: SluiceError };

export interface PublishOptions {
  /** How long passing failures are tried again; default 10,000. */
  readonly patienceMs?: number;
  readonly signal?: AbortSignal;
}

/** Where a listener starts when its sensor is new; a known sensor continues where it stopped. */
export type StartFrom =
  | { readonly kind: 'new' }
  | { readonly kind: 'all' }
  /** RFC 3339. */
  | { readonly kind: 'time'; readonly time: string };

export interface ListenerOptions {
  readonly namespace: string;
  readonly sensorName: string;
  /** Of all dependencies, see `eventPath`. */
  readonly paths: readonly string[];
  readonly startFrom: StartFrom;
  /** The most that one `pull` will be asked for; decides how much is fetched ahead. */
  readonly maxBatch: number;
  /** When it aborts, the listener closes by itself and waiting pulls resolve to nothing. */
  readonly signal?: AbortSignal;
}

/** One event in the hands of a listener, which keeps it for two minutes; then, or when its worker dies, it comes again. */
export interface BusMessage {
  /** Undefined when what lies on the bus is not an event; `undecodable` says why. */
  readonly event: CloudEvent | undefined;
  readonly undecodable?: string;
  readonly subject: string;
  /** As it lies on the bus. */
  readonly bytes: number;
  /** Position on the bus. */
  readonly sequence: number;
  /** 1 for the first delivery. */
  readonly deliveryCount: number;
  /** Milliseconds since the epoch. */
  readonly publishedAt: number;
  /** How many events waited behind this one when it was delivered. */
  readonly pending: number;
  /** The event is safely in Temporal's hands. */
  ack(): void;
  /** It is still being handled: the acknowledgement wait begins anew. */
  working(): void;
  /** Deliver again, to any listener of the sensor, now or after a while. */
  nak(delayMs?: number): void;
}

export interface BusListener {
  /**
   * What waits, at once, up to `max`; when nothing waits, the next event as soon as it comes; empty once closed.
   * Several may wait at the same time.
   */
  pull(max: number): Promise<BusMessage[]>;
  /**
   * Measures what waits and accounts for what was removed unhandled since it was measured last, by whomever.
   * `alone`: no other listener of this sensor is open.
   */
  measureBacklog(alone: boolean): Promise<SensorBacklog>;
  /** Idempotent. Gives back what was fetched ahead; what was pulled stays with whoever pulled it. */
  close(): Promise<void>;
}

/** How far a sensor has come on the bus. */
export interface SensorPosition {
  /** Up to here, everything was handled or was not for this sensor. */
  readonly handledTo: number;
  /** Up to here, everything that is for this sensor was handed out at least once. */
  readonly deliveredTo: number;
  /** Events that wait for the sensor, those in its hands included. */
  readonly waiting: number;
}

/** What waits for a sensor, how long the bus keeps it, and what the bus did not keep. */
export interface SensorBacklog {
  /** Events that the sensor has not acknowledged yet, those in hand included. */
  readonly waiting: number;
  /** Of these, handed to a listener, or given back and to be delivered again later. */
  readonly inHand: number;
  /** Every event up to this sequence is acknowledged or not for this sensor. */
  readonly handledTo: number;
  /** When the oldest waiting event was published, in milliseconds since the epoch; absent if none waits. */
  readonly oldestAt?: number;
  /** How long the bus keeps an event that was not handled; 0: until it is. */
  readonly maxAgeMs: number;
  /** Losses that were found now, to be reported by the caller. Each loss is found once. */
  readonly expired: readonly ExpiredEvents[];
  /** The latest losses, oldest first, those found now included. */
  readonly history: readonly ExpiredEvents[];
}

/** An event read back from the bus, without any consumer's position changing. */
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
  /** Inclusive; default: what is on the bus now. */
  readonly toSequence?: number;
  /** RFC 3339, inclusive; `fromSequence` wins over `fromTime`. */
  readonly fromTime?: string;
  readonly toTime?: string;
  readonly limit?: number;
  /** Only events that have this text in their id or data; many are passed over quickly. */
  readonly containing?: string;
}

/** Called as reading goes on, with the number of messages that were read so far, fitting or not. */
export type OnRead = (count: number) => void;

/** What the bus holds. */
export interface BusExtent {
  readonly first: number;
  readonly last: number;
  readonly events: number;
  /** RFC 3339: when the first was published; absent on an empty bus. */
  readonly firstAt?: string;
}

export interface DecisionFilter {
  readonly namespace?: string;
  /** Name of the sensor or event source that decided. */
  readonly owner?: string;
  /** Which of them, where both may have this name. */
  readonly ownerKind?: 'sensor' | 'event source';
  readonly decision?: Decision;
  /** Event key, event id or short id. */
  readonly event?: string;
  /** Only records that have this text somewhere. */
  readonly containing?: string;
  /** RFC 3339. */
  readonly since?: string;
  /** The newest so many; default: all. */
  readonly newest?: number;
}

export interface DecisionCounts {
  readonly recorded: number;
  /** Given up because the bus was away for so long that the buffer ran over. */
  readonly lost: number;
}

/** The content of an event that a sensor holds, under a name that the sensor gave it. */
export interface HeldContent {
  readonly name: string;
  readonly event: CloudEvent;
}

export interface Bus {
  /** `<namespace>/<name>` of the EventBus, for messages. */
  readonly name: string;
  isConnected(): boolean;
  /** Why it takes or delivers no events now, for people: connection lost, credentials refused, stream full. */
  problem(): string | undefined;
  /** Outcomes in the order of the events. Never throws for a single event's fate. */
  publishEvents(events: readonly CloudEvent[], options?: PublishOptions): Promise<PublishOutcome[]>;
  openListener(options: ListenerOptions): Promise<BusListener>;
  readEvents(range: EventRange, onRead?: OnRead): AsyncIterable<StoredEvent>;
  /** First and last sequence on the bus, how many events it holds, and since when. */
  extent(): Promise<BusExtent>;
  /** Written in the background, many to a message; `flushDecisions` resolves once all so far are on the bus. */
  recordDecisions(records: readonly DecisionRecord[]): void;
  flushDecisions(): Promise<void>;
  decisionCounts(): DecisionCounts;
  /** Oldest first. */
  readDecisions(filter: DecisionFilter, onRead?: OnRead): AsyncIterable<DecisionRecord>;
  /** Undefined for a value that nobody has written. */
  readShared<Value>(purpose: BucketPurpose, key: string): Promise<Value | undefined>;
  /** See SharedValues.update. */
  updateShared<Value>(
    purpose: BucketPurpose,
    key: string,
    change: (before: Value | undefined) => Value | undefined,
  ): Promise<Value>;
  /** Keeps contents until they are forgotten; stored again under the same name, the later one counts. */
  storeHeld(namespace: string, sensorName: string, contents: readonly HeldContent[]): Promise<void>;
  /** In the order of the names; undefined for what is not there (any more). */
  recallHeld(namespace: string, sensorName: string, names: readonly string[]): Promise<Array<CloudEvent | undefined>>;
  /** No error for what is not there. */
  forgetHeld(namespace: string, sensorName: string, names: readonly string[]): Promise<void>;
  /** Where a sensor is, listened to or not; undefined for one that never listened. */
  position(namespace: string, sensorName: string): Promise<SensorPosition | undefined>;
  /**
   * What waits for a sensor without a listener; undefined if it never listened. `record`: as `measureBacklog` of a
   * listener does, by whom knows that the sensor is paused; otherwise losses are returned and not kept.
   */
  sensorBacklog(
    namespace: string,
    sensorName: string,
    options: { record: boolean },
  ): Promise<SensorBacklog | undefined>;
  /** Removes the sensor's position and what it held: applied again, it starts anew. No error if there is none. */
  forgetSensor(namespace: string, sensorName: string): Promise<void>;
  /** Creates what is otherwise created when it is first needed, for users who may not create anything. */
  prepare(): Promise<void>;
  /** Idempotent. Decisions not yet written are written first, for at most a few seconds. */
  close(): Promise<void>;
}
