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
import type { CustomSource } from './custom-source';
import type { KubernetesAccess } from '../kubernetes/access';
import type { KeySelector } from '../kubernetes/secrets';

/** One received event, in the payload shape that Argo Events gives this kind of source. */
export interface ReceivedEvent {
  /**
   * The transport's own stable id (`<stream>:<entry id>` for a Redis stream); undefined if the transport has none and
   * the id must be derived from the content.
   */
  readonly transportId?: string;
  /** Weaker: what the transport calls this delivery when it repeats it. Used if `document` has no id of its own. */
  readonly deliveryId?: string;
  /** Payload as sensors see it, e.g. `{stream, message_id, values, metadata}`. */
  readonly data: ObjectDocument;
  /** The producer's own document inside `data` (`body`, `values`): searched for CloudEvents and STAC ids. */
  readonly document?: JsonDocument;
  /** When the event happened, RFC 3339; defaults to now. */
  readonly time?: string;
  /** W3C trace context sent by the producer. */
  readonly traceparent?: string;
  /** Why the options of the source do not select it: it is recorded as filtered, and not published. */
  readonly leftOut?: string;
}

/** An event that will never be on the bus, and the reason. */
export interface RejectedEvent {
  readonly code: ErrorCode;
  /** Readable text, without the payload. */
  readonly reason: string;
}

/** Input that could not be turned into an event, e.g. a body that is not JSON. It is recorded and acknowledged. */
export interface RejectedInput extends RejectedEvent {
  readonly transportId?: string;
  readonly code: 'EVENT_UNDECODABLE' | 'BUS_EVENT_TOO_LARGE';
}

/** The result of a delivery. Events that are not listed are on the bus, or were left out by a filter. */
export interface DeliveryOutcome {
  /** Permanently rejected: each is recorded, and a source that responds to its caller must not report success. */
  readonly rejected: readonly RejectedEvent[];
}

/** Several events that were received together and are acknowledged together. */
export interface Delivery {
  readonly events: readonly ReceivedEvent[];
  readonly rejected: readonly RejectedInput[];
  /** The read position after this delivery, for the heartbeat and the UI (`stac-events@1647495121754-0`). */
  readonly position?: string;
  /** By `performance.now()`: when a caller began to wait, whose patience counts from here. Default: when it is read. */
  readonly receivedAt?: number;
  /** Called once, after the bus has confirmed every event and every rejection is recorded. */
  acknowledge(outcome: DeliveryOutcome): Promise<void>;
  /** Called instead if that failed. The outside system will deliver again (or its caller gets an error). */
  release(error: unknown): Promise<void>;
}

/** The read position of a source, kept on the bus: it outlives workers, pauses, and a source that is applied again. */
export interface PositionStore {
  /** Returns undefined for a source that never read. Throws if the bus is unreachable. */
  read(): Promise<JsonObject | undefined>;
  /** Up to a few hundred KB. Throws if the bus is unreachable. */
  write(position: JsonObject): Promise<void>;
}

export interface SourceContext extends Omit<ConnectionOwner, 'failure'> {
  readonly eventSourceName: string;
  readonly eventName: string;
  /** Where to begin in the existing backlog; used only by sources that keep one. */
  readonly startFrom: StreamStart;
  /** Webhooks only: annotation `sluice.io/masked-headers`. Default: the list in webhook-masking.ts. */
  readonly maskedHeaders?: MaskedHeaders;
  /** `stripe` and `bitbucket`: annotation `sluice.io/signature-secret`. Default: requests are not verified. */
  readonly signatureSecret?: KeySelector;
  /** For sources whose outside system keeps no position for its readers. */
  readonly position: PositionStore;
  readonly matchTexts: MatchTexts;
  readonly matchField: MatchField;
  /** The cluster of the worker, with the rights of the service account that the manifest names. */
  readonly kubernetes: { open(): ReturnType<KubernetesAccess['open']> };
  /** Sources that are not part of Sluice, from the owner of the worker. */
  readonly customSources?: readonly CustomSource[];
  /** The result of the previous reader's `marks`; undefined if there was none. */
  readonly formerMarks?: unknown;
}

