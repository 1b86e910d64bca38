/**
 * Event source `redisStream`: entries of Redis streams, at least once.
 *
 * An entry stays pending in the consumer group until the bus has it. What was pending when a worker died is read
 * again by the next one, and what other consumers left behind is claimed.
 */
import type { RedisOptions } from 'ioredis';
import { setTimeout as delay } from 'node:timers/promises';
import { isSluiceError } from '../errors';
import type { StreamStart } from '../manifest/annotations';
import type { RedisStreamEventSource } from '../manifest/sources/redis';
import { describeSource } from './describe-source';
import {
  PatientRedis,
  isBeyondWaiting,
  isMissingGroup,
  probeRedis,
  redisErrorCode,
  redisOptions,
  sourceError,
} from './redis-connection';
import { measureBacklog } from './redis-stream-backlog';
import {
  claimAbandoned,
  createGroup,
  entryTime,
  fieldsToValues,
  readGroup,
  type ConsumerGroup,
  type StreamEntry,
} from './redis-stream-reader';
import type {
  Delivery,
  ReceivedEvent,
  RejectedInput,
  Source,
  SourceBacklog,
  SourceContext,
  SourceFactory,
  SourceStatus,
} from './source';

const DEFAULT_GROUP = 'argo-events-cg';
const DEFAULT_COUNT = 100;
const BLOCK_MS = 2_000;
const CLAIM_EVERY_MS = 10_000;
const CLAIM_IDLE_MS = 30_000;
const RETRY_MS = 500;
/** Reads new entries only; anything else reads this consumer's own pending entries after that id. */
const NEW_ENTRIES = '>';
const FIRST_PENDING = '0';

export const redisStreamSource: SourceFactory<RedisStreamEventSource> = {
  kind: 'redisStream',
  cloudEventType: 'redisStream',
  guarantee: 'at least once',
  create: (spec, context) => new RedisStreamSource(spec, context),
};

class RedisStreamSource implements Source {
  private readonly streams: readonly string[];
  private readonly group: ConsumerGroup;
  private readonly cursors = new Map<string, string>();
  /** Pending entries may have been added behind the cursors. Not done at once: a read may be under way. */
  private mustRereadPending = true;
  /** Handed on and neither acknowledged nor released: reading pending entries again must not hand them on twice. */
  private readonly inFlight = new Set<string>();
  /** Reads block, so acknowledgements have a connection of their own. */
  private reader: PatientRedis | undefined;
  private commands: PatientRedis | undefined;
  private readonly closing = new AbortController();
  private nextClaimAt = 0;
  private canClaim = true;

  constructor(
    private readonly spec: RedisStreamEventSource,
    private readonly context: SourceContext,
  ) {
    this.streams = [...new Set(spec.streams)];
    this.group = {
      group: spec.consumerGroup || DEFAULT_GROUP,
      // Stable, so that the next worker finds its predecessor's pending entries at once.
      consumer: `sluice-${context.namespace}-${context.eventSourceName}-${context.eventName}`,
    };
  }

  async check(): Promise<void> {
    await probeRedis(await this.options(), this.spec.hostAddress, this.context, async (client) => {
      for (const stream of this.streams) await client.xlen(stream);
    });
  }

  status(): SourceStatus {
    return { connected: (this.reader ?? this.commands)?.isConnected() ?? false, dropped: 0 };
  }

  async backlog(signal: AbortSignal): Promise<SourceBacklog> {
    const { client } = await this.commandsReady(signal);
    try {
      return await measureBacklog(client, this.streams, this.group.group, this.startFrom());
    } catch (error) {
      throw sourceError(error, this.spec.hostAddress, this.context);
    }
  }

  async *deliveries(): AsyncIterable<Delivery> {
    const { signal } = this.context;
    this.reader = new PatientRedis(await this.options(), this.spec.hostAddress, this.context);
    const stopReading = (): void => this.reader?.close();
    signal.addEventListener('abort', stopReading, { once: true });
    let hasGroups = false;
    try {
      while (!signal.aborted) {
        let entries: StreamEntry[];
        try {
          await Promise.all([this.reader.ready(signal), this.commandsReady(signal)]);
          if (!hasGroups) await this.createGroups();
          hasGroups = true;
          entries = await this.claim();
          if (entries.length === 0) entries = await this.read();
        } catch (error) {
          if (signal.aborted) return;
          await this.recoverFrom(error);
          continue;
        }
        if (entries.length > 0) yield this.toDelivery(entries);
      }
    } finally {
      signal.removeEventListener('abort', stopReading);
      this.reader.close();
    }
  }

  close(): Promise<void> {
    this.closing.abort();
    this.reader?.close();
    this.commands?.close();
    return Promise.resolve();
  }

  private options(): Promise<RedisOptions> {
    return redisOptions(this.spec, this.context);
  }

  private startFrom(): StreamStart {
    return this.context.startFrom ?? { kind: 'all' };
  }

  private async commandsReady(signal: AbortSignal): Promise<PatientRedis> {
    if (!this.commands) {
      const options = await this.options();
      this.commands ??= new PatientRedis(options, this.spec.hostAddress, this.context, true);
      if (this.closing.signal.aborted) this.commands.close();
    }
    await this.commands.ready(signal);
    return this.commands;
  }

  private async createGroups(): Promise<void> {
    for (const stream of this.streams) {
      if (this.commands) await createGroup(this.commands.client, stream, this.group.group, this.startFrom());
    }
  }

