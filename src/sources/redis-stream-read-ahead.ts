/** Decides how many entries to read at once, and when to read on: bounds the bytes that are in memory. */
import { unlessAborted } from '../concurrency/open-while-wanted';
import { Wakers } from '../concurrency/wakers';
import type { StreamEntry } from './redis-stream-reader';

const MAX_BYTES_IN_FLIGHT = 32 * 1024 * 1024;
const BYTES_PER_READ = 8 * 1024 * 1024;
/** Entries may be megabytes each, and their size is not known in advance. */
const FIRST_COUNT = 10;

export class ReadAhead {
  private next: number;
  private bytesInFlight = 0;
  private readonly bytesOf = new Map<string, number>();
  private readonly wakers = new Wakers();

  constructor(private readonly maxCount: number) {
    this.next = Math.min(FIRST_COUNT, maxCount);
  }

  /** Returns the number of entries for the next read. */
  count(): number {
    return this.next;
  }

  took(entries: readonly StreamEntry[]): void {
    if (entries.length === 0) return;
    let bytes = 0;
    for (const entry of entries) {
      const size = sizeOf(entry);
      this.bytesOf.set(keyOf(entry), size);
      bytes += size;
    }
    this.bytesInFlight += bytes;
    const fitting = Math.floor(BYTES_PER_READ / Math.max(1, bytes / entries.length));
    this.next = Math.max(1, Math.min(this.maxCount, fitting, 10 * this.next));
  }

  letGo(entries: readonly StreamEntry[]): void {
    for (const entry of entries) {
      this.bytesInFlight -= this.bytesOf.get(keyOf(entry)) ?? 0;
      this.bytesOf.delete(keyOf(entry));
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

function keyOf({ stream, id }: StreamEntry): string {
  return `${stream}:${id}`;
}

/** In UTF-16 units, near enough. */
function sizeOf({ fields }: StreamEntry): number {
  return (fields ?? []).reduce((sum, text) => sum + text.length, 0);
}
