/** A sensor of Argo Events, as far as the bus knows it: its durable consumers, and the events that wait for others. */
import {
  AckPolicy,
  DeliverPolicy,
  jetstream,
  jetstreamManager,
  type JetStreamClient,
  type JetStreamManager,
  type JsMsg,
} from '@nats-io/jetstream';
import { Kvm, type KV } from '@nats-io/kv';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { argoConsumerName } from '../../src/bus/argo-consumers';

const STREAM = 'default';

export interface ArgoEventsOnBus {
  /** As an event source of Argo Events does: the data in base64, a random id, no namespace. Returns the sequence. */
  publish(eventSourceName: string, eventName: string, data: unknown): Promise<number>;
  /** Creates the consumer of a dependency of a trigger at the end of the stream. */
  listen(sensor: string, trigger: string, dependency: string, subject: string): Promise<void>;
  /** Takes the next events of a consumer, one after the other, and confirms them. */
  handle(sensor: string, trigger: string, dependency: string, count: number): Promise<readonly JsMsg[]>;
  /** Takes the next event, and dies before it confirms it. */
  takeAndDie(sensor: string, trigger: string, dependency: string): Promise<void>;
  /** Keeps the event for a trigger that waits for others. */
  hold(sensor: string, trigger: string, dependency: string, message: JsMsg): Promise<void>;
  pending(sensor: string, trigger: string, dependency: string): Promise<number>;
  close(): Promise<void>;
}

export async function connectArgoEvents({ url }: { readonly url: string }): Promise<ArgoEventsOnBus> {
  const nats = await connect({ servers: url });
  const manager = await jetstreamManager(nats);
  const client = jetstream(nats);
  if (!(await hasStream(manager))) await manager.streams.add({ name: STREAM, subjects: ['default.*.*'] });
  return new StandIn(nats, manager, client);
}

class StandIn implements ArgoEventsOnBus {
  private readonly buckets = new Map<string, Promise<KV>>();

  constructor(
    private readonly nats: NatsConnection,
    private readonly manager: JetStreamManager,
    private readonly client: JetStreamClient,
  ) {}

  async publish(eventSourceName: string, eventName: string, data: unknown): Promise<number> {
    const id = crypto.randomUUID().replaceAll('-', '');
    const event = {
      ...{ specversion: '1.0', id, source: eventSourceName, type: 'webhook', subject: eventName },
      ...{ datacontenttype: 'application/json', time: new Date().toISOString() },
      data_base64: Buffer.from(JSON.stringify(data)).toString('base64'),
    };
    const subject = `${STREAM}.${eventSourceName}.${eventName}`;
    return (await this.client.publish(subject, JSON.stringify(event), { msgID: id })).seq;
  }

  async listen(sensor: string, trigger: string, dependency: string, subject: string): Promise<void> {
    await this.manager.consumers.add(STREAM, {
      durable_name: argoConsumerName(sensor, trigger, dependency),
      ack_policy: AckPolicy.Explicit,
      deliver_policy: DeliverPolicy.New,
      filter_subject: `${STREAM}.${subject}`,
    });
  }

  async handle(sensor: string, trigger: string, dependency: string, count: number): Promise<readonly JsMsg[]> {
    const taken: JsMsg[] = [];
    while (taken.length < count) {
      const message = await this.next(sensor, trigger, dependency);
      await message.ackAck();
      taken.push(message);
    }
    return taken;
  }

  async takeAndDie(sensor: string, trigger: string, dependency: string): Promise<void> {
    await this.next(sensor, trigger, dependency);
  }

  async hold(sensor: string, trigger: string, dependency: string, message: JsMsg): Promise<void> {
    const bucket = this.buckets.get(sensor) ?? new Kvm(this.nats).create(sensor);
    this.buckets.set(sensor, bucket);
    const held = {
      StreamSeq: message.seq,
      ConsumerSeq: message.info.deliverySequence,
      Timestamp: new Date().toISOString(),
      Event: message.json(),
    };
    await (await bucket).put(`${trigger}/${dependency}`, JSON.stringify(held));
  }

  async pending(sensor: string, trigger: string, dependency: string): Promise<number> {
    const name = argoConsumerName(sensor, trigger, dependency);
    const { num_pending: pending, num_ack_pending: taken } = await this.manager.consumers.info(STREAM, name);
    return pending + taken;
  }

  close(): Promise<void> {
    return this.nats.close();
  }

  private async next(sensor: string, trigger: string, dependency: string): Promise<JsMsg> {
    const consumer = await this.client.consumers.get(STREAM, argoConsumerName(sensor, trigger, dependency));
    const message = await consumer.next({ expires: 5_000 });
    if (message === null) throw new Error(`no event for ${sensor}/${trigger}/${dependency}`);
    return message;
  }
}

async function hasStream(manager: JetStreamManager): Promise<boolean> {
  for await (const name of manager.streams.names()) if (name === STREAM) return true;
  return false;
}
