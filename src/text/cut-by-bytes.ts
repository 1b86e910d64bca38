/** Splits a list into portions of limited size. Pure. */
import { jsonBytes } from './json-bytes';

/** Keeps the order. An item larger than a portion gets one of its own. */
export function cutByBytes<Item>(
  items: readonly Item[],
  maxBytes: number,
  bytesOf: (item: Item) => number = jsonBytes,
): Item[][] {
  const portions: Item[][] = [];
  let bytes = 0;
  for (const item of items) {
    const size = bytesOf(item);
    const current = portions.at(-1);
    if (current !== undefined && bytes + size <= maxBytes) {
      current.push(item);
      bytes += size;
    } else {
      portions.push([item]);
      bytes = size;
    }
  }
  return portions;
}
