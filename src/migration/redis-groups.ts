/** The consumer groups of Redis streams: the position that Argo Events and Sluice share. */
import type Redis from 'ioredis';
import { openRedis } from '../clients/redis/open-redis';
import { readLogin, redisOptions } from '../clients/redis/redis-options';
import { RedisPlace } from '../clients/redis/redis-place';
import { describeError, SluiceError } from '../errors/sluice-error';
import type { SecretReader } from '../kubernetes/secrets';
import type { EventSource } from '../manifest/event-source';

export interface RedisGroup {
  readonly event: string;
  readonly stream: string;
  readonly group: string;
  readonly exists: boolean;
  readonly consumers: ReadonlyArray<{ readonly name: string; readonly pending: number; readonly idleMs: number }>;
}

/** As Argo Events names its only one. */
const ARGO_CONSUMER = 'argo-events-worker';
const DEFAULT_GROUP = 'argo-events-cg';
const CLAIM = 1_000;

interface Opened {
  readonly event: string;
  readonly group: string;
  readonly streams: readonly string[];
  readonly client: Redis;
}

export async function readRedisGroups(
  source: EventSource,
  namespace: string,
  secrets: SecretReader,
  signal: AbortSignal,
): Promise<{ readonly groups: readonly RedisGroup[]; readonly problems: readonly string[] }> {
  const groups: RedisGroup[] = [];
  const problems: string[] = [];
  for (const event of Object.keys(source.spec.redisStream ?? {})) {
    try {
      await withServer(source, event, namespace, secrets, signal, async ({ client, group, streams }) => {
        for (const stream of streams) groups.push(await describeGroup(client, event, stream, group));
      });
    } catch (error) {
      problems.push(`the Redis of event ${event} cannot be read from here: ${describeError(error)}`);
    }
  }
  return { groups, problems };
}

/** Gives entries that are pending with consumers of Sluice to the one of Argo Events. Returns how many. */
export async function giveToArgo(
  source: EventSource,
  namespace: string,
  secrets: SecretReader,
  signal: AbortSignal,
): Promise<number> {
  let claimed = 0;
  for (const event of Object.keys(source.spec.redisStream ?? {})) {
    await withServer(source, event, namespace, secrets, signal, async ({ client, group, streams }) => {
      for (const stream of streams) {
        const { consumers } = await describeGroup(client, event, stream, group);
        for (const { name } of consumers.filter((consumer) => consumer.name.startsWith('sluice-'))) {
          claimed += await claimAll(client, stream, group, name);
        }
      }
    });
  }
  return claimed;
}

async function claimAll(client: Redis, stream: string, group: string, consumer: string): Promise<number> {
  let claimed = 0;
  for (;;) {
    const pending = await client.xpending(stream, group, '-', '+', CLAIM, consumer);
    const ids = pending.flatMap((entry) => (Array.isArray(entry) && typeof entry[0] === 'string' ? [entry[0]] : []));
    if (ids.length === 0) return claimed;
    await client.xclaim(stream, group, ARGO_CONSUMER, 0, ...ids, 'JUSTID');
    claimed += ids.length;
  }
}

async function withServer(
  source: EventSource,
  event: string,
  namespace: string,
  secrets: SecretReader,
  signal: AbortSignal,
  work: (opened: Opened) => Promise<void>,
): Promise<void> {
  const spec = source.spec.redisStream?.[event];
  if (spec === undefined) return;
  const owner = {
    ...{ namespace, secrets, signal },
    log: () => undefined,
    failure: (_kind: string, details: { message: string; fix?: string }) =>
      new SluiceError('EVENT_SOURCE_MISCONFIGURED', {
        ...details,
        message: `EventSource ${namespace}/${source.metadata.name}, event ${event}: ${details.message}`,
      }),
  };
  const login = await readLogin(spec, owner);
  const address = await new RedisPlace(spec, owner).locate(login, signal);
  const options = redisOptions(spec, address, login.server, owner);
  const { client } = await openRedis(options, signal);
  try {
    const group = spec.consumerGroup || DEFAULT_GROUP;
    await work({ event, group, streams: spec.streams, client });
  } finally {
    client.disconnect();
  }
}

async function describeGroup(client: Redis, event: string, stream: string, group: string): Promise<RedisGroup> {
  const about = { event, stream, group };
  try {
    const reply: unknown = await client.call('XINFO', 'CONSUMERS', stream, group);
    const consumers = (Array.isArray(reply) ? reply : []).map((entry: unknown) => {
      const fields = fieldsOf(entry);
      return {
        name: String(fields.get('name')),
        pending: Number(fields.get('pending')),
        idleMs: Number(fields.get('idle')),
      };
    });
    return { ...about, exists: true, consumers };
  } catch (error) {
    if (!/NOGROUP|no such key/i.test(describeError(error))) throw error;
    return { ...about, exists: false, consumers: [] };
  }
}

/** Replies of this protocol version are flat lists of names and values. */
function fieldsOf(entry: unknown): Map<unknown, unknown> {
  const flat: unknown[] = Array.isArray(entry) ? entry : [];
  return new Map(flat.flatMap((name, index) => (index % 2 === 0 ? [[name, flat[index + 1]] as const] : [])));
}
