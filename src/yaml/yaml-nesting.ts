/**
 * Measures how deeply YAML is nested, without recursion. Nodes are composed by recursion, and V8 ends the whole process
 * if it has to compile a regular expression at the end of the stack: a RangeError cannot be relied on.
 */
import { Parser, type CST } from 'yaml';

/** True if a collection is nested inside `limit` others. */
export function isNestedBeyond(text: string, limit: number): boolean {
  for (const token of new Parser().parse(text)) {
    let level = collectionsIn(token);
    for (let depth = 0; level.length > 0; depth += 1) {
      if (depth >= limit) return true;
      level = level.flatMap(({ items }) => items.flatMap(({ key, value }) => [key, value].flatMap(collectionsIn)));
    }
  }
  return false;
}

type Collection = CST.BlockMap | CST.BlockSequence | CST.FlowCollection;

function collectionsIn(token: CST.Token | null | undefined): Collection[] {
  switch (token?.type) {
    case 'document':
      return collectionsIn(token.value);
    case 'block-map':
    case 'block-seq':
    case 'flow-collection':
      return [token];
    default:
      return [];
  }
}
