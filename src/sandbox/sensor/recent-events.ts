/**
 * Remembers recently seen events, so that a redelivered one does not count twice.
 *
 * Bounded: each new event evicts the oldest of 10,000. Events are redelivered when a worker died before it acknowledged
 * them, so only those in flight matter: JetStream has at most `max_ack_pending` (1,000) of them per consumer. Stored as
 * 64-bit fingerprints (about 16 bytes each), as continue-as-new carries all of them; two of 10,000 events share one
 * with a chance of about 3 in 10^12.
 */
export const MAX_RECENT_EVENTS = 10_000;

export class RecentEvents {
  private readonly known: Set<string>;
  /** A ring: `oldest` points at the next one to evict once the ring is full. */
  private readonly ring: string[];
  private oldest = 0;

  constructor(
    fingerprints: readonly string[] = [],
    private readonly limit = MAX_RECENT_EVENTS,
  ) {
    this.ring = fingerprints.slice(-limit);
    this.known = new Set(this.ring);
  }

  /** Returns false if this event was already added for this dependency. */
  add(dependency: string, eventKey: string): boolean {
    const fingerprint = fingerprintOf(`${dependency}\n${eventKey}`);
    if (this.known.has(fingerprint)) return false;
    this.known.add(fingerprint);
    const forgotten = this.ring.length < this.limit ? undefined : this.ring[this.oldest];
    if (forgotten === undefined) {
      this.ring.push(fingerprint);
    } else {
      this.known.delete(forgotten);
      this.ring[this.oldest] = fingerprint;
      this.oldest = (this.oldest + 1) % this.limit;
    }
    return true;
  }

  /** Oldest first. */
  snapshot(): string[] {
    return [...this.ring.slice(this.oldest), ...this.ring.slice(0, this.oldest)];
  }
}

/** Two 32-bit multiplicative hashes with different multipliers, each mixed with the other at the end. */
function fingerprintOf(text: string): string {
  let left = 0x9e3779b9;
  let right = 0x85ebca6b;
  for (let index = 0; index < text.length; index += 1) {
    const unit = text.charCodeAt(index);
    left = Math.imul(left ^ unit, 0x01000193);
    left ^= left >>> 15;
    right = Math.imul(right ^ unit, 0xcc9e2d51);
    right = (right << 13) | (right >>> 19);
  }
  const mixedLeft = mix(left ^ Math.imul(right, 0x27d4eb2f));
  const mixedRight = mix(right ^ Math.imul(left, 0x165667b1));
  return (mixedLeft >>> 0).toString(36) + '.' + (mixedRight >>> 0).toString(36);
}

function mix(value: number): number {
  let mixed = value;
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x7feb352d);
  mixed = Math.imul(mixed ^ (mixed >>> 15), 0x846ca68b);
  return mixed ^ (mixed >>> 16);
}
