/**
 * Messages between a sender that does not wait and a bus that may be slow: bounded in number and bytes, including
 * messages that were handed on and are not yet on the bus.
 */

const MAX_WAITING = 10_000;
const MAX_BYTES = 32 * 1024 * 1024;
const MAX_PER_BATCH = 100;
const MAX_BATCH_BYTES = 4 * 1024 * 1024;

export interface Sized {
  readonly bytes: number;
}

export class MessageBuffer<Message extends Sized> {
  private waiting: Message[] = [];
  private waitingBytes = 0;
  private handedOnBytes = 0;

  get size(): number {
    return this.waiting.length;
  }

  add(message: Message): void {
    this.waiting.push(message);
    this.waitingBytes += message.bytes;
  }

  /** Returns true if no more messages should be read from outside. */
  isFull(): boolean {
    return this.waiting.length >= MAX_WAITING || this.waitingBytes + this.handedOnBytes >= MAX_BYTES;
  }

  /** Returns true if reading may resume: with spare capacity, so that it does not stop and start for each message. */
  hasRoom(): boolean {
    return this.waiting.length <= MAX_WAITING / 2 && this.waitingBytes + this.handedOnBytes <= MAX_BYTES / 2;
  }

  /** Returns no messages if those handed on use up the memory limit, or none are waiting. */
  takeBatch(most = MAX_PER_BATCH): readonly Message[] {
    if (this.handedOnBytes >= MAX_BYTES / 2) return [];
    let bytes = 0;
    let count = 0;
    for (const message of this.waiting) {
      if (count >= Math.min(most, MAX_PER_BATCH) || (count > 0 && bytes + message.bytes > MAX_BATCH_BYTES)) break;
      bytes += message.bytes;
      count += 1;
    }
    this.waitingBytes -= bytes;
    this.handedOnBytes += bytes;
    return this.waiting.splice(0, count);
  }

  /** Called when a batch is on the bus, or was dropped. */
  done(batch: readonly Message[]): void {
    for (const { bytes } of batch) this.handedOnBytes -= bytes;
  }

  /** Returns the number of discarded messages that `counts`. */
  discard(counts: (message: Message) => boolean = () => true): number {
    const count = this.waiting.filter(counts).length;
    this.waiting = [];
    this.waitingBytes = 0;
    return count;
  }
}
