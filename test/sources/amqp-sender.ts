/** Publishes to RabbitMQ, and waits out its absences, as tests cause them. */
import { connect, type ChannelModel, type ConfirmChannel, type Options } from 'amqplib';
import { eventually } from '../setup/eventually';

export class AmqpSender {
  private model: ChannelModel | undefined;
  private confirming: ConfirmChannel | undefined;

  constructor(private readonly url: string) {}

  /** Resolves once the broker has the message; sends it again otherwise. */
  async send(exchange: string, routingKey: string, content: string | Buffer, options: Options.Publish = {}) {
    await eventually(async () => {
      const channel = await this.channel();
      channel.publish(exchange, routingKey, Buffer.from(content), options);
      await channel.waitForConfirms();
      return true;
    });
  }

  async channel(): Promise<ConfirmChannel> {
    if (this.confirming !== undefined) return this.confirming;
    const model = await connect(this.url, { timeout: 2_000 });
    model.on('error', () => undefined);
    model.on('close', () => (this.confirming = undefined));
    this.model = model;
    const channel = await model.createConfirmChannel();
    channel.on('error', () => undefined);
    channel.on('close', () => (this.confirming = undefined));
    return (this.confirming = channel);
  }

  async close(): Promise<void> {
    await this.model?.close().catch(() => undefined);
  }
}
