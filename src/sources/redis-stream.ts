/**
 * Event source `redisStream`: entries of Redis streams, at least once.
 *
 * An entry stays pending in the consumer group until the bus has it. Entries that were pending when a worker died are
 * read again by the next one, and entries that other consumers left behind are claimed.
 */
import type Redis from 'ioredis';
import { setTimeout as delay } from 'node:timers/promises';
import { isSluiceError } from '../errors/sluice-error';
import type { JsonObject } from '../event/json';
import { joinObject, sortedObject } from '../event/json-text';
import type { RedisStreamEventSource } from '../manifest/sources/redis';
import { unlessAborted } from '../concurrency/open-while-wanted';
import { isElsewhere, isMissingGroup, redisErrorCode, redisFailure } from '../clients/redis/redis-errors';
import { RedisLink, probeRedis } from '../clients/redis/redis-link';
import { divideReceived } from './divide-received';
import { hookMetadata } from './hook-events';
import { ReadAhead } from './read-ahead';
import { measureBacklog } from './redis-stream-backlog';
import { StreamGroups } from './redis-stream-groups';
import {
  claimAbandoned,
  entryTime,
  fieldsToValues,
  readGroup,
  type ConsumerGroup,
  type StreamEntry,
} from './redis-stream-reader';
import { RedeliveryPause } from './redelivery-pause';
import { OnSeveralNodes, RedisStreamsSource } from './redis-streams-of-cluster';
import type {
  Delivery,
  ReceivedEvent,
  RejectedInput,
  Source,
  SourceBacklog,
  SourceContext,
  SourceOf,
  SourceStatus,
} from './source';
import { describeSource, ownerOf } from './source-failure';

const DEFAULT_GROUP = 'argo-events-cg';
const DEFAULT_COUNT = 100;
const BLOCK_MS = 2_000;
const CLAIM_EVERY_MS = 10_000;
const CLAIM_IDLE_MS = 30_000;
const RETRY_MS = 500;
/** After a stop, time to acknowledge entries that are on the bus; the rest are later recognised as known. */
const ACKNOWLEDGE_WITHIN_MS = 1_500;
/** Reads new entries only; anything else reads this consumer's own pending entries after that id. */
const NEW_ENTRIES = '>';
const FIRST_PENDING = '0';
const NO_ENTRY = '0-0';

export const redisStreamSource: SourceOf<'redisStream'> = {
  kind: 'redisStream',
  guarantee: 'at least once',
  create: (spec, context) => new RedisStreamsSource(spec, context, (part) => new RedisStreamSource(part, context)),
};

interface Connections {
  readonly reader: Redis;
  readonly commands: Redis;
}

class RedisStreamSource implements Source {
  private readonly streams: readonly string[];
  private readonly group: ConsumerGroup;
  private readonly groups: StreamGroups;
  private readonly readAhead: ReadAhead<StreamEntry>;
  private readonly cursors = new Map<string, string>();
  /** Pending entries may have been added behind the cursors. Not done at once: a read may be in flight. */
  private rereadAt: number | undefined = 0;
  private readonly redelivery = new RedeliveryPause();
  /** Handed on and neither acknowledged nor released: rereading pending entries must not hand them on twice. */
  private readonly inFlight = new Set<string>();
  /** Reads block, so acknowledgements have a connection of their own. */
  private readonly reader: RedisLink;
  private readonly commands: RedisLink;
  private readonly closing = new AbortController();
  /** Aborted when the source is closed, or a moment after it was asked to stop. */
  private readonly acknowledging = new AbortController();
  private state: 'idle' | 'connecting' | 'reading' = 'idle';
  private failure: Error | undefined;
  private nextClaimAt = 0;
  private recreatedAt = -Infinity;
  private canClaim = true;