  /** Pending entries first, then new ones; a stream still at its pending entries makes the read return at once. */
  private async read(): Promise<StreamEntry[]> {
    if (!this.reader) return [];
    if (this.mustRereadPending) {
      this.mustRereadPending = false;
      for (const stream of this.streams) this.cursors.set(stream, FIRST_PENDING);
    }
    const count = Math.max(1, this.spec.maxMsgCountPerRead ?? DEFAULT_COUNT);
    const replies = await readGroup(this.reader.client, this.group, this.cursors, { count, blockMs: BLOCK_MS });
    for (const [stream, cursor] of this.cursors) {
      if (cursor === NEW_ENTRIES) continue;
      this.cursors.set(stream, replies.get(stream)?.at(-1)?.id ?? NEW_ENTRIES);
    }
    return this.takeInFlight([...replies.values()].flat());
  }

  /** What a dead consumer of the group (an Argo Events pod, a worker under another name) left behind. */
  private async claim(): Promise<StreamEntry[]> {
    if (!this.canClaim || !this.commands || performance.now() < this.nextClaimAt) return [];
    this.nextClaimAt = performance.now() + CLAIM_EVERY_MS;
    const claimed: StreamEntry[] = [];
    try {
      for (const stream of this.streams) {
        let cursor = '0-0';
        do {
          const options = { idleMs: CLAIM_IDLE_MS, cursor, count: DEFAULT_COUNT };
          const page = await claimAbandoned(this.commands.client, this.group, stream, options);
          cursor = page.cursor;
          claimed.push(...page.entries);
        } while (cursor !== '0-0' && claimed.length < 10 * DEFAULT_COUNT);
      }
    } catch (error) {
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
    return fresh;
  }

  private async recoverFrom(error: unknown): Promise<void> {
    const { signal } = this.context;
    if (isSluiceError(error)) throw error;
    if (isMissingGroup(error) && this.commands) {
      await this.recreateGroups();
      return;
    }
    if (isBeyondWaiting(error)) throw sourceError(error, this.spec.hostAddress, this.context);
    // The answer that got lost may have carried entries: they are pending now.
    this.mustRereadPending = true;
    if (!this.reader?.isConnected() || !this.commands?.isConnected()) return;
    this.context.log(
      'warn',
      `${describeSource(this.context)}: reading failed and is tried again: ${sourceError(error, this.spec.hostAddress, this.context).message}`,
    );
    await delay(RETRY_MS, undefined, { signal }).catch(() => undefined);
  }

  /** From the beginning: whatever is in the stream now was added after the old group was lost, or is known to the bus. */
  private async recreateGroups(): Promise<void> {
    try {
      for (const stream of this.streams) {
        if (!this.commands || !(await createGroup(this.commands.client, stream, this.group.group, { kind: 'all' })))
          continue;
        this.context.log(
          'warn',
          `${describeSource(this.context)}: stream "${stream}" or its consumer group "${this.group.group}" was gone; the group was created again`,
        );
      }
    } catch (error) {
      if (isBeyondWaiting(error)) throw sourceError(error, this.spec.hostAddress, this.context);
      // Lost again meanwhile: the next read says so.
      await delay(RETRY_MS, undefined, { signal: this.context.signal }).catch(() => undefined);
    }
    this.mustRereadPending = true;
  }

  private toDelivery(entries: readonly StreamEntry[]): Delivery {
    const events: ReceivedEvent[] = [];
    const rejected: RejectedInput[] = [];
    for (const entry of entries) {
      if (entry.fields) events.push(this.toEvent(entry, entry.fields));
      else
        rejected.push({
          transportId: transportId(entry),
          code: 'EVENT_UNDECODABLE',
          reason: 'the entry was deleted from the stream before it was read',
        });
    }
    const last = entries.at(-1);
    return {
      events,
      rejected,
      ...(last && { position: `${last.stream}@${last.id}` }),
      acknowledge: () => this.acknowledge(entries),
      release: () => this.release(entries),
    };
  }

  private toEvent(entry: StreamEntry, fields: readonly string[]): ReceivedEvent {
    const { metadata } = this.spec;
    const values = fieldsToValues(fields);
    const time = entryTime(entry.id);
    return {
      transportId: transportId(entry),
      data: {
        stream: entry.stream,
        message_id: entry.id,
        values,
        ...(metadata && Object.keys(metadata).length > 0 && { metadata }),
      },
      document: values,
      ...(time !== undefined && { time }),
      ...(values.traceparent !== undefined && { traceparent: values.traceparent }),
    };
  }

  /** Waits out a lost connection: until it is back, the entries count as in flight. */
  private async acknowledge(entries: readonly StreamEntry[]): Promise<void> {
    const idsByStream = new Map<string, string[]>();
    for (const { stream, id } of entries) idsByStream.set(stream, [...(idsByStream.get(stream) ?? []), id]);
    for (;;) {
      try {
        if (!this.commands) return;
        await this.commands.ready(this.closing.signal);
        const { client } = this.commands;
        await Promise.all([...idsByStream].map(([stream, ids]) => client.xack(stream, this.group.group, ...ids)));
        break;
      } catch (error) {
        if (this.closing.signal.aborted || isBeyondWaiting(error))
          throw sourceError(error, this.spec.hostAddress, this.context);
        await delay(RETRY_MS, undefined, { signal: this.closing.signal }).catch(() => undefined);
      }
    }
    for (const entry of entries) this.inFlight.delete(transportId(entry));
  }

  private release(entries: readonly StreamEntry[]): Promise<void> {
    for (const entry of entries) this.inFlight.delete(transportId(entry));
    this.mustRereadPending = true;
    return Promise.resolve();
  }
}

function transportId(entry: Pick<StreamEntry, 'stream' | 'id'>): string {
  return `${entry.stream}:${entry.id}`;
}
