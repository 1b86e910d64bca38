/**
 * Recognises messages that an MQTT broker delivers again. A broker marks them and repeats their packet id, but uses
 * packet ids for other messages as soon as they are acknowledged. An id is therefore made of an epoch, the packet id and
 * the content, and an epoch ends before one of its packet ids comes a second time.
 *
 * The epoch is kept on the bus: the messages that a dead worker did not acknowledge are those of the last one.
 */
import { createHash, randomBytes } from 'node:crypto';
import type { MqttMessage } from '../clients/mqtt/mqtt-connection';

const MOST_IN_EPOCH = 10_000;

export class MqttDeliveryIds {
  private epoch = newEpoch();
  private readonly seen = new Set<number>();
  private readonly unacknowledged = new Map<number, string>();

  /** @param former the last epoch of the reader before; undefined for a new session */
  constructor(private readonly former: string | undefined) {}

  get current(): string {
    return this.epoch;
  }

  /** Returns true if the message needs a new epoch, which must be on the bus before the message is. */
  needsEpoch({ packetId, isRedelivered }: MqttMessage): boolean {
    if (packetId === 0 || isRedelivered) return false;
    return this.seen.has(packetId) || this.seen.size >= MOST_IN_EPOCH;
  }

  begin(): void {
    this.epoch = newEpoch();
    this.seen.clear();
  }

  /** Undefined with quality of service 0: such a message is delivered once at most. */
  idOf(message: MqttMessage): string | undefined {
    const { packetId, isRedelivered } = message;
    if (packetId === 0) return undefined;
    const key = `${packetId}:${contentHash(message)}`;
    const id = isRedelivered ? this.formerId(packetId, key) : `${this.epoch}:${key}`;
    if (!isRedelivered) this.seen.add(packetId);
    this.unacknowledged.set(packetId, id);
    return id;
  }

  acknowledged({ packetId }: MqttMessage): void {
    this.unacknowledged.delete(packetId);
  }

  private formerId(packetId: number, key: string): string {
    const known = this.unacknowledged.get(packetId);
    if (known?.endsWith(`:${key}`)) return known;
    return `${this.seen.has(packetId) ? this.epoch : (this.former ?? this.epoch)}:${key}`;
  }
}

function newEpoch(): string {
  return randomBytes(9).toString('base64url');
}

function contentHash({ topic, payload }: MqttMessage): string {
  return createHash('sha256').update(topic).update('\0').update(payload).digest('base64url').slice(0, 16);
}