  constructor(
    private readonly spec: RedisStreamEventSource,
    private readonly context: SourceContext,
  ) {
    this.streams = [...new Set(spec.streams)];
    this.group = {
      group: spec.consumerGroup || DEFAULT_GROUP,
      // Stable, so that the next worker finds its predecessor's pending entries immediately.
      consumer: `sluice-${context.namespace}-${context.eventSourceName}-${context.eventName}`,
    };
    this.groups = new StreamGroups(this.group.group, this.context.startFrom, context.formerMarks);
    this.readAhead = new ReadAhead(Math.max(1, spec.maxMsgCountPerRead ?? DEFAULT_COUNT), sizeOf);
    const owner = ownerOf(context);
    this.reader = new RedisLink({ spec, owner });
    this.commands = new RedisLink({ spec, owner, isQuiet: true });
  }

  async check(): Promise<void> {
    // Each may be on another node of a cluster.
    for (const stream of this.streams) {
      await probeRedis({ spec: this.spec, owner: ownerOf(this.context) }, async (client) => {
        await client.xlen(stream);
      });
    }
  }

  status(): SourceStatus {
    const problem = this.reader.problem() ?? this.commands.problem();
    const connected = this.state === 'reading' || (this.state === 'idle' && this.commands.isOpen());
    return { connected: connected && problem === undefined, dropped: 0, ...(problem !== undefined && { problem }) };
  }

  marks(): JsonObject {
    return this.groups.marksOf();
  }

  async backlog(signal: AbortSignal): Promise<SourceBacklog> {
    for (;;) {
      const client = await this.commands.client(signal);
      try {
        const { startFrom } = this.context;
        const backlog = await unlessAborted(measureBacklog(client, this.streams, this.group.group, startFrom), signal);
        if (this.state === 'idle') this.commands.worked();
        return backlog;
      } catch (error) {
        this.requireOneNode(error);
        if (!this.commands.follow(error, client)) {
          throw redisFailure(error, this.spec.hostAddress, ownerOf(this.context));
        }
      }
    }
  }

  async *deliveries(): AsyncIterable<Delivery> {
    const { signal } = this.context;
    this.state = 'connecting';
    const stop = (): void => this.stop();
    signal.addEventListener('abort', stop, { once: true });
    let hasGroups = false;
    try {
      while (!signal.aborted) {
        let entries: StreamEntry[];
        let connections: Connections | undefined;
        try {
          if (this.failure !== undefined) throw this.failure;
          connections = await this.connect(signal);
          if (!hasGroups) await this.ensureGroups(connections);
          hasGroups = true;
          entries = await this.claim(connections);
          if (entries.length === 0) entries = await this.read(connections);
          this.state = 'reading';
          this.reader.worked();
          this.commands.worked();
        } catch (error) {
          if (signal.aborted) return;
          this.state = 'connecting';
          await this.recoverFrom(error, connections);
          continue;
        }
        if (entries.length > 0) yield this.toDelivery(entries);
        await this.readAhead.room(signal);
      }
    } finally {
      signal.removeEventListener('abort', stop);
      this.state = 'connecting';
      this.reader.close();
    }
  }

  close(): Promise<void> {
    this.acknowledging.abort();
    this.closing.abort();
    this.reader.close();
    this.commands.close();
    return Promise.resolve();
  }

  private stop(): void {
    this.reader.close();
    delay(ACKNOWLEDGE_WITHIN_MS, undefined, { ref: false, signal: this.closing.signal }).then(
      () => this.acknowledging.abort(),
      () => undefined,
    );
  }

  private async connect(signal: AbortSignal): Promise<Connections> {
    const [reader, commands] = await Promise.all([this.reader.client(signal), this.commands.client(signal)]);
    return { reader, commands };
  }

