/**
 * The versions of items that need no event any more: announced, or there before the source. By a hash of the version,
 * with a time: `updated` of the item, or when an item without a time was last seen.
 */
import { createHash } from 'node:crypto';

const HASH_BYTES = 6;
const ENTRY_BYTES = HASH_BYTES + 4;
const MAX_SECONDS = 2 ** 32 - 1;

/** As many as a position on the bus can hold. */
export const MAX_KNOWN_ITEMS = 50_000;

export class KnownItems {
  /** Hash in hexadecimal → seconds since 1970. */
  private readonly seconds = new Map<string, number>();

  /** Ignores what is not an entry: clients of the bus can write positions. */
  static unpack(packed: string): KnownItems {
    const known = new KnownItems();
    const bytes = Buffer.from(packed, 'base64');
    for (let at = 0; at + ENTRY_BYTES <= bytes.length; at += ENTRY_BYTES) {
      known.seconds.set(bytes.toString('hex', at, at + HASH_BYTES), bytes.readUInt32BE(at + HASH_BYTES));
    }
    return known;
  }

  has(version: string): boolean {
    return this.seconds.has(hashOf(version));
  }

  /** Returns true if that is a change. */
  add(version: string, timeMs: number): boolean {
    const hash = hashOf(version);
    const seconds = toSeconds(timeMs);
    if (this.seconds.get(hash) === seconds) return false;
    this.seconds.set(hash, seconds);
    return true;
  }

  /** Returns true for a version that is known, and whose time is before this one. */
  isKnownBefore(version: string, timeMs: number): boolean {
    const seconds = this.seconds.get(hashOf(version));
    return seconds !== undefined && seconds < toSeconds(timeMs);
  }

  forgetBefore(timeMs: number): void {
    const limit = toSeconds(timeMs);
    for (const [hash, seconds] of this.seconds) if (seconds < limit) this.seconds.delete(hash);
  }

  /** Keeps the newest `limit` entries. Returns the time from which all are still known; undefined if none was forgotten. */
  trim(limit = MAX_KNOWN_ITEMS): number | undefined {
    if (this.seconds.size <= limit) return undefined;
    const byTime = [...this.seconds].sort(([, one], [, other]) => other - one);
    const newestForgotten = byTime[limit]?.[1] ?? 0;
    for (const [hash] of byTime.slice(limit)) this.seconds.delete(hash);
    return (newestForgotten + 1) * 1_000;
  }

  /** Of more than a position can hold, the newest. */
  pack(): string {
    const entries = [...this.seconds];
    const kept =
      entries.length <= MAX_KNOWN_ITEMS
        ? entries
        : entries.sort(([, one], [, other]) => other - one).slice(0, MAX_KNOWN_ITEMS);
    const bytes = Buffer.alloc(kept.length * ENTRY_BYTES);
    for (const [index, [hash, seconds]] of kept.entries()) {
      bytes.write(hash, index * ENTRY_BYTES, 'hex');
      bytes.writeUInt32BE(seconds, index * ENTRY_BYTES + HASH_BYTES);
    }
    return bytes.toString('base64');
  }
}

function hashOf(version: string): string {
  return createHash('sha256')
    .update(version)
    .digest('hex')
    .slice(0, 2 * HASH_BYTES);
}

function toSeconds(timeMs: number): number {
  return Math.min(Math.max(Math.floor(timeMs / 1_000), 0), MAX_SECONDS);
}
