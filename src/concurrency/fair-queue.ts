/** A queue in which keys take turns: many items of one key do not delay those of another. */
export class FairQueue<Item> {
  /** By key, in the order of their turns. */
  private readonly lines = new Map<string, FairQueue<Item>>();
  /** In the innermost queue only. */
  private items: Item[] = [];

  /** Keys from the outermost: with tenant and program, tenants take turns, and within each its programs do. */
  constructor(private readonly keys: ReadonlyArray<(item: Item) => string>) {}

  get isEmpty(): boolean {
    return this.lines.size === 0 && this.items.length === 0;
  }

  put(item: Item): void {
    const line = this.lineOf(item);
    if (line === undefined) this.items.push(item);
    else line.put(item);
  }

  /** Items that were taken become the first of their key again. */
  putBack(items: readonly Item[]): void {
    for (const item of [...items].reverse()) {
      const line = this.lineOf(item);
      if (line === undefined) this.items.unshift(item);
      else line.putBack([item]);
    }
  }

  /** Up to `most` items of the key whose turn it is among those that may go, oldest first. */
  take(most: number, mayGo: (key: string) => boolean = () => true): Item[] {
    if (this.keys.length === 0) return this.items.splice(0, most);
    for (const [key, line] of this.lines) {
      if (!mayGo(key)) continue;
      const taken = line.take(most);
      this.lines.delete(key);
      if (!line.isEmpty) this.lines.set(key, line);
      return taken;
    }
    return [];
  }

  /** Returns the outermost key whose turn it is among those that may go. */
  next(mayGo: (key: string) => boolean): string | undefined {
    for (const key of this.lines.keys()) if (mayGo(key)) return key;
    return undefined;
  }

  /** Removes everything. */
  drain(): Item[] {
    const items = [...this.items.splice(0), ...[...this.lines.values()].flatMap((line) => line.drain())];
    this.lines.clear();
    return items;
  }

  private lineOf(item: Item): FairQueue<Item> | undefined {
    const [keyOf, ...inner] = this.keys;
    if (keyOf === undefined) return undefined;
    const key = keyOf(item);
    const line = this.lines.get(key) ?? new FairQueue<Item>(inner);
    this.lines.set(key, line);
    return line;
  }
}
