/**
 * The contract of every event source: how Sluice reads one outside system.
 *
 * A source only reads and acknowledges. The relay (activities/relay/event-relay.ts) filters, publishes to the bus and then
 * calls `acknowledge`, so that no source can acknowledge an event that the bus does not have.
 */
import type { ConnectionOwner } from '../clients/connection-owner';
import type { ErrorCode } from '../errors/sluice-error';
import type { JsonObject } from '../event/json';
import type { JsonDocument, ObjectDocument } from '../event/json-text';
import type { StreamStart } from '../manifest/annotations';
import type { EventOptions } from '../manifest/event-source';
import type { MaskedHeaders } from '../manifest/masked-headers';
import type { SupportedSource } from '../kinds/source-kinds';

/** One thing that was received, in the payload shape that Argo Events gives this kind of source. */
export interface ReceivedEvent {
  /**
   * The transport's own stable id (`<stream>:<entry id>` for a Redis stream); undefined where the transport has none
   * and the id must come from the content.
   */
  readonly transportId?: string;
  /** Payload as sensors see it, e.g. `{stream, message_id, values, metadata}`. */
  readonly data: ObjectDocument;
  /** Where inside `data` the producer's own document is (`body`, `values`): looked at for CloudEvents and STAC ids. */
  readonly document?: JsonDocument;
  /** When it happened, RFC 3339; defaults to now. */
  readonly time?: string;
  /** W3C trace context that the producer sent along. */
  readonly traceparent?: string;
}

/** What will never be on the bus, and why. */
export interface RejectedEvent {
  readonly code: ErrorCode;
  /** In words, without the payload. */
  readonly reason: string;
}

/** What could not be turned into an event, e.g. a body that is not JSON. It is recorded and acknowledged. */
export interface RejectedInput extends RejectedEvent {
  readonly transportId?: string;
  readonly code: 'EVENT_UNDECODABLE' | 'BUS_EVENT_TOO_LARGE';
}

/** What became of a delivery. An event that is not listed is on the bus, or a filter left it out. */
export interface DeliveryOutcome {
  /** Permanently: each is on record, and a source that answers its caller must not answer with success. */
  readonly rejected: readonly RejectedEvent[];
}

/** Several events that were received together and are acknowledged together. */
export interface Delivery {
  readonly events: readonly ReceivedEvent[];
  readonly rejected: readonly RejectedInput[];
  /** Where reading stands after this delivery, for the heartbeat and the UI (`stac-events@1647495121754-0`). */
  readonly position?: string;
  /** Called once, after the bus has confirmed every event and every rejection is on record. */
  acknowledge(outcome: DeliveryOutcome): Promise<void>;
  /** Called instead when that failed. The outside system will deliver again (or answer its caller with an error). */
  release(error: unknown): Promise<void>;
}

/** Where a source has read to, kept on the bus: it outlives workers, pauses, and a source that is applied again. */
export interface PositionStore {
  /** Undefined for a source that never read. Throws where the bus is away. */
  read(): Promise<JsonObject | undefined>;
  /** At most some hundred KB. Throws where the bus is away. */
  write(position: JsonObject): Promise<void>;
}

export interface SourceContext extends ConnectionOwner {
  /** Where to begin in what was there before; only sources that keep a backlog look at it. Default: all. */
  readonly startFrom?: StreamStart;
  /** Webhooks only: annotation `sluice.io/masked-headers`. Default: the list in webhook-masking.ts. */
  readonly maskedHeaders?: MaskedHeaders;
  /** For a source whose outside keeps no position for its readers. */
  readonly position: PositionStore;
  /** What `marks` of the reader before this one returned; undefined where there was none. */
  readonly formerMarks?: unknown;
}

export interface SourceStatus {
  /** It subscribes, reads or listens right now, as observed: an open socket is not enough. */
  readonly connected: boolean;
  /** Received and given up, because the transport keeps nothing and the bus was away for too long. */
  readonly dropped: number;
  /** Why it does not read, or what it reads and cannot keep, for a person; undefined while all is well. No secrets. */
  readonly problem?: string;
}

/** What waits outside and is not on the bus yet. */
export interface SourceBacklog {
  readonly entries: number;
  /** Of these, handed to a reader and not acknowledged. */
  readonly pending: number;
  /** There may be more: the outside system cannot count, and counting by hand has an end. */
  readonly isAtLeast?: boolean;
}

export interface Source {
  /**
   * How long the outside waits for `acknowledge`, in milliseconds; then the relay gives up and calls `release`.
   * Undefined: for as long as it takes.
   */
  readonly patienceMs?: number;
  /** Connects and looks, consumes nothing. Throws EVENT_SOURCE_UNREACHABLE or EVENT_SOURCE_MISCONFIGURED. */
  check(): Promise<void>;
  /**
   * Yields deliveries until the signal aborts. Handles lost connections itself (waits and reconnects, for ever);
   * throws only what a person must repair. The next delivery may be pulled before the former was acknowledged.
   */
  deliveries(): AsyncIterable<Delivery>;
  status(): SourceStatus;
  /** Where reading stands, small, for the reader that takes over when this worker dies: `formerMarks` there. */
  marks?(): JsonObject;
  /**
   * Counts what waits outside, consumes nothing, also while nobody reads; waits for a server that is away. Left out
   * where the outside keeps nothing. Throws EVENT_SOURCE_UNREACHABLE or EVENT_SOURCE_MISCONFIGURED.
   */
  backlog?(signal: AbortSignal): Promise<SourceBacklog>;
  /** Idempotent. Called after `deliveries` has ended; what was not acknowledged by then is delivered again. */
  close(): Promise<void>;
}

/**
 * The implementation of one kind in the table of kinds: the export `<kind>Source` of `<kind in kebab-case>.ts`, declared
 * as `SourceOf<'kind'>`. `Spec` is the zod-inferred type of `spec.<kind>.<eventName>`.
 */
export interface SourceFactory<Spec> {
  /** Key in the EventSource's spec: `redis`, `redisStream`, `webhook`. */
  readonly kind: string;
  /** CloudEvent type, as Argo Events writes it. */
  readonly cloudEventType: string;
  /** What the transport itself can promise; docs/sources/ and the contract suite say it too. */
  readonly guarantee: 'at least once' | 'at most once';
  create(spec: Spec, context: SourceContext): Source;
}

/** The compiler refuses a kind that the table of kinds does not read, and options that are not those of its schema. */
export type SourceOf<Kind extends SupportedSource> = SourceFactory<EventOptions<Kind>>;
