/**
 * The offsets of one partition between reading and committing. Deliveries are acknowledged in any order, but Kafka keeps one
 * number: the first record that is not done. Pure.
 */
export class PartitionOffsets {
  /** Read and not committed, in ascending order; true if it is on the bus. */
  private readonly open = new Map<bigint, boolean>();
  private next: bigint | undefined;
  private committed: bigint | undefined;
  private revoked = false;

  constructor(readonly partition: number) {}

  /** Another member reads the partition now, or its log began anew: nothing is committed any more. */
  get isRevoked(): boolean {
    return this.revoked;
  }

  get openCount(): number {
    return this.open.size;
  }

  /** What the group has, before the first record is read. */
  startAt(next: bigint, committed: bigint | undefined): void {
    this.next = next;
    this.committed = committed;
  }

  revoke(): void {
    this.revoked = true;
    this.open.clear();
  }

  /** Before all that are read and not committed: the log began anew, or a commit was lost. */
  isBehind(offset: bigint): boolean {
    return this.next !== undefined && offset < this.next && !this.open.has(offset);
  }

  /** Returns false for a record that was read before. */
  take(offset: bigint): boolean {
    if (this.open.has(offset)) return false;
    this.open.set(offset, false);
    this.next = offset + 1n;
    return true;
  }

  /** There is nothing to read up to here, such as the mark at the end of a transaction. */
  skipTo(next: bigint): void {
    if (this.next === undefined || next > this.next) this.next = next;
  }

  done(offset: bigint): void {
    if (!this.open.has(offset)) return;
    this.open.set(offset, true);
    for (const [first, isDone] of this.open) {
      if (!isDone) return;
      this.open.delete(first);
    }
  }

  /** Where another reader would have to continue; undefined if the group knows. */
  uncommitted(): bigint | undefined {
    const [first] = this.open.keys();
    const position = first ?? this.next;
    return this.revoked || position === this.committed ? undefined : position;
  }

  wasCommitted(position: bigint): void {
    this.committed = position;
  }

  /** Whether the group still stands where this reader left it. */
  isAt(committed: bigint | undefined): boolean {
    return this.committed === committed;
  }
}