/**
 * Matches each text against a regular expression of Go, with a time limit and outside the main thread: a pattern of one
 * manifest must not stop the sources of the others. Rejects with EXPRESSION_INVALID for a pattern that does not compile.
 */
export type MatchTexts = (pattern: string, texts: readonly string[]) => Promise<readonly boolean[]>;

/**
 * Whether the text at a gjson path of a document matches a regular expression of Go; false if there is none. Rejects as
 * MatchTexts does.
 */
export type MatchField = (document: JsonObject, path: string, pattern: string) => Promise<boolean>;

export interface SourceStatus {
  /** The source subscribes, reads or listens right now, as observed: an open socket is not enough. */
  readonly connected: boolean;
  /** Messages dropped because the transport keeps nothing and the bus was unreachable for too long. */
  readonly dropped: number;
  /** Requests of callers that did not prove who they are: without a valid token or signature. Default: none. */
  readonly unauthorized?: number;
  /** Why it does not read, or what it reads and cannot keep, for operators; undefined if all is well. No secrets. */
  readonly problem?: string;
}

/** Messages outside that are not on the bus yet. */
export interface SourceBacklog {
  readonly entries: number;
  /** Of these, delivered to a reader and not acknowledged. */
  readonly pending: number;
  /** There may be more: the outside system cannot count, and counting by hand has a limit. */
  readonly isAtLeast?: boolean;
}

export interface Source {
  /**
   * How long the outside system waits for `acknowledge`, in milliseconds; then the relay gives up and calls `release`.
   * Undefined: indefinitely.
   */
  readonly patienceMs?: number;
  /** Connects without consuming anything. Throws EVENT_SOURCE_UNREACHABLE or EVENT_SOURCE_MISCONFIGURED. */
  check(): Promise<void>;
  /**
   * Yields deliveries until the signal aborts. Handles lost connections itself (waits and reconnects indefinitely);
   * throws only errors that an operator must fix. The next delivery may be pulled before the former was acknowledged.
   */
  deliveries(): AsyncIterable<Delivery>;
  status(): SourceStatus;
  /** Returns the read position, small, for the reader that takes over when this worker dies: its `formerMarks`. */
  marks?(): JsonObject;
  /**
   * Counts what waits outside without consuming it, also while no reader is active; waits for an unreachable server.
   * Omitted if the outside system keeps nothing. Throws EVENT_SOURCE_UNREACHABLE or EVENT_SOURCE_MISCONFIGURED.
   */
  backlog?(signal: AbortSignal): Promise<SourceBacklog>;
  /** Idempotent. Called after `deliveries` has ended; unacknowledged deliveries are delivered again. */
  close(): Promise<void>;
}

/**
 * The implementation of one kind in the table of kinds: the export `<kind>Source` of `<kind in kebab-case>.ts`, declared
 * as `SourceOf<'kind'>`. `Spec` is the zod-inferred type of `spec.<kind>.<eventName>`.
 */
export interface SourceFactory<Spec> {
  /** Key in the EventSource's spec: `redis`, `redisStream`, `webhook`. As in Argo Events, also the CloudEvent type. */
  readonly kind: string;
  /** The guarantee of the transport itself; docs/sources/ and the contract suite state it too. */
  readonly guarantee: 'at least once' | 'at most once';
  /** The CloudEvent type, if it is not the kind. */
  typeOf?(spec: Spec): string;
  create(spec: Spec, context: SourceContext): Source;
}

/** The compiler rejects a kind that the table of kinds does not support, and options unlike those of its schema. */
export type SourceOf<Kind extends SupportedSource> = SourceFactory<EventOptions<Kind>>;
