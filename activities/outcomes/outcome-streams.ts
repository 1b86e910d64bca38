/**
 * Outcomes as entries of Redis streams, in the format of the water-bodies system: `WATERBODIES` for successes,
 * `WATERBODIESFAILURE` for the rest, unless the sensor names others. Only sensors that name a Redis server write any.
 */
import { isSluiceError } from '../../src/errors/sluice-error';
import type { CloudEvent } from '../../src/event/cloud-event';
import { eventKey } from '../../src/event/cloud-event';
import { jsonOf } from '../../src/event/event-data';
import { isJsonObject } from '../../src/event/json';
import { valueOf } from '../../src/event/json-text';
import { parseStacItem, parseStacReference } from '../../src/event/stac';
import type { SecretReader } from '../../src/kubernetes/secrets';
import type { OutcomeStreamNames as StreamNames } from '../../src/manifest/annotations';
import type { FireStatus } from '../../src/contract/fires';
import type { PublishOutcomesRequest } from '../../src/contract/activities';
import { OutcomeRedisConnections, outcomeRedisError, type OutcomeRedis } from './outcome-stream-client';

const DEFAULT_STREAMS: StreamNames = { success: 'WATERBODIES', failure: 'WATERBODIESFAILURE' };
/** How long a retry is recognised; Temporal retries within minutes. */
const REMEMBER_SECONDS = 24 * 3_600;

/**
 * Adds the entry unless this outcome is there already. Redis does not roll back a script that fails, so the marker of a
 * refused entry is removed here, with SET: the only right to write that is certain at that point.
 */
const ADD_ONCE = `
if not redis.call('SET', KEYS[2], '1', 'NX', 'EX', ARGV[1]) then
  return false
end
local added = redis.pcall('XADD', KEYS[1], '*', unpack(ARGV, 2))
if type(added) == 'table' and added.err then
  redis.call('SET', KEYS[2], '', 'PX', 1)
end
return added`;

export interface OutcomeEntry {
  readonly stream: string;
  readonly fields: Readonly<Record<string, string>>;
  /** Unique to the outcome; in the same slot as the stream, for Redis Cluster. */
  readonly onceKey: string;
}

export class OutcomeStreams {
  private readonly connections: OutcomeRedisConnections;

  constructor(secrets: SecretReader) {
    this.connections = new OutcomeRedisConnections(secrets);
  }

  /**
   * Throws SECRET_MISSING, OUTCOME_REFUSED and TRIGGER_UNREACHABLE. Some entries may be written by then; a retry adds
   * only the others.
   */
  async add({ sensor, options, events }: PublishOutcomesRequest, fires: readonly FireStatus[]): Promise<void> {
    const { outcomeRedis: address, outcomeRedisAccess: access, outcomeStreams: streams = DEFAULT_STREAMS } = options;
    if (address === undefined) return;
    const entries = fires.flatMap((fire) => entryOf(fire, events, streams) ?? []);
    if (entries.length === 0) return;
    const server: OutcomeRedis = { sensor, address, ...(access && { access }) };
    try {
      const client = await this.connections.connect(server);
      for (const { stream, fields, onceKey } of entries) {
        await client.eval(ADD_ONCE, 2, stream, onceKey, REMEMBER_SECONDS, ...Object.entries(fields).flat());
      }
    } catch (error) {
      throw isSluiceError(error) ? error : outcomeRedisError(error, server);
    }
  }

  close(): void {
    this.connections.close();
  }
}

/** Undefined if the sensor wants no entry for this kind of outcome. */
export function entryOf(
  fire: FireStatus,
  events: readonly CloudEvent[],
  streams: StreamNames,
): OutcomeEntry | undefined {
  const { outcome, object } = fire;
  const succeeded = outcome?.phase === 'Succeeded';
  const stream = succeeded ? streams.success : streams.failure;
  if (outcome === undefined || stream === undefined) return undefined;
  const { subject, href } = describeScene(events.filter((event) => fire.events.includes(eventKey(event))));
  return {
    stream,
    onceKey: `sluice:{${stream}}:${fire.id}:${outcome.phase}`,
    fields: {
      subject,
      workflow_id: object?.uid ?? '',
      workflow_name: object?.name ?? '',
      workflow_status: outcome.phase,
      href,
      ...(succeeded && { stac_catalog: catalogueOf(outcome.outputs) }),
    },
  };
}

/** Argo parameters are usually written with a hyphen, fields of the stream with an underscore. */
function catalogueOf(outputs: Readonly<Record<string, string>>): string {
  return outputs['stac-catalog'] ?? outputs['stac_catalog'] ?? '';
}

/** Returns the link of the fire's first event that has one, and its subject. */
function describeScene(events: readonly CloudEvent[]): { subject: string; href: string } {
  for (const event of events) {
    const data = valueOf(jsonOf(event) ?? null);
    const places = isJsonObject(data) ? [data, data['values'], data['body'], data['message']] : [];
    for (const place of places) {
      const reference = parseStacReference(place);
      if (reference) return { href: reference.href, subject: reference.subject ?? reference.href };
      const href = selfLinkOf(place) ?? onlyHrefOf(place);
      if (href !== undefined) return { href, subject: href };
    }
  }
  return { subject: events.map(eventKey).join(','), href: '' };
}

/** A sensor's transform may have turned the only link into a list, like that of water-bodies. */
function onlyHrefOf(document: unknown): string | undefined {
  if (!isJsonObject(document) || !Array.isArray(document['href'])) return undefined;
  const [only, ...others] = document['href'];
  return typeof only === 'string' && others.length === 0 ? only : undefined;
}

function selfLinkOf(document: unknown): string | undefined {
  if (!isJsonObject(document) || parseStacItem(document) === undefined || !Array.isArray(document['links'])) {
    return undefined;
  }
  for (const link of document['links']) {
    if (isJsonObject(link) && link['rel'] === 'self' && typeof link['href'] === 'string') return link['href'];
  }
  return undefined;
}