  private async ensureGroups({ commands }: Connections): Promise<boolean> {
    let wasDestroyed = false;
    for (const stream of this.streams) {
      if (await this.groups.ensure(commands, stream)) {
        wasDestroyed = true;
        this.context.log(
          'warn',
          `${describeSource(this.context)}: stream "${stream}" or its consumer group "${this.group.group}" was gone; the group was created again`,
        );
      }
      // Without the right to acknowledge, the source would read the same entries again and again.
      await commands.xack(stream, this.group.group, NO_ENTRY);
    }
    return wasDestroyed;
  }

  /** Reads pending entries first, then new ones; while a stream is at its pending entries, the read returns at once. */
  private async read({ reader }: Connections): Promise<StreamEntry[]> {
    if (this.rereadAt !== undefined && performance.now() >= this.rereadAt) {
      this.rereadAt = undefined;
      for (const stream of this.streams) this.cursors.set(stream, FIRST_PENDING);
    }
    const count = this.readAhead.count();
    const replies = await readGroup(reader, this.group, this.cursors, { count, blockMs: BLOCK_MS });
    for (const [stream, cursor] of this.cursors) {
      if (cursor === NEW_ENTRIES) continue;
      this.cursors.set(stream, replies.get(stream)?.at(-1)?.id ?? NEW_ENTRIES);
    }
    return this.takeInFlight([...replies.values()].flat());
  }

  /** Claims entries that a dead consumer of the group (an Argo Events pod, a worker under another name) left behind. */
  private async claim({ commands }: Connections): Promise<StreamEntry[]> {
    if (!this.canClaim || performance.now() < this.nextClaimAt) return [];
    this.nextClaimAt = performance.now() + CLAIM_EVERY_MS;
    const claimed: StreamEntry[] = [];
    try {
      for (const stream of this.streams) {
        let cursor = '0-0';
        do {
          const options = { idleMs: CLAIM_IDLE_MS, cursor, count: DEFAULT_COUNT };
          const page = await claimAbandoned(commands, this.group, stream, options);
          cursor = page.cursor;
          claimed.push(...page.entries);
        } while (cursor !== '0-0' && claimed.length < 10 * DEFAULT_COUNT);
      }
    } catch (error) {
      // Redis forgets entries without content once it has reported them: the error will recur, they will not.
      if (claimed.length > 0) return this.takeInFlight(claimed);
      if (redisErrorCode(error) !== 'ERR') throw error;
      this.canClaim = false;
      this.context.log(
        'warn',
        `${describeSource(this.context)}: this Redis has no XAUTOCLAIM (6.2); pending entries of other consumers stay with them`,
      );
    }
    return this.takeInFlight(claimed);
  }

  private takeInFlight(entries: readonly StreamEntry[]): StreamEntry[] {
    const fresh = entries.filter((entry) => !this.inFlight.has(transportId(entry)));
    for (const entry of fresh) this.inFlight.add(transportId(entry));
    this.groups.handedOut(fresh);
    this.readAhead.took(fresh);
    return fresh;
  }

  /** Throws errors that an operator must fix; otherwise the next round replaces broken connections. */
  private async recoverFrom(error: unknown, connections: Connections | undefined): Promise<void> {
    if (isSluiceError(error)) throw error;
    this.requireOneNode(error);
    // The lost reply may have carried entries: they are pending now.
    this.rereadAt = 0;
    if (isMissingGroup(error) && connections !== undefined) {
      await this.recreateGroups(connections);
      return;
    }
    this.breakOff(error, connections);
  }

  private requireOneNode(error: unknown): void {
    if (this.streams.length > 1 && isElsewhere(error)) throw new OnSeveralNodes();
  }

  /** Both connections lead to one server, so a fault of one is a fault of both. */
  private breakOff(error: unknown, connections: Connections | undefined): void {
    this.reader.failed(error, connections?.reader);
    if (redisErrorCode(error) !== '') this.commands.failed(error, connections?.commands);
  }

