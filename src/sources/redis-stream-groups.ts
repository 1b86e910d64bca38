/**
 * Where the consumer group of each stream begins, and where it resumes after it was destroyed: after the last completed
 * entry, so that nothing is skipped and nothing from before the event source's start is fired.
 */
import type Redis from 'ioredis';
import { isJsonObject, type JsonObject } from '../event/json';
import type { StreamStart } from '../manifest/annotations';
import { redisErrorCode } from '../clients/redis/redis-errors';
import { BEFORE_ALL, compareIds, idBefore, isEntryId } from './redis-stream-ids';
import { replyFields, type StreamEntry } from './redis-stream-reader';

interface Mark {
  /** Entries up to here never belonged to this event source. */
  readonly origin: string;
  /** Highest entry delivered to the group. */
  delivered: string;
  /** Entries delivered and not acknowledged. */
  readonly open: Set<string>;
}

interface StreamState {
  readonly lastGeneratedId: string;
  /** Since Redis 7. */
  readonly entriesAdded?: number;
}

export class StreamGroups {
  private readonly marks = new Map<string, Mark>();
  /** Entries added to each stream when last queried; a smaller number later means that it is another stream. */
  private readonly added = new Map<string, number>();

  constructor(
    private readonly group: string,
    private readonly start: StreamStart,
    former: unknown,
  ) {
    for (const [stream, mark] of Object.entries(isJsonObject(former) ? former : {})) {
      if (!isJsonObject(mark) || !isEntryId(mark.origin) || !isEntryId(mark.done)) continue;
      this.marks.set(stream, { origin: mark.origin, delivered: mark.done, open: new Set() });
    }
  }

  /** Returns the marks for this reader's successor; its `constructor` takes them. */
  marksOf(): JsonObject {
    return Object.fromEntries(
      [...this.marks].map(([stream, mark]) => [stream, { origin: mark.origin, done: doneUpTo(mark) }]),
    );
  }

  handedOut(entries: readonly StreamEntry[]): void {
    for (const { stream, id } of entries) {
      const mark = this.marks.get(stream);
      if (mark === undefined) continue;
      mark.open.add(id);
      if (compareIds(id, mark.delivered) > 0) mark.delivered = id;
    }
  }

  acknowledged(entries: readonly StreamEntry[]): void {
    for (const { stream, id } of entries) this.marks.get(stream)?.open.delete(id);
  }

  /** Creates the group and the stream if they are missing. Returns true if the group had existed and was destroyed. */
  async ensure(client: Redis, stream: string): Promise<boolean> {
    const before = await readStreamState(client, stream);
    const mark = this.marks.get(stream);
    const startId = mark === undefined ? this.firstStart(before) : this.restart(stream, mark, before);
    const wasCreated = await createGroup(client, stream, this.group, startId);
    if (before?.entriesAdded !== undefined) this.added.set(stream, before.entriesAdded);
    if (mark === undefined) this.marks.set(stream, await this.firstMark(client, stream, startId, wasCreated));
    return wasCreated && mark !== undefined;
  }

  private firstStart(state: StreamState | undefined): string {
    switch (this.start.kind) {
      case 'all':
        return BEFORE_ALL;
      case 'id':
        return this.start.id;
      case 'new':
        // As an id, so that the start is known; `$` if the user lacks the right to query it.
        return state?.lastGeneratedId ?? '$';
    }
  }

  private async firstMark(client: Redis, stream: string, startId: string, wasCreated: boolean): Promise<Mark> {
    const position = wasCreated && isEntryId(startId) ? startId : await readGroupPosition(client, stream, this.group);
    // Ids are based on the clock; used only for users without the right to XINFO.
    const delivered = position ?? (this.start.kind === 'new' ? `${Date.now()}-0` : BEFORE_ALL);
    const origin = this.start.kind === 'new' ? delivered : startId;
    return { origin: origin.includes('-') ? origin : `${origin}-0`, delivered, open: new Set() };
  }

  /**
   * Resumes the same stream after the completed entries. A stream whose last id lies before that, or that had fewer
   * entries added, is another one: after a flush, a fail-over to an empty replica or a restored backup.
   */
  private restart(stream: string, mark: Mark, state: StreamState | undefined): string {
    const done = doneUpTo(mark);
    // Without the right to query: repeated entries are recognised by their id; older ones than the start must be
    // skipped.
    if (state === undefined) return this.start.kind === 'all' ? BEFORE_ALL : done;
    const added = this.added.get(stream);
    const isSame = added === undefined || state.entriesAdded === undefined || state.entriesAdded >= added;
    if (isSame && compareIds(state.lastGeneratedId, done) >= 0) return done;
    return compareIds(state.lastGeneratedId, mark.origin) >= 0 ? mark.origin : BEFORE_ALL;
  }
}

function doneUpTo({ origin, delivered, open }: Mark): string {
  let done = delivered;
  for (const id of open) if (compareIds(id, done) <= 0) done = idBefore(id);
  return compareIds(done, origin) < 0 ? origin : done;
}

async function createGroup(client: Redis, stream: string, group: string, startId: string): Promise<boolean> {
  try {
    await client.xgroup('CREATE', stream, group, startId, 'MKSTREAM');
    return true;
  } catch (error) {
    if (redisErrorCode(error) === 'BUSYGROUP') return false;
    throw error;
  }
}

/** Returns an empty state for a stream that does not exist; undefined if it cannot be determined. */
async function readStreamState(client: Redis, stream: string): Promise<StreamState | undefined> {
  try {
    const fields = replyFields(await client.xinfo('STREAM', stream));
    const [lastId, added] = [fields.get('last-generated-id'), fields.get('entries-added')];
    if (typeof lastId !== 'string') return undefined;
    return { lastGeneratedId: lastId, ...(typeof added === 'number' && { entriesAdded: added }) };
  } catch (error) {
    switch (redisErrorCode(error)) {
      // "No such key", in words that differ between versions.
      case 'ERR':
        return { lastGeneratedId: BEFORE_ALL, entriesAdded: 0 };
      case 'NOPERM':
        return undefined;
      default:
        throw error;
    }
  }
}

async function readGroupPosition(client: Redis, stream: string, group: string): Promise<string | undefined> {
  try {
    const reply: unknown = await client.xinfo('GROUPS', stream);
    for (const fields of Array.isArray(reply) ? reply.map(replyFields) : []) {
      const position = fields.get('last-delivered-id');
      if (fields.get('name') === group && isEntryId(position)) return position;
    }
    return undefined;
  } catch (error) {
    if (redisErrorCode(error) === 'NOPERM') return undefined;
    throw error;
  }
}
