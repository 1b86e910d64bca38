/** One membership in a consumer group, from joining until its connection ends. */
import type { Consumer, EachBatchPayload } from 'kafkajs';
import { setTimeout as delay } from 'node:timers/promises';
import { beginInflation } from '../clients/kafka/inflation-limit';
import type { KafkaConnections } from '../clients/kafka/kafka-cluster';
import { assignerOf, type KafkaGroup } from './kafka-group';

const SESSION_MS = 10_000;
const REBALANCE_MS = 15_000;
const HEARTBEAT_MS = 2_000;
const FETCH_WAIT_MS = 500;
const FETCH_BYTES = 4 * 1024 * 1024;
const PARTITION_BYTES = 1024 * 1024;
/** A member that hears nothing for so long has lost its broker. */
const SILENCE_MS = 7_000;
const LOOK_EVERY_MS = 500;
const LEAVE_WITHIN_MS = 2_000;

export interface SessionListener {
  /** From now on the member reads these partitions, and no others. */
  assigned(partitions: readonly number[]): void;
  /** A first answer after joining. */
  reading(): void;
  /** A broker did not answer; it is asked again. */
  interrupted(): void;
  /** The group is being divided anew. */
  rebalancing(): void;
  /** Resolves when the client may read on. */
  received(batch: EachBatchPayload): Promise<void>;
}

export interface PartitionOffset {
  readonly partition: number;
  readonly offset: bigint;
}

export class KafkaSession {
  /** Rejects when the session is over. */
  readonly ended: Promise<never>;
  private fail: (error: unknown) => void = () => undefined;
  private readonly consumer: Consumer;
  private isOver = false;
  private isJoined = false;
  /** Before the first fetch the client commits nothing, and does not say so. */
  private isFetching = false;
  private heardAt = performance.now();
  /** Brokers that were asked for records and have not answered. */
  private readonly asked = new Set<number>();

  constructor(
    private readonly cluster: KafkaConnections,
    private readonly group: KafkaGroup,
    private readonly listener: SessionListener,
  ) {
    this.ended = new Promise<never>((_, reject) => {
      this.fail = (error) => {
        this.isOver = true;
        reject(error instanceof Error ? error : new Error(String(error)));
      };
    });
    // Callers wait for it only once the session has begun.
    this.ended.catch(() => undefined);
    this.consumer = cluster.kafka.consumer({
      groupId: group.groupId,
      partitionAssigners: [assignerOf(group)],
      sessionTimeout: SESSION_MS,
      rebalanceTimeout: REBALANCE_MS,
      heartbeatInterval: HEARTBEAT_MS,
      maxWaitTimeInMs: FETCH_WAIT_MS,
      maxBytes: FETCH_BYTES,
      maxBytesPerPartition: PARTITION_BYTES,
      allowAutoTopicCreation: false,
      // The reader connects again, and shows why.
      retry: { retries: 1, initialRetryTime: 200, restartOnFailure: () => Promise.resolve(false) },
    });
  }

  get canCommit(): boolean {
    return this.isFetching && !this.isOver;
  }

  async begin(): Promise<void> {
    this.follow();
    await this.consumer.connect();
    // A partition that is added later begins with its first record; `seek` sets where the others begin.
    await this.consumer.subscribe({ topic: this.group.topic, fromBeginning: true });
    await this.consumer.run({
      autoCommit: false,
      eachBatchAutoResolve: false,
      eachBatch: (batch) => this.listener.received(batch),
    });
  }

  /** Counts only between `assigned` and the next read. */
  seek({ partition, offset }: PartitionOffset): void {
    this.consumer.seek({ topic: this.group.topic, partition, offset: offset.toString() });
  }

  async commit(offsets: readonly PartitionOffset[]): Promise<void> {
    const { topic } = this.group;
    await this.consumer.commitOffsets(
      offsets.map(({ partition, offset }) => ({ topic, partition, offset: offset.toString() })),
    );
    // Once it has ended the client commits nothing, and does not say so.
    if (this.isOver) throw new Error('the connection has ended');
  }

  /** Stays a member that can commit, and reads nothing more. */
  pause(): void {
    if (this.isJoined && !this.isOver) this.consumer.pause([{ topic: this.group.topic }]);
  }

  /** Leaves the group, so that another member goes on at once. */
  async leave(): Promise<void> {
    this.fail(new Error('the consumer group was left'));
    const left = this.consumer.disconnect().catch(() => undefined);
    await Promise.race([left, delay(LEAVE_WITHIN_MS, undefined, { ref: false })]);
    this.cluster.cutOff();
  }

  private interrupted(): void {
    if (this.isJoined && !this.isOver) this.listener.interrupted();
  }

  private follow(): void {
    const { consumer } = this;
    this.cluster.whenClosed(() => this.interrupted());
    const { GROUP_JOIN, REBALANCING, HEARTBEAT, FETCH_START, FETCH, CRASH } = consumer.events;
    consumer.on(GROUP_JOIN, ({ payload }) => {
      this.isJoined = true;
      this.heard();
      this.listener.assigned(payload.memberAssignment[this.group.topic] ?? []);
    });
    consumer.on(REBALANCING, () => {
      this.isJoined = false;
      this.listener.rebalancing();
    });
    consumer.on(FETCH_START, ({ payload: { nodeId } }) => {
      beginInflation();
      this.isFetching = true;
      // The client asked again by itself, and does not say so.
      if (this.asked.has(nodeId)) this.interrupted();
      this.asked.add(nodeId);
    });
    consumer.on(FETCH, ({ payload: { nodeId } }) => {
      this.asked.delete(nodeId);
      this.answered();
    });
    // Of a member that waits for capacity; otherwise the broker of the records decides.
    consumer.on(HEARTBEAT, () => {
      if (this.asked.size === 0) this.answered();
    });
    consumer.on(CRASH, ({ payload }) => this.fail(payload.error));
    const watch = setInterval(() => {
      if (this.isOver) clearInterval(watch);
      else if (this.isJoined && performance.now() - this.heardAt > SILENCE_MS) {
        this.fail(new Error(`no reply within ${SILENCE_MS / 1_000} s`));
      }
    }, LOOK_EVERY_MS).unref();
  }

  private answered(): void {
    this.heard();
    if (this.isJoined && !this.isOver) this.listener.reading();
  }

  private heard(): void {
    this.heardAt = performance.now();
  }
}