  private async recreateGroups(connections: Connections): Promise<void> {
    const { signal } = this.context;
    // The group may be destroyed again and again.
    const pauseMs = this.recreatedAt + RETRY_MS - performance.now();
    if (pauseMs > 0) await delay(pauseMs, undefined, { signal }).catch(() => undefined);
    if (signal.aborted) return;
    this.recreatedAt = performance.now();
    try {
      await this.ensureGroups(connections);
    } catch (error) {
      if (signal.aborted || isMissingGroup(error)) return;
      this.breakOff(error, connections);
    }
  }

  private toDelivery(entries: readonly StreamEntry[]): Delivery {
    const last = entries.at(-1);
    return {
      ...divideReceived(entries, (entry) => (entry.fields ? this.toEvent(entry, entry.fields) : lostEntry(entry))),
      ...(last && { position: `${last.stream}@${last.id}` }),
      acknowledge: () => this.acknowledge(entries),
      release: () => this.release(entries),
    };
  }

  private toEvent(entry: StreamEntry, fields: readonly string[]): ReceivedEvent {
    const values = fieldsToValues(fields);
    const time = entryTime(entry.id);
    return {
      transportId: transportId(entry),
      data: joinObject({
        stream: entry.stream,
        message_id: entry.id,
        values: sortedObject(values),
        ...hookMetadata(this.spec.metadata),
      }),
      document: values,
      ...(time !== undefined && { time }),
      ...(values.traceparent !== undefined && { traceparent: values.traceparent }),
    };
  }

  /** Waits out a lost connection: until it is back, the entries count as in flight. */
  private async acknowledge(entries: readonly StreamEntry[]): Promise<void> {
    const { signal } = this.acknowledging;
    const idsByStream = new Map<string, string[]>();
    for (const { stream, id } of entries) idsByStream.set(stream, [...(idsByStream.get(stream) ?? []), id]);
    for (;;) {
      let client: Redis | undefined;
      try {
        client = await this.commands.client(signal);
        await unlessAborted(acknowledgeAll(client, this.group.group, idsByStream), signal);
        break;
      } catch (error) {
        signal.throwIfAborted();
        this.acknowledgementFailed(error, client);
      }
    }
    this.groups.acknowledged(entries);
    this.letGo(entries);
  }

  private acknowledgementFailed(error: unknown, client: Redis | undefined): void {
    // A demoted master: the reader must disconnect from it, too.
    if (redisErrorCode(error) === 'READONLY') this.reader.drop();
    try {
      this.commands.failed(error, client);
    } catch (refused) {
      // Reading on would return the same entries again and again.
      this.failure ??= refused instanceof Error ? refused : new Error(String(refused));
      throw refused;
    }
  }

  private letGo(entries: readonly StreamEntry[]): void {
    for (const entry of entries) this.inFlight.delete(transportId(entry));
    this.readAhead.letGo(entries);
  }

  private release(entries: readonly StreamEntry[]): Promise<void> {
    this.letGo(entries);
    this.rereadAt = Math.max(this.rereadAt ?? 0, performance.now() + this.redelivery.nextMs());
    return Promise.resolve();
  }
}

async function acknowledgeAll(
  client: Redis,
  group: string,
  idsByStream: ReadonlyMap<string, readonly string[]>,
): Promise<void> {
  await Promise.all([...idsByStream].map(([stream, ids]) => client.xack(stream, group, ...ids)));
}

/** In UTF-16 units, near enough. */
function sizeOf({ fields }: StreamEntry): number {
  return (fields ?? []).reduce((sum, text) => sum + text.length, 0);
}

/** Of an entry that was removed while it waited for its acknowledgement. */
function lostEntry(entry: StreamEntry): RejectedInput {
  return {
    transportId: transportId(entry),
    code: 'EVENT_UNDECODABLE',
    reason: 'the entry was trimmed or deleted from the stream while it was pending; its content is lost',
  };
}

function transportId(entry: Pick<StreamEntry, 'stream' | 'id'>): string {
  return `${entry.stream}:${entry.id}`;
}
