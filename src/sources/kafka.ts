/**
 * Event source `kafka`: records of a topic, at least once.
 *
 * The position is the consumer group's: a record is committed once it and all before it in its partition are on the bus.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { KafkaCluster } from '../clients/kafka/kafka-cluster';
import type { EventOptions } from '../manifest/event-source';
import { divideReceived } from './divide-received';
import { toKafkaEvent } from './kafka-event';
import { groupOf } from './kafka-group';
import { KafkaLag } from './kafka-lag';
import { KafkaReader, type BufferedRecord } from './kafka-reader';
import { RedeliveryPause } from './redelivery-pause';
import type { Delivery, Source, SourceBacklog, SourceContext, SourceOf, SourceStatus } from './source';
import { ownerOf } from './source-failure';

const MOST_PER_DELIVERY = 100;

export const kafkaSource: SourceOf<'kafka'> = {
  kind: 'kafka',
  guarantee: 'at least once',
  create: (spec, context) => new KafkaSource(spec, context),
};

class KafkaSource implements Source {
  private readonly reader: KafkaReader;
  private readonly lag: KafkaLag;
  private isStarted = false;
  private failure: Error | undefined;
  private takenAt = 0;
  private readonly redelivery = new RedeliveryPause();

  constructor(
    private readonly spec: EventOptions<'kafka'>,
    private readonly context: SourceContext,
  ) {
    const owner = ownerOf(context);
    const group = groupOf(spec, context);
    const cluster = new KafkaCluster(spec, owner);
    this.reader = new KafkaReader(cluster, group, context.log);
    this.lag = new KafkaLag(cluster, group);
  }

  async check(): Promise<void> {
    await this.lag.measureOnce(this.context.signal);
  }

  status(): SourceStatus {
    const problem = this.isStarted ? this.reader.problem() : this.lag.problem();
    const connected = this.isStarted ? this.reader.isReading() : this.lag.isAnswered();
    return { connected, dropped: 0, ...(problem !== undefined && { problem }) };
  }

  async backlog(signal: AbortSignal): Promise<SourceBacklog> {
    return await this.lag.measure(signal);
  }

  async *deliveries(): AsyncIterable<Delivery> {
    const { signal } = this.context;
    this.isStarted = true;
    const stop = (): void => this.reader.stop();
    signal.addEventListener('abort', stop, { once: true });
    this.reader
      .run()
      .catch((error: unknown) => (this.failure = error instanceof Error ? error : new Error(String(error))))
      .finally(() => this.reader.wakers.wake());
    try {
      while (!signal.aborted) {
        const woken = this.reader.wakers.wait();
        const records = this.reader.take(await this.allowance(signal));
        if (records.length > 0) {
          this.takenAt = performance.now() + this.spacingMs() * records.length;
          yield this.toDelivery(records);
        } else if (this.failure !== undefined) throw this.failure;
        else await woken;
      }
    } finally {
      signal.removeEventListener('abort', stop);
      this.reader.stop();
    }
  }

  async close(): Promise<void> {
    await Promise.all([this.reader.close(), this.lag.close()]);
  }

  /** How many events may be handed on now; waits until it is one at least. */
  private async allowance(signal: AbortSignal): Promise<number> {
    const { limitEventsPerSecond: limit } = this.spec;
    if (!limit || limit <= 0) return MOST_PER_DELIVERY;
    const waitMs = this.takenAt - performance.now();
    if (waitMs > 0) await delay(waitMs, undefined, { signal, ref: false }).catch(() => undefined);
    return Math.max(1, Math.min(MOST_PER_DELIVERY, Math.floor(limit / 10)));
  }

  private spacingMs(): number {
    const { limitEventsPerSecond: limit } = this.spec;
    return limit && limit > 0 ? 1_000 / limit : 0;
  }

  private toDelivery(records: readonly BufferedRecord[]): Delivery {
    const last = records.at(-1);
    return {
      ...divideReceived(records, (record) => toKafkaEvent(record, this.spec)),
      ...(last && { position: `${last.topic}:${last.partition}:${last.offset}` }),
      acknowledge: () => this.reader.acknowledge(records),
      release: () => {
        this.reader.release(records, this.redelivery.nextMs());
        return Promise.resolve();
      },
    };
  }
}
