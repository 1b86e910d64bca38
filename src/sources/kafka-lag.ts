/** Measures how much a consumer group has not read, over a connection of its own that is kept. */
import type { Admin } from 'kafkajs';
import {
  describeKafkaProblem,
  kafkaVerdict,
  type KafkaCluster,
  type KafkaConnections,
} from '../clients/kafka/kafka-cluster';
import { Reconnection } from '../clients/reconnection';
import { unlessAborted } from '../concurrency/open-while-wanted';
import { lagOf, readGroupPositions, type KafkaGroup } from './kafka-group';
import type { SourceBacklog } from './source';

interface Connection {
  readonly cluster: KafkaConnections;
  readonly admin: Admin;
}

export class KafkaLag {
  private readonly reconnection: Reconnection;
  private connection: Connection | undefined;
  private isGood = false;
  private readonly closing = new AbortController();

  constructor(
    private readonly cluster: KafkaCluster,
    private readonly group: KafkaGroup,
  ) {
    // The reader logs.
    this.reconnection = new Reconnection(cluster.name, () => undefined);
  }

  /** Whether the last measurement succeeded. */
  isAnswered(): boolean {
    return this.isGood;
  }

  problem(): string | undefined {
    return this.reconnection.problem();
  }

  /** Waits for a cluster that cannot be reached. Throws errors that an operator must fix; after `close`, EVENT_SOURCE_UNREACHABLE. */
  async measure(until: AbortSignal): Promise<SourceBacklog> {
    const signal = AbortSignal.any([until, this.closing.signal]);
    for (;;) {
      try {
        await this.reconnection.pause(signal);
        return await this.attempt(signal);
      } catch (error) {
        until.throwIfAborted();
        if (this.closing.signal.aborted) throw this.cluster.failure(error, 'unreachable');
        if (!this.reconnection.failed(describeKafkaProblem(error), kafkaVerdict(error)))
          throw this.cluster.failure(error, 'misconfigured');
      }
    }
  }

  /** Throws EVENT_SOURCE_UNREACHABLE or EVENT_SOURCE_MISCONFIGURED. */
  async measureOnce(signal: AbortSignal): Promise<void> {
    try {
      await this.attempt(signal);
    } catch (error) {
      throw this.cluster.failure(error, kafkaVerdict(error) === 'transient' ? 'unreachable' : 'misconfigured');
    } finally {
      this.disconnect();
    }
  }

  close(): Promise<void> {
    this.closing.abort();
    this.disconnect();
    return Promise.resolve();
  }

  private disconnect(): void {
    const { connection } = this;
    this.connection = undefined;
    this.isGood = false;
    connection?.admin.disconnect().catch(() => undefined);
    connection?.cluster.cutOff();
  }

  private async attempt(signal: AbortSignal): Promise<SourceBacklog> {
    try {
      this.connection ??= await this.connect(signal);
      const positions = await unlessAborted(readGroupPositions(this.connection.admin, this.group), signal);
      this.isGood = true;
      this.reconnection.worked();
      return lagOf(positions, this.group);
    } catch (error) {
      this.disconnect();
      throw error;
    }
  }

  private async connect(signal: AbortSignal): Promise<Connection> {
    const cluster = await this.cluster.open(signal);
    const admin = cluster.kafka.admin();
    try {
      await unlessAborted(admin.connect(), signal);
      return { cluster, admin };
    } catch (error) {
      cluster.cutOff();
      throw error;
    }
  }
}
