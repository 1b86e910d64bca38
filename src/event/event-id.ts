/**
 * The id of an event: the same outside occurrence always gets the same id, so that a redelivery or a duplicate (a crash
 * between publishing and acknowledging, a producer that sends twice) does not become a second event.
 *
 * | what arrives | id | repeated when |
 * | --- | --- | --- |
 * | anything with a transport id (Redis stream entry, idempotency key) | `<event>:<transport id>` | the transport delivers the same entry again; an item added again is a new entry and so a new event |
 * | a CloudEvent in the payload | `<event>:cloudevent:<id>~<hash of its source>` | the producer repeats source and id |
 * | a STAC item | `<event>:stac:<collection>:<id>:<updated>` | the same version of the item is published again |
 * | a STAC item without `updated` | `<event>:stac:<collection>:<id>:<hash of the item>` | an identical item is published again |
 * | anything else that the transport names when it delivers again (MQTT packet) | `<event>:<delivery id>` | the transport delivers the same message again |
 * | anything else, or with a blank identity | `<event>:<receive time>:<hash of the payload>` | never: without an id of its own, each message is its own event |
 *
 * The event name is part of the id because one event source may read one stream under two event names, and JetStream
 * would treat the second event as a duplicate of the first.
 *
 * An id has at most 200 characters out of `A-Z a-z 0-9 . _ : @ + - ~`. Anything else becomes `_`, and a part
 * that was changed or cut off gets `~` and a hash of the original, so that it stays unique. Pure.
 */
import { MAX_EVENT_DEPTH, assertDepth, isJsonObject } from './json';
import { textOf, valueOf, type JsonDocument } from './json-text';
import { shortHash } from './short-id';
import { parseStacItem } from './stac';

export const MAX_EVENT_ID_LENGTH = 200;
/** Ids of outcomes contain the names of a sensor and of a run, so they may be longer than those derived here. */
const MAX_FOREIGN_ID_LENGTH = 512;
const MAX_PART_LENGTH = 60;
const HASH_LENGTH = 12;

export interface EventOrigin {
  /** Name of the event inside the event source. */
  readonly eventName: string;
  /** The transport's own stable id, if it has one. */
  readonly transportId?: string;
  /** Weaker: what the transport calls this delivery when it repeats it. A document with an identity goes before. */
  readonly deliveryId?: string;
  /** The producer's own document inside the payload. */
  readonly document?: JsonDocument;
  /** The payload as sensors see it. */
  readonly data: JsonDocument;
  /** When it was received; must differ between two messages that may be identical. */
  readonly receivedAt: string;
}

/**
 * The id of an event that another program put on the bus, fit for workflow ids, headers and terminals. Usual ids are
 * kept; one that is too long or has control or invisible characters is reduced to legal ones and made unique by a hash.
 */
export function boundForeignId(id: string): string {
  const isUsual = id.length <= MAX_FOREIGN_ID_LENGTH && !/[\p{C}\p{Zl}\p{Zp}]/u.test(id);
  return isUsual ? id : legalPart(id, MAX_EVENT_ID_LENGTH);
}

/** The id by the table above, from the first row that applies. */
export function deriveEventId(origin: EventOrigin): string {
  const name = legalPart(origin.eventName, MAX_PART_LENGTH, ':');
  return `${name}:${legalPart(identityOf(origin), MAX_EVENT_ID_LENGTH - name.length - 1)}`;
}

function identityOf({ transportId, deliveryId, document = null, data, receivedAt }: EventOrigin): string {
  if (isName(transportId)) return transportId;
  const value = valueOf(document);

  const cloudEvent = parseCloudEventIdentity(value);
  if (cloudEvent) return `cloudevent:${legalPart(cloudEvent.id, 120)}~${shortHash(cloudEvent.source, HASH_LENGTH)}`;

  const item = parseStacItem(value);
  if (item && isName(item.id)) {
    const version = item.updated ?? hashOf(document);
    return `stac:${item.collection ?? ''}:${item.id}:${version}`;
  }
  return isName(deliveryId) ? deliveryId : `${receivedAt}:${hashOf(data)}`;
}

/** Throws EVENT_UNDECODABLE if the document is nested too deeply to be written as JSON. */
function hashOf(document: JsonDocument): string {
  assertDepth(valueOf(document), MAX_EVENT_DEPTH);
  return shortHash(textOf(document), HASH_LENGTH);
}

/** `source` and `id` of a CloudEvent in the payload; CloudEvents makes the pair unique. */
function parseCloudEventIdentity(document: unknown): { source: string; id: string } | undefined {
  if (!isJsonObject(document) || typeof document.specversion !== 'string') return undefined;
  const { source, id } = document;
  return isName(source) && isName(id) ? { source, id } : undefined;
}

/** A blank identity identifies nothing: all events that have one would become a single event. */
export function isName(value: unknown): value is string {
  return typeof value === 'string' && value.trim() !== '';
}

/** The text in legal characters and at most `maxLength` of them; two different texts never become the same part. */
function legalPart(text: string, maxLength: number, alsoIllegal = ''): string {
  const legal = text.replace(/[^A-Za-z0-9._:@+~-]/g, '_');
  const readable = alsoIllegal === '' ? legal : legal.replaceAll(alsoIllegal, '_');
  if (readable === text && text.length <= maxLength) return text;
  return `${readable.slice(0, maxLength - HASH_LENGTH - 1)}~${shortHash(text, HASH_LENGTH)}`;
}
