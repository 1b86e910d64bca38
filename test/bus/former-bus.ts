/** What versions before tenants had names left on a server, written as they wrote it. */
import {
  AckPolicy,
  DeliverPolicy,
  jetstream,
  jetstreamManager,
  StorageType,
  StoreCompression,
  type JetStreamManager,
} from '@nats-io/jetstream';
import { Kvm } from '@nats-io/kv';
import { connect, headers, nanos, type NatsConnection } from '@nats-io/transport-node';
import type { CloudEvent } from '../../src/event/cloud-event';
import type { DecisionRecord } from '../../src/records/decision-record';

const DAY_MS = 24 * 3_600_000;

export class FormerBus {
  private constructor(
    readonly client: NatsConnection,
    readonly manager: JetStreamManager,
    private readonly namespace: string,
  ) {}

  /** Creates both streams, as every worker did when it connected. */
  static async open({ url }: { readonly url: string }, namespace = 'argo'): Promise<FormerBus> {
    const client = await connect({ servers: url });
    const manager = await jetstreamManager(client);
    await manager.streams.add({
      ...{ name: 'default', subjects: ['default.*.*'], storage: StorageType.File },
      ...{ max_msgs: -1, max_age: nanos(7 * DAY_MS), max_bytes: -1, duplicate_window: nanos(300_000) },
    });
    await manager.streams.add({
      ...{ name: 'sluice-decisions', subjects: ['sluice.decisions.>'], storage: StorageType.File },
      ...{ compression: StoreCompression.S2, max_age: nanos(7 * DAY_MS), max_bytes: 512 * 1024 * 1024 },
    });
    return new FormerBus(client, manager, namespace);
  }

  close(): Promise<void> {
    return this.client.close();
  }

  async publish(...events: readonly CloudEvent[]): Promise<void> {
    for (const event of events) {
      const marked = { ...event, sluicenamespace: this.namespace };
      await jetstream(this.client).publish(`default.${event.source}.${event.subject}`, JSON.stringify(marked), {
        msgID: `${this.namespace}/${event.source}/${event.id}`,
      });
    }
  }

  /** The consumer of a sensor that was applied before anything was published. */
  async listen(sensor: string, ...paths: readonly string[]): Promise<void> {
    await this.manager.consumers.add('default', {
      durable_name: this.consumer(sensor),
      description: `Sluice sensor ${this.namespace}/${sensor}`,
      ...{ ack_policy: AckPolicy.Explicit, ack_wait: nanos(10_000), max_ack_pending: 2_000, max_deliver: -1 },
      filter_subjects: paths.map((path) => `default.${path}`),
      deliver_policy: DeliverPolicy.All,
    });
  }

  consumer(sensor: string): string {
    return `sluice-${this.namespace}-${sensor}`;
  }

  /** Pulls as a listener did; the last `unanswered` of them are left in its hands, as by a worker that dies. */
  async handle(sensor: string, count: number, unanswered = 0): Promise<void> {
    const consumer = await jetstream(this.client).consumers.get('default', this.consumer(sensor));
    for (let index = 0; index < count; index += 1) {
      const message = await consumer.next({ expires: 5_000 });
      if (message === null) throw new Error(`only ${index} messages came`);
      if (index < count - unanswered) await message.ackAck();
    }
  }

  async decide(record: DecisionRecord): Promise<void> {
    const owner = record.sensor ?? record.eventSource ?? '-';
    const subject = `sluice.decisions.${record.namespace}.${owner}.${record.decision}`;
    await jetstream(this.client).publish(subject, JSON.stringify([record]));
  }

  async hold(sensor: string, name: string, event: CloudEvent): Promise<void> {
    await this.manager.streams
      .add({
        ...{ name: 'sluice-held', subjects: ['sluice.held.>'], storage: StorageType.File },
        ...{ max_msgs_per_subject: 1, max_age: 0, max_bytes: -1 },
      })
      .catch(() => undefined);
    const parts = headers();
    parts.set('Sluice-Parts', '1');
    const subject = `sluice.held.${this.namespace}.${sensor}.${name}.0`;
    await jetstream(this.client).publish(subject, JSON.stringify(event), { headers: parts });
  }

  async limit(key: string, value: unknown): Promise<void> {
    const bucket = await new Kvm(this.client).create('sluice-rate-limits', { history: 1 });
    await bucket.put(key, JSON.stringify(value));
  }

  /** Names of the consumers on the stream that all shared. */
  async consumers(): Promise<string[]> {
    const names: string[] = [];
    for await (const { name } of this.manager.consumers.list('default')) names.push(name);
    return names.sort();
  }
}
