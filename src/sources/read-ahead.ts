/** Decides how many messages to read at once, and when to read on: bounds the bytes that are in memory. */
import { unlessAborted } from '../concurrency/open-while-wanted';
import { Wakers } from '../concurrency/wakers';

const MAX_BYTES_IN_FLIGHT = 32 * 1024 * 1024;
const BYTES_PER_READ = 8 * 1024 * 1024;
/** Messages may be megabytes each, and their size is not known in advance. */
const FIRST_COUNT = 10;

export class ReadAhead<Message> {
  private next: number;
  private bytesInFlight = 0;
  private readonly bytesOf = new Map<Message, number>();
  private readonly wakers = new Wakers();

  constructor(
    private readonly maxCount: number,
    private readonly sizeOf: (message: Message) => number,
  ) {
    this.next = Math.min(FIRST_COUNT, maxCount);
  }

  /** Returns the number of messages for the next read. */
  count(): number {
    return this.next;
  }

  took(messages: readonly Message[]): void {
    if (messages.length === 0) return;
    let bytes = 0;
    for (const message of messages) {
      const size = this.sizeOf(message);
      this.bytesOf.set(message, size);
      bytes += size;
    }
    this.bytesInFlight += bytes;
    const fitting = Math.floor(BYTES_PER_READ / Math.max(1, bytes / messages.length));
    this.next = Math.max(1, Math.min(this.maxCount, fitting, 10 * this.next));
  }

  letGo(messages: readonly Message[]): void {
    for (const message of messages) {
      this.bytesInFlight -= this.bytesOf.get(message) ?? 0;
      this.bytesOf.delete(message);
    }
    this.wakers.wake();
  }

  /** Resolves once more may be read, or the signal aborts. */
  async room(signal: AbortSignal): Promise<void> {
    while (this.bytesInFlight > MAX_BYTES_IN_FLIGHT && !signal.aborted) {
      await unlessAborted(this.wakers.wait(), signal).catch(() => undefined);
    }
  }
}
