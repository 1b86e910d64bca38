/**
 * Recognises messages without a `messageId` that a broker delivers again to this reader, after a lost connection or
 * because they were returned: it marks them, and their content is known. Another worker cannot recognise them.
 */
import type { ConsumeMessage } from 'amqplib';
import { createHash, randomBytes } from 'node:crypto';

interface Named {
  readonly id: string;
  readonly hash: string;
}

const MOST_EXPECTED = 1_000;

export class AmqpDeliveryIds {
  /** By delivery tag, which is unique in a channel. */
  private readonly held = new Map<number, Named>();
  /** By content. */
  private readonly expected = new Map<string, string[]>();

  idOf(message: ConsumeMessage): string {
    const hash = contentHash(message);
    const id =
      (message.fields.redelivered ? this.takeExpected(hash) : undefined) ?? randomBytes(12).toString('base64url');
    this.held.set(message.fields.deliveryTag, { id, hash });
    return id;
  }

  acknowledged(deliveryTag: number): void {
    this.held.delete(deliveryTag);
  }

  returned(deliveryTag: number): void {
    const named = this.held.get(deliveryTag);
    this.held.delete(deliveryTag);
    if (named !== undefined) this.expect(named);
  }

  channelClosed(): void {
    for (const named of this.held.values()) this.expect(named);
    this.held.clear();
  }

  private expect({ id, hash }: Named): void {
    // Others may have been delivered to another consumer of the queue.
    if (this.expected.size >= MOST_EXPECTED) this.expected.clear();
    this.expected.set(hash, [...(this.expected.get(hash) ?? []), id]);
  }

  private takeExpected(hash: string): string | undefined {
    const [id, ...others] = this.expected.get(hash) ?? [];
    if (others.length > 0) this.expected.set(hash, others);
    else this.expected.delete(hash);
    return id;
  }
}

/** Of all that an event holds: what differs in a property only is another message. The broker adds to headers. */
function contentHash({ fields, properties, content }: ConsumeMessage): string {
  const named: unknown[] = [fields.exchange, fields.routingKey, properties.contentType, properties.contentEncoding];
  named.push(properties.deliveryMode, properties.priority, properties.correlationId, properties.replyTo);
  named.push(properties.expiration, properties.timestamp, properties.type, properties.appId);
  return createHash('sha256').update(JSON.stringify(named)).update(content).digest('base64');
}
