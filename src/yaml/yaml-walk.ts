/** One pass over the tree of a document, for warnings that can be found only in the text. Linear in the text's size. */
import { isMap, isScalar, isSeq, type Document, type Node, type Pair } from 'yaml';
import { isFields } from '../manifest/fields';
import { formatPath, type FieldPath, type Finding } from '../manifest/problem';

export interface WalkedDocument {
  readonly repeatedKeys: ReadonlyArray<{ readonly node: unknown; readonly key: string; readonly path: FieldPath }>;
  readonly warnings: readonly Finding[];
}

export function walkDocument(document: Document.Parsed): WalkedDocument {
  const repeatedKeys: Array<WalkedDocument['repeatedKeys'][number]> = [];
  const warnings: Finding[] = [];
  const visit = (node: unknown, path: FieldPath): void => {
    if (isSeq(node)) node.items.forEach((item, index) => visit(item, [...path, index]));
    if (!isMap(node)) return;
    const seen = new Set<string>();
    for (const { key, value } of node.items) {
      const name = keyText(key);
      const here = [...path, name];
      if (seen.has(name) && name !== '<<') repeatedKeys.push({ node: key, key: name, path });
      seen.add(name);
      if (name === 'comparator') warnings.push(...unquotedComparator(value, here));
      visit(value, here);
    }
  };
  visit(document.contents, []);
  return { repeatedKeys, warnings };
}

export function keyText(key: unknown): string {
  return String(isScalar(key) ? key.value : key);
}

/** `>` begins a folded text, and `!=` is a tag: both leave the comparator empty. */
function unquotedComparator(value: unknown, path: FieldPath): Finding[] {
  const isBlock = isScalar(value) && (value.type === 'BLOCK_FOLDED' || value.type === 'BLOCK_LITERAL');
  const tag = (value as Partial<Node> | null)?.tag;
  const isTag = typeof tag === 'string' && tag.startsWith('!=');
  if (!isBlock && !isTag) return [];
  const operator = isTag ? '!=' : '>';
  return [
    {
      severity: 'warning',
      path,
      message: `without quotes, YAML does not read ${operator} as text, so the comparator is empty and means =`,
      fix: `Write comparator: "${operator}".`,
    },
  ];
}

/** Go sorts the keys of an object; messages follow the order in which they were written. */
export function inWrittenOrder(node: unknown, value: unknown): unknown {
  if (Array.isArray(value)) {
    return isSeq(node) ? value.map((item, index) => inWrittenOrder(node.items[index], item)) : value;
  }
  if (!isFields(value) || !isMap(node)) return value;
  const written = new Map<string, unknown>();
  for (const { key, value: below } of node.items as ReadonlyArray<Pair>) {
    const name = keyText(key);
    if (Object.hasOwn(value, name)) written.set(name, inWrittenOrder(below, value[name]));
  }
  for (const [name, item] of Object.entries(value)) if (!written.has(name)) written.set(name, item);
  return Object.fromEntries(written);
}

/** `spec.triggers.template`: the keys above a line by their indentation, for a document that cannot be parsed. */
export function keysAround(lines: readonly string[], lineIndex: number): string {
  const keys: string[] = [];
  let limit = Number.POSITIVE_INFINITY;
  for (let index = Math.min(lineIndex, lines.length - 1); index >= 0 && limit > 0; index -= 1) {
    const match = /^((?:\s|-\s)*)["']?([A-Za-z_$][\w./$-]*)["']?\s*:(?:\s|$)/.exec(lines[index] ?? '');
    const indent = match?.[1]?.length;
    if (match?.[2] === undefined || indent === undefined || indent >= limit) continue;
    keys.unshift(match[2]);
    limit = indent;
  }
  return formatPath(keys);
}
