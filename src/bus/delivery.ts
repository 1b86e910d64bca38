/** One message as JetStream delivers it to a pull consumer, and its acknowledgement. */
import type { Msg } from '@nats-io/transport-node';
import type { DeliveryPosition } from '../clients/nats/delivery-position';
import { describeError } from '../errors/sluice-error';
import type { CloudEvent } from '../event/cloud-event';
import { decodeEvent } from '../event/encode-event';
import { inStage } from '../metrics/stages';
import type { BusMessage } from './bus';

/** Decodes a payload from the bus, or returns the reason why it is not an event. */
export function readEvent(payload: Uint8Array): { event: CloudEvent | undefined; undecodable?: string } {
  try {
    return { event: inStage('bus message', () => decodeEvent(payload)) };
  } catch (error) {
    return { event: undefined, undecodable: describeError(error) };
  }
}

/** A message that was fetched and not yet pulled. */
export class FetchedMessage {
  private answered = false;

  constructor(
    readonly position: DeliveryPosition,
    private readonly message: Msg,
    private readonly onAnswered: (sequence: number, isGivenBack: boolean) => void,
  ) {}

  get bytes(): number {
    return this.message.data.length;
  }

  toBusMessage(): BusMessage {
    return {
      ...readEvent(this.message.data),
      ...this.position,
      subject: this.message.subject,
      bytes: this.message.data.length,
      ack: () => this.answer('+ACK'),
      working: () => this.working(),
      nak: (delayMs) => this.nak(delayMs),
    };
  }

  get isAnswered(): boolean {
    return this.answered;
  }

  working(): void {
    if (!this.answered) this.message.respond('+WPI');
  }

  nak(delayMs?: number): void {
    this.answer(delayMs ? `-NAK ${JSON.stringify({ delay: Math.round(delayMs * 1e6) })}` : '-NAK');
  }

  private answer(reply: string): void {
    if (this.answered) return;
    this.answered = true;
    this.onAnswered(this.position.sequence, reply.startsWith('-NAK'));
    this.message.respond(reply);
  }
}
