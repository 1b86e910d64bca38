/**
 * A reader of a consumer group that joins again whenever its connection ends: reads ahead up to a limit, and commits what is
 * on the bus.
 */
import type { EachBatchPayload, IHeaders } from 'kafkajs';
import { setMaxListeners } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import {
  describeKafkaProblem,
  kafkaVerdict,
  type KafkaCluster,
  type KafkaConnections,
} from '../clients/kafka/kafka-cluster';
import { Reconnection } from '../clients/reconnection';
import { unlessAborted } from '../concurrency/open-while-wanted';
import { Wakers } from '../concurrency/wakers';
import { isSluiceError } from '../errors/sluice-error';
import type { KafkaRecord } from './kafka-event';
import { readGroupPositions, startOf, type KafkaGroup, type PartitionPosition } from './kafka-group';
import { PartitionOffsets } from './kafka-offsets';
import { KafkaSession, type SessionListener } from './kafka-session';
import { MessageBuffer, type Sized } from './message-buffer';
import type { SourceContext } from './source';

const COMMIT_WITHIN_MS = 2_000;
const COMMIT_AGAIN_MS = 1_000;
const SHOWN_AFTER_COMMITS = 2;
/** What a record takes besides its content. */
const RECORD_BYTES = 200;
/** While there is no capacity the member must go on to say that it lives. */
const STILL_HERE_MS = 1_000;
const SLOW_MS = 4_000;
/** Records of one partition, on the bus or not, that wait for an earlier one. */
const MOST_OPEN = 20_000;

export interface BufferedRecord extends KafkaRecord, Sized {
  readonly offsets: PartitionOffsets;
}

export class KafkaReader implements SessionListener {
  /** Woken when there may be something to take, and when reading ends. */
  readonly wakers = new Wakers();
  private readonly buffer = new MessageBuffer<BufferedRecord>();
  private readonly capacity = new Wakers();
  private readonly closing = new AbortController();
  private readonly reconnection: Reconnection;
  private readonly partitions = new Map<number, PartitionOffsets>();
  /** Where the partitions begin that the group never read, until the session was assigned some. */
  private starts: readonly PartitionPosition[] = [];
  private session: KafkaSession | undefined;
  private state: 'connecting' | 'joining' | 'reading' = 'connecting';
  private connectingSince = Infinity;
  private isStopped = false;
  private committing: Promise<void> | undefined;
  private commitProblem: string | undefined;

  constructor(
    private readonly cluster: KafkaCluster,
    private readonly group: KafkaGroup,
    log: SourceContext['log'],
  ) {
    this.reconnection = new Reconnection(cluster.name, log);
    // One listener for each delivery that waits to be taken again is expected, not a leak.
    setMaxListeners(0, this.closing.signal);
  }

  isReading(): boolean {
    return this.state === 'reading';
  }

  problem(): string | undefined {
    if (this.state === 'reading') return this.commitProblem;
    return this.reconnection.problem() ?? this.delay();
  }

  /** Why it takes so long, where nothing has failed yet. */
  private delay(): string | undefined {
    if (this.state === 'joining') return `waits to join the consumer group "${this.group.groupId}"`;
    return performance.now() - this.connectingSince > SLOW_MS ? `waits for ${this.cluster.name}` : undefined;
  }

  /** Reads until `close`. Throws errors that an operator must fix. */
  async run(): Promise<void> {
    const { signal } = this.closing;
    this.connectingSince = performance.now();
    while (!signal.aborted) {
      let session: KafkaSession | undefined;
      try {
        await this.reconnection.pause(signal);
        session = await this.open(signal);
        await unlessAborted(Promise.race([session.begin().then(() => session?.ended), session.ended]), signal);
      } catch (error) {
        this.state = 'connecting';
        if (signal.aborted) return;
        const mayPass = this.reconnection.failed(describeKafkaProblem(error), kafkaVerdict(error));
        await session?.leave();
        if (isSluiceError(error) || !mayPass) throw this.cluster.failure(error, 'misconfigured');
      }
    }
  }

