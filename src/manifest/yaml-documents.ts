/** Splits a file into documents, and knows at which line each field was written. */
import { LineCounter, isAlias, isMap, isScalar, isSeq, parseAllDocuments, type Document, type Node } from 'yaml';
import type { FieldPath } from './problem';
import { kubernetesTags } from './yaml-tags';

interface Position {
  /** Counted from 1. */
  readonly line: number;
  readonly column: number;
}

/** Deeper than any Kubernetes object, shallow enough for every walk over one. */
const MAX_DEPTH = 200;
const TOO_DEEP = `nested more than ${MAX_DEPTH} levels deep`;

/** One object of a file; the items of a `kind: List` are objects of their own. */
export interface SourceDocument {
  readonly value: unknown;
  /** Where a field is written; of one that is missing, where the nearest block around it begins. */
  positionOf(path: FieldPath): Position | undefined;
}

interface SyntaxMistake extends Position {
  readonly message: string;
}

export interface ParsedText {
  readonly documents: readonly SourceDocument[];
  readonly mistakes: readonly SyntaxMistake[];
}

/**
 * Reads YAML (or JSON) as the tools of Kubernetes do: YAML 1.1 with `yes` and `on` as booleans and `0644` as octal, but
 * with times and dates as text. Each key may appear once.
 */
export function parseYamlDocuments(text: string): ParsedText {
  const lines = new LineCounter();
  const documents: SourceDocument[] = [];
  const mistakes: SyntaxMistake[] = [];
  for (const document of parseText(text, lines, mistakes)) {
    // Later errors of a document mostly follow from the first one.
    for (const error of document.errors.slice(0, 1)) {
      const { line, col } = lines.linePos(error.pos[0]);
      mistakes.push({ message: firstLine(error.message), line, column: col });
    }
    if (document.errors.length > 0) continue;
    try {
      documents.push(...toSourceDocuments(document, lines));
    } catch (error) {
      // Aliases that would grow without bounds are only found when the document is turned into objects.
      mistakes.push({
        message: error instanceof RangeError ? TOO_DEEP : error instanceof Error ? error.message : String(error),
        ...positionOfNode(document.contents, lines),
      });
    }
  }
  return { documents, mistakes };
}

function parseText(text: string, lines: LineCounter, mistakes: SyntaxMistake[]): Document.Parsed[] {
  try {
    const options = { version: '1.1', lineCounter: lines, customTags: kubernetesTags, logLevel: 'silent' } as const;
    const parsed = parseAllDocuments(text, options);
    return Array.isArray(parsed) ? parsed : [];
  } catch (error) {
    // The parser itself runs out of stack on text that is nothing but brackets.
    if (!(error instanceof RangeError)) throw error;
    mistakes.push({ message: TOO_DEEP, line: 1, column: 1 });
    return [];
  }
}

/** Looked at level by level, so that no nesting is too deep for this. */
function isTooDeep(value: unknown): boolean {
  let level: unknown[] = [value];
  for (let depth = 0; depth < MAX_DEPTH; depth += 1) {
    level = level.flatMap((item) =>
      typeof item === 'object' && item !== null ? Object.values(item as Record<string, unknown>) : [],
    );
    if (level.length === 0) return false;
  }
  return true;
}

function firstLine(message: string): string {
  return (message.split('\n')[0] ?? message).replace(/ at line \d+, column \d+:?$/, '');
}

function toSourceDocuments(document: Document.Parsed, lines: LineCounter): SourceDocument[] {
  const value: unknown = document.toJS();
  if (value === null || value === undefined) return [];
  if (isTooDeep(value)) throw new RangeError(TOO_DEEP);
  const locate = (prefix: FieldPath) => (path: FieldPath) => findPosition(document, [...prefix, ...path], lines);
  if (isList(value)) {
    return value.items.map((item, index) => ({ value: item, positionOf: locate(['items', index]) }));
  }
  return [{ value, positionOf: locate([]) }];
}

function isList(value: unknown): value is { items: unknown[] } {
  return (
    typeof value === 'object' &&
    value !== null &&
    'kind' in value &&
    typeof value.kind === 'string' &&
    value.kind.endsWith('List') &&
    'items' in value &&
    Array.isArray(value.items)
  );
}

function findPosition(document: Document.Parsed, path: FieldPath, lines: LineCounter): Position | undefined {
  let node: unknown = document.contents;
  let place: unknown = node;
  for (const segment of path) {
    if (isAlias(node)) node = node.resolve(document);
    const next = stepInto(node, segment);
    if (next === undefined) break;
    place = next.key ?? next.value;
    node = next.value;
  }
  return positionOfNode(place, lines);
}

function stepInto(node: unknown, segment: string | number): { key?: unknown; value: unknown } | undefined {
  if (isMap(node)) {
    const named = (wanted: string, read: (key: string) => string) =>
      node.items.find(({ key }) => read(String(isScalar(key) ? key.value : key)) === wanted);
    const pair = named(String(segment), String) ?? named(String(segment).toLowerCase(), (key) => key.toLowerCase());
    return pair === undefined ? undefined : { key: pair.key, value: pair.value };
  }
  if (isSeq(node) && typeof segment === 'number' && segment < node.items.length) return { value: node.items[segment] };
  return undefined;
}

function positionOfNode(node: unknown, lines: LineCounter): Position {
  const range = (node as Partial<Node> | null)?.range;
  const { line, col } = lines.linePos(range?.[0] ?? 0);
  return { line, column: col };
}
