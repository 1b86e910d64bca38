/** Events for `sluice test`: CloudEvents as they are on the bus, or bare data that is wrapped in one. */
import { readFile } from 'node:fs/promises';
import { text } from 'node:stream/consumers';
import { SluiceError, describeError, isSluiceError } from '../errors/sluice-error';
import type { CloudEvent } from '../event/cloud-event';
import { decodeEvent } from '../event/encode-event';
import { MAX_EVENT_DEPTH, isJsonObject, type JsonObject } from '../event/json';
import {
  elementsOf,
  isJsonText,
  joinObject,
  memberOf,
  readJson,
  readKnownJson,
  textOf,
  valueOf,
  type JsonDocument,
} from '../event/json-text';
import { shortHash } from '../event/short-id';
import { writeExactly } from '../yaml/exact-numbers';
import { parseYamlDocuments } from '../yaml/yaml-documents';
import { isNestedBeyond } from '../yaml/yaml-nesting';

/** The same limit as for manifests. */
const MAX_YAML_DEPTH = 200;

export interface TestEvent {
  /** `event.json`, or `events.json[2]` where a file holds several. */
  readonly origin: string;
  readonly event: CloudEvent;
}

/** The attributes that bare data lacks. Without `source` and `name`, bare data is an error. */
export interface BareDataContext {
  readonly source?: string;
  readonly name?: string;
  /** The valid event sources and names, for the error. */
  readonly known: readonly string[];
  /** Milliseconds since 1970, for events that have no time of their own. */
  readonly now: number;
}

/** In the given order. Throws MANIFEST_UNREADABLE, EVENT_UNDECODABLE, or USAGE for bare data that fits nothing. */
export async function readTestEvents(
  paths: readonly string[],
  context: BareDataContext,
  stdin: NodeJS.ReadableStream,
): Promise<TestEvent[]> {
  const events: TestEvent[] = [];
  for (const path of paths) {
    const values = parseValues(await readText(path, stdin), path).flatMap(severalEvents);
    values.forEach((value, index) => {
      const origin = values.length > 1 ? `${path}[${index}]` : path;
      events.push({ origin, event: toEvent(value, origin, context) });
    });
  }
  return events;
}

export async function readText(path: string, stdin: NodeJS.ReadableStream): Promise<string> {
  try {
    return path === '-' ? await text(stdin) : await readFile(path, 'utf8');
  } catch (cause) {
    throw new SluiceError('MANIFEST_UNREADABLE', { message: `${path} cannot be read: ${describeError(cause)}`, cause });
  }
}

/** JSON, one JSON document per line, or YAML with any number of documents. Throws MANIFEST_UNREADABLE. */
export function parseValues(content: string, origin: string): JsonDocument[] {
  const json = readOne(content, origin) ?? parseJsonLines(content, origin);
  if (json !== undefined) return json;
  if (isNestedBeyond(content, MAX_YAML_DEPTH)) {
    throw new SluiceError('MANIFEST_UNREADABLE', {
      message: `${origin}: YAML is nested more than ${MAX_YAML_DEPTH} levels deep`,
      fix: `Write it as JSON, which may have ${MAX_EVENT_DEPTH} levels`,
    });
  }
  const { documents, mistakes } = parseYamlDocuments(content);
  const [mistake] = mistakes;
  if (mistake !== undefined || documents.length === 0) {
    throw new SluiceError('MANIFEST_UNREADABLE', {
      message:
        mistake === undefined
          ? `${origin} is empty`
          : `${origin}:${mistake.line} cannot be read as JSON or YAML: ${mistake.message}`,
    });
  }
  // YAML features beyond JSON are not allowed on the bus.
  return documents.map(({ value }) => readKnownJson(writeExactly(value)));
}

/** Returns undefined if the text is not JSON; throws for JSON that no event source would accept. */
function readOne(content: string, origin: string): JsonDocument[] | undefined {
  try {
    return [readJson(content, MAX_EVENT_DEPTH)];
  } catch (error) {
    if (!isSluiceError(error) || error.context.limit === undefined) return undefined;
    throw new SluiceError('MANIFEST_UNREADABLE', { message: `${origin}: ${error.message}` });
  }
}

function parseJsonLines(content: string, origin: string): JsonDocument[] | undefined {
  const lines = content.split('\n').filter((line) => line.trim() !== '');
  const values = lines.flatMap((line) => readOne(line, origin) ?? []);
  return values.length === lines.length && lines.length > 1 && values.every((value) => isJsonObject(valueOf(value)))
    ? values
    : undefined;
}

/** A list is several events only if all of its items are; any other list is the data of one. */
function severalEvents(document: JsonDocument): JsonDocument[] {
  const items = isJsonText(document) ? elementsOf(document) : Array.isArray(document) ? document : [];
  return items.length > 0 && items.every((item) => envelopeOf(item) !== undefined) ? items : [document];
}

/** Returns the attributes of an event, its data among them; undefined for bare data. */
function envelopeOf(document: JsonDocument): Readonly<Record<string, JsonDocument>> | undefined {
  const value = valueOf(document);
  if (!isJsonObject(value)) return undefined;
  const data = isJsonText(document) ? memberOf(document, 'data') : value.data;
  const { context } = value;
  // As Argo Events passes a whole event to a trigger, with base64 data.
  if (isJsonObject(context) && isEnvelope(context)) {
    return { ...context, ...(typeof data === 'string' ? { data_base64: data } : data !== undefined && { data }) };
  }
  const isEvent = isEnvelope(value) && (data !== undefined || 'data_base64' in value || 'specversion' in value);
  return isEvent ? { ...value, ...(data !== undefined && { data }) } : undefined;
}

function isEnvelope(value: JsonObject): boolean {
  return typeof value.source === 'string' && typeof value.subject === 'string';
}

function toEvent(document: JsonDocument, origin: string, context: BareDataContext): CloudEvent {
  const attributes = envelopeOf(document) ?? { ...placeOf(origin, context), data: document };
  const complete = joinObject({
    specversion: '1.0',
    // The same file always gives the same id, hence the same object names.
    id: shortHash(textOf(joinObject(attributes)), 12),
    time: new Date(context.now).toISOString(),
    ...attributes,
  });
  try {
    return decodeEvent(new TextEncoder().encode(textOf(complete)));
  } catch (cause) {
    throw new SluiceError('EVENT_UNDECODABLE', { message: `${origin}: ${describeError(cause)}`, cause });
  }
}

function placeOf(origin: string, { source, name, known }: BareDataContext): { source: string; subject: string } {
  if (source !== undefined && name !== undefined) return { source, subject: name };
  throw new SluiceError('USAGE', {
    message: `${origin} holds bare data, without the source and subject of a CloudEvent`,
    fix: `Set its origin with --event-source and --event-name; this sensor listens to ${known.join(', ')}`,
  });
}