  /** Reads nothing more; what is on its way to the bus can still be committed. */
  stop(): void {
    this.isStopped = true;
    this.session?.pause();
    this.capacity.wake();
    this.wakers.wake();
  }

  /** Commits what is on the bus, and leaves the group. */
  async close(): Promise<void> {
    this.stop();
    await Promise.race([this.commit(), delay(COMMIT_WITHIN_MS, undefined, { ref: false })]);
    this.closing.abort();
    this.state = 'connecting';
    const { session } = this;
    this.session = undefined;
    await session?.leave();
  }

  /** Returns up to `most` records; those of partitions that others read now are left to them. */
  take(most: number): readonly BufferedRecord[] {
    const batch = this.buffer.takeBatch(most);
    if (this.buffer.hasRoom()) this.capacity.wake();
    const revoked = batch.filter(({ offsets }) => offsets.isRevoked);
    if (revoked.length === 0) return batch;
    this.letGo(revoked);
    return batch.filter(({ offsets }) => !offsets.isRevoked);
  }

  /** The records are on the bus, or will never be. */
  async acknowledge(records: readonly BufferedRecord[]): Promise<void> {
    for (const { offsets, offset } of records) offsets.done(BigInt(offset));
    this.letGo(records);
    await this.commit();
  }

  /** They are taken again after a pause, if their partitions are still read here. */
  release(records: readonly BufferedRecord[], pauseMs: number): void {
    delay(pauseMs, undefined, { signal: this.closing.signal, ref: false }).then(
      () => {
        this.letGo(records);
        for (const record of records) if (!record.offsets.isRevoked) this.buffer.add(record);
        this.wakers.wake();
      },
      () => undefined,
    );
  }

  assigned(partitions: readonly number[]): void {
    for (const [partition, offsets] of this.partitions) {
      if (!partitions.includes(partition)) this.revoke(offsets);
    }
    for (const partition of partitions) {
      if (this.partitions.has(partition)) continue;
      const offsets = new PartitionOffsets(partition);
      this.partitions.set(partition, offsets);
      const start = this.starts.find((position) => position.partition === partition);
      if (start === undefined) continue;
      const offset = startOf(start, this.group);
      // Committed soon, so that a new group does not skip what comes while nobody reads.
      offsets.startAt(offset, start.committed);
      if (start.committed === undefined) this.session?.seek({ partition, offset });
    }
    this.starts = [];
    if (this.isStopped) this.session?.pause();
  }

  reading(): void {
    if (this.state === 'reading') return;
    this.reconnection.worked();
    this.state = 'reading';
    // Where a new group begins, and what could not be committed before.
    void this.commit();
  }

  interrupted(): void {
    this.state = 'connecting';
    this.reconnection.failed('a broker did not answer, or closed the connection', 'transient');
  }

  rebalancing(): void {
    this.state = 'joining';
  }

  async received(payload: EachBatchPayload): Promise<void> {
    const { batch } = payload;
    for (const message of batch.messages) {
      while (!this.hasCapacity()) {
        await Promise.race([this.capacity.wait(), delay(STILL_HERE_MS, undefined, { ref: false })]);
        if (this.isStopped || !payload.isRunning() || payload.isStale()) return;
        await payload.heartbeat();
      }
      if (this.isStopped) return;
      const offsets = this.offsetsFor(batch.partition, BigInt(message.offset));
      if (offsets?.take(BigInt(message.offset))) this.add(batch, message, offsets);
      payload.resolveOffset(message.offset);
    }
    const last = BigInt(batch.lastOffset());
    const offsets = this.partitions.get(batch.partition);
    offsets?.skipTo(last + 1n);
    payload.resolveOffset(last.toString());
    // There may have been nothing to hand on.
    if (offsets?.openCount === 0) void this.commit();
    await payload.heartbeat();
  }

