/** What XREADGROUP, XAUTOCLAIM and their kin answer, and one consumer group's view of one server. */
import type Redis from 'ioredis';
import { setField } from '../event/json';

/** `fields` is null for an entry that was trimmed or deleted while it was pending. */
export interface StreamEntry {
  readonly stream: string;
  readonly id: string;
  readonly fields: readonly string[] | null;
}

export type StreamReply = ReadonlyArray<readonly [stream: string, entries: ReadonlyArray<RawEntry | null>]> | null;
type RawEntry = readonly [id: string, fields: readonly string[] | null];

export interface ConsumerGroup {
  readonly group: string;
  readonly consumer: string;
}

/** Entries after `cursor` in each stream's own pending list, or new ones where the cursor is `>`. */
export async function readGroup(
  client: Redis,
  { group, consumer }: ConsumerGroup,
  cursors: ReadonlyMap<string, string>,
  options: { readonly count: number; readonly blockMs: number },
): Promise<Map<string, StreamEntry[]>> {
  const reply = (await client.call(
    'XREADGROUP',
    ...['GROUP', group, consumer, 'COUNT', options.count, 'BLOCK', options.blockMs, 'STREAMS'],
    ...cursors.keys(),
    ...cursors.values(),
  )) as StreamReply;
  return new Map((reply ?? []).map(([stream, entries]) => [stream, toEntries(stream, entries)]));
}

/** Takes over what other consumers of the group left unacknowledged for `idleMs`. */
export async function claimAbandoned(
  client: Redis,
  { group, consumer }: ConsumerGroup,
  stream: string,
  options: { readonly idleMs: number; readonly cursor: string; readonly count: number },
): Promise<{ readonly cursor: string; readonly entries: StreamEntry[] }> {
  const [cursor, entries, deleted = []] = (await client.call(
    'XAUTOCLAIM',
    ...[stream, group, consumer, options.idleMs, options.cursor, 'COUNT', options.count],
  )) as [cursor: string, entries: ReadonlyArray<RawEntry | null>, deleted?: readonly string[]];
  // Redis 7 forgets pending entries whose content is gone, and says so here only.
  const lost = deleted.map((id) => ({ stream, id, fields: null }));
  return { cursor, entries: [...toEntries(stream, entries), ...lost] };
}

function toEntries(stream: string, entries: ReadonlyArray<RawEntry | null>): StreamEntry[] {
  // Redis 6.2 answers a claimed entry that was deleted with a bare nil, without its id.
  return entries.flatMap((entry) => (entry ? [{ stream, id: entry[0], fields: entry[1] }] : []));
}

/** Name and value by turns, as RESP2 has what is a map. */
export function replyFields(reply: unknown): ReadonlyMap<unknown, unknown> {
  const list: readonly unknown[] = Array.isArray(reply) ? reply : [];
  return new Map(list.flatMap((name, index) => (index % 2 === 0 ? [[name, list[index + 1]] as const] : [])));
}

/** Fields as sensors see them. A field that occurs twice keeps its last value, as in Argo Events. */
export function fieldsToValues(fields: readonly string[]): Record<string, string> {
  const values: Record<string, string> = {};
  for (let index = 0; index + 1 < fields.length; index += 2) {
    setField(values, fields[index] ?? '', fields[index + 1] ?? '');
  }
  return values;
}

/** When the entry was added, if its id is the server's own (milliseconds since the epoch). */
export function entryTime(id: string): string | undefined {
  const ms = Number(id.slice(0, id.indexOf('-')));
  return Number.isSafeInteger(ms) && ms > 1e11 && ms < 8e15 ? new Date(ms).toISOString() : undefined;
}
