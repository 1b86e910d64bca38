/** Counts the entries of Redis streams that a consumer group has yet to handle. */
import type Redis from 'ioredis';
import type { StreamStart } from '../manifest/annotations';
import { redisErrorCode } from '../clients/redis/redis-errors';
import { BEFORE_ALL } from './redis-stream-ids';
import { replyFields } from './redis-stream-reader';
import type { SourceBacklog } from './source';

const COUNT_AT_ONCE = 100;
/** Counting transfers the entries, and happens every few seconds. */
const COUNT_AT_MOST = 1_000;

interface GroupState {
  readonly pending: number;
  readonly lastDeliveredId: string;
  /** Undefined before Redis 7; null if Redis cannot compute it: entries were deleted, or the group began mid-stream. */
  readonly lag: number | null | undefined;
}

interface Count {
  readonly entries: number;
  readonly isAtLeast: boolean;
}

/** @param start where the group would begin in a stream that does not have it yet. */
export async function measureBacklog(
  client: Redis,
  streams: readonly string[],
  group: string,
  start: StreamStart,
): Promise<SourceBacklog> {
  let entries = 0;
  let pending = 0;
  let isAtLeast = false;
  for (const stream of streams) {
    const state = await readGroupState(client, stream, group);
    const unread = state ? await countUnread(client, stream, state) : await countFromStart(client, stream, start);
    entries += unread.entries + (state?.pending ?? 0);
    pending += state?.pending ?? 0;
    isAtLeast ||= unread.isAtLeast;
  }
  return { entries, pending, ...(isAtLeast && { isAtLeast }) };
}

/** Returns undefined if the stream or the group does not exist yet. */
async function readGroupState(client: Redis, stream: string, group: string): Promise<GroupState | undefined> {
  let reply: readonly unknown[];
  try {
    reply = (await client.xinfo('GROUPS', stream)) as readonly unknown[];
  } catch (error) {
    // "ERR no such key", in words that differ between versions; a key of another type has its own code.
    if (redisErrorCode(error) === 'ERR' && (await client.xlen(stream)) === 0) return undefined;
    throw error;
  }
  for (const fields of reply) {
    const state = replyFields(fields);
    if (state.get('name') !== group) continue;
    const [lag, position] = [state.get('lag'), state.get('last-delivered-id')];
    return {
      pending: Number(state.get('pending') ?? 0),
      lastDeliveredId: typeof position === 'string' ? position : BEFORE_ALL,
      lag: typeof lag === 'number' || lag === null ? lag : undefined,
    };
  }
  return undefined;
}

async function countUnread(client: Redis, stream: string, { lag, lastDeliveredId }: GroupState): Promise<Count> {
  if (typeof lag === 'number') return { entries: lag, isAtLeast: false };
  return await countAfter(client, stream, lastDeliveredId);
}

async function countFromStart(client: Redis, stream: string, start: StreamStart): Promise<Count> {
  switch (start.kind) {
    case 'new':
      return { entries: 0, isAtLeast: false };
    case 'all':
      return await countAfter(client, stream, BEFORE_ALL);
    case 'id':
      return await countAfter(client, stream, start.id);
  }
}

async function countAfter(client: Redis, stream: string, id: string): Promise<Count> {
  if (id === BEFORE_ALL || id === '0') return { entries: await client.xlen(stream), isAtLeast: false };
  let entries = 0;
  let last = id;
  while (entries < COUNT_AT_MOST) {
    // Ranges without their first entry need Redis 6.2.
    const page = await client.xrange(stream, last, '+', 'COUNT', COUNT_AT_ONCE);
    const fresh = page.filter(([found]) => found !== last);
    entries += fresh.length;
    last = fresh.at(-1)?.[0] ?? last;
    if (page.length < COUNT_AT_ONCE) return { entries, isAtLeast: false };
  }
  return { entries, isAtLeast: true };
}