  private add(
    { topic, partition }: EachBatchPayload['batch'],
    { offset, key, value, timestamp, headers = {} }: EachBatchPayload['batch']['messages'][number],
    offsets: PartitionOffsets,
  ): void {
    // Parts of a reply would keep all of it.
    const copy = (bytes: Buffer | null): Buffer | null => bytes && Buffer.from(bytes);
    const bytes = RECORD_BYTES + (key?.length ?? 0) + (value?.length ?? 0) + headerBytes(headers);
    this.buffer.add({
      topic,
      partition,
      offset,
      key: copy(key),
      value: copy(value),
      timestamp,
      headers,
      offsets,
      bytes,
    });
    this.wakers.wake();
  }

  /** A partition whose log began anew is followed anew. */
  private offsetsFor(partition: number, offset: bigint): PartitionOffsets | undefined {
    const offsets = this.partitions.get(partition);
    if (offsets === undefined || !offsets.isBehind(offset)) return offsets;
    this.revoke(offsets);
    const anew = new PartitionOffsets(partition);
    this.partitions.set(partition, anew);
    return anew;
  }

  private revoke(offsets: PartitionOffsets): void {
    offsets.revoke();
    this.partitions.delete(offsets.partition);
  }

  private hasCapacity(): boolean {
    let open = 0;
    for (const { openCount } of this.partitions.values()) open += openCount;
    return !this.buffer.isFull() && open < MOST_OPEN;
  }

  private letGo(records: readonly BufferedRecord[]): void {
    this.buffer.done(records);
    if (this.buffer.hasRoom()) this.capacity.wake();
    // The bytes that were handed on may have held back the next batch.
    this.wakers.wake();
  }

  private async open(signal: AbortSignal): Promise<KafkaSession> {
    this.state = 'connecting';
    const cluster = await this.cluster.open(signal);
    try {
      const positions = await unlessAborted(this.findPositions(cluster), signal);
      for (const offsets of [...this.partitions.values()]) {
        const position = positions.find(({ partition }) => partition === offsets.partition);
        // Somebody else has read it meanwhile.
        if (position === undefined || !offsets.isAt(position.committed)) this.revoke(offsets);
      }
      this.starts = positions;
      this.state = 'joining';
      const session = new KafkaSession(cluster, this.group, this);
      this.session = session;
      return session;
    } catch (error) {
      cluster.cutOff();
      throw error;
    }
  }

  private async findPositions({ kafka }: KafkaConnections): Promise<readonly PartitionPosition[]> {
    const admin = kafka.admin();
    await admin.connect();
    try {
      return await readGroupPositions(admin, this.group);
    } finally {
      admin.disconnect().catch(() => undefined);
    }
  }

  /** Never rejects: what cannot be committed now is committed later, or read again. */
  private commit(): Promise<void> {
    this.committing ??= this.commitAll().finally(() => (this.committing = undefined));
    return this.committing;
  }

  private async commitAll(): Promise<void> {
    for (let failures = 0; ;) {
      const { session } = this;
      const positions = [...this.partitions.values()].flatMap((offsets) => {
        const offset = offsets.uncommitted();
        return offset === undefined ? [] : [{ offsets, partition: offsets.partition, offset }];
      });
      if (positions.length === 0) this.commitProblem = undefined;
      if (session?.canCommit !== true || positions.length === 0) return;
      try {
        await session.commit(positions);
        for (const { offsets, offset } of positions) offsets.wasCommitted(offset);
        this.commitProblem = undefined;
        failures = 0;
      } catch (error) {
        // A group that is being divided; or the session has ended, and its end says why.
        if (!session.canCommit || this.closing.signal.aborted || this.isStopped) return;
        failures += 1;
        // A group that is being divided refuses one or two.
        if (failures > SHOWN_AFTER_COMMITS)
          this.commitProblem = `${this.cluster.name} does not accept the offsets of the consumer group "${this.group.groupId}": ${describeKafkaProblem(error)}`;
        await delay(COMMIT_AGAIN_MS, undefined, { ref: false });
      }
    }
  }
}

function headerBytes(headers: IHeaders): number {
  let bytes = 0;
  for (const [name, values] of Object.entries(headers)) {
    for (const value of Array.isArray(values) ? values : [values]) bytes += name.length + (value?.length ?? 0);
  }
  return bytes;
}
