/** Splits a file into documents, and locates the line of each field. */
import { LineCounter, isAlias, isMap, isScalar, isSeq, type Document, type Node } from 'yaml';
import { isFields } from '../manifest/fields';
import { readJson, type JsonDocument } from '../event/json-text';
import { markNumbers, toWorkingCopy } from './exact-numbers';
import { isHelmTemplate, RENDER_FIRST } from './helm';
import type { FieldPath, Finding } from '../manifest/problem';
import { splitDocuments, type DocumentText } from './split-documents';
import { parseLayout } from './yaml-layout';
import { inWrittenOrder, keyText, keysAround, walkDocument } from './yaml-walk';

interface Position {
  /** Counted from 1. */
  readonly line: number;
  readonly column: number;
}

/** Deeper than any Kubernetes object, shallow enough for every walk over one. */
const MAX_DEPTH = 200;
const TOO_DEEP = `nested more than ${MAX_DEPTH} levels deep`;

/** One object of a file; the items of a `kind: List` are separate objects. */
export interface SourceDocument {
  /** Whole numbers beyond 2^53 are marked (exact-numbers.ts). */
  readonly value: unknown;
  /** Warnings that can be found only in the text. */
  readonly warnings: readonly Finding[];
  /** Position of a field; for a missing one, the start of the nearest block around it. */
  positionOf(path: FieldPath): Position | undefined;
  /** A number as it was written, which may be `0644` or `1e3`. Undefined for anything else. */
  numberAt(path: FieldPath): string | undefined;
}

export interface SyntaxMistake extends Position {
  readonly message: string;
  readonly fix?: string;
  /** `Sensor/water-bodies`, as far as the text has these fields. */
  readonly object: string;
  /** The keys around the mistake. */
  readonly path: string;
}

export interface ParsedText {
  readonly documents: readonly SourceDocument[];
  readonly mistakes: readonly SyntaxMistake[];
}

/** The YAML library of kubectl; `line` counts from 1 within the text. */
export type ReadYaml = (
  text: string,
) => Promise<{ readonly ok: true; readonly value: JsonDocument } | ({ readonly ok: false } & YamlRefusal)>;
export interface YamlRefusal {
  readonly message: string;
  readonly line?: number;
}

/**
 * Reads YAML (or JSON) as the tools of Kubernetes do: YAML 1.1 with `yes` and `on` as booleans and `0644` as octal, but
 * with times and dates as text. Each key may appear once. With `readYaml` the values are those of kubectl's own library.
 */
export async function readYamlDocuments(text: string, readYaml?: ReadYaml): Promise<ParsedText> {
  if (readYaml === undefined) return parseYamlDocuments(text);
  const parts: ParsedText[] = [];
  for (const source of splitDocuments(text)) {
    const json = parseJsonObject(source.text);
    const reading = json === undefined ? await readYaml(source.text) : { ok: true as const, value: json };
    parts.push(toParsedText(source, reading));
  }
  return joinParts(parts);
}

/** Reads the JSON of one object, without places and without the parser of YAML, which costs ten times as much. */
export function readJsonDocument(text: string): ParsedText {
  try {
    const value: unknown = toWorkingCopy(readJson(text, MAX_DEPTH));
    const document = { value, warnings: [], positionOf: () => undefined, numberAt: () => undefined };
    return { documents: [document], mistakes: [] };
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    return { documents: [], mistakes: [{ line: 1, column: 1, message, object: '', path: '' }] };
  }
}

/** Reads YAML without kubectl's library: some rare forms are read differently. */
export function parseYamlDocuments(text: string): ParsedText {
  return joinParts(splitDocuments(text).map((source) => toParsedText(source, undefined)));
}

function joinParts(parts: readonly ParsedText[]): ParsedText {
  return {
    documents: parts.flatMap(({ documents }) => documents),
    mistakes: parts.flatMap(({ mistakes }) => mistakes),
  };
}

/** kubectl reads JSON as JSON, which the YAML library does not in all cases (`\/`). */
function parseJsonObject(text: string): JsonDocument | undefined {
  if (!/^(---)?\s*\{/.test(text)) return undefined;
  try {
    return readJson(text.replace(/^---/, ''));
  } catch {
    return undefined;
  }
}

function toParsedText(source: DocumentText, reading: Awaited<ReturnType<ReadYaml>> | undefined): ParsedText {
  const lines = source.text.split('\n');
  const counter = countLines(lines);
  const place = (offset: number): Position => {
    const { line, col } = counter.linePos(offset);
    return { line: line + source.line - 1, column: col };
  };
  const mistakeAt = (message: string, at: Position): ParsedText => ({
    documents: [],
    mistakes: [{ ...at, ...describeMistake(message, lines, at.line - source.line) }],
  });
  const placeOf = (node: unknown) => place((node as Partial<Node> | null)?.range?.[0] ?? firstContent(source.text));
  let document: Document.Parsed | undefined;
  try {
    document = parseLayout(source.text);
    const [error] = document.errors;
    if (error !== undefined && reading?.ok !== true) return mistakeAt(error.message, place(error.pos[0]));
    if (reading?.ok === false) {
      const line = Math.min(reading.line ?? Number.POSITIVE_INFINITY, lines.length);
      const at = reading.line === undefined ? placeOf(document.contents) : { line: line + source.line - 1, column: 1 };
      return mistakeAt(reading.message.replace(/^yaml: (line \d+: )?/, ''), at);
    }
    const value: unknown = valueIn(document, reading?.value);
    if (value === null || value === undefined) return { documents: [], mistakes: [] };
    if (isTooDeep(value)) throw new RangeError(TOO_DEEP);
    const { repeatedKeys, warnings } = walkDocument(document);
    const [repeated] = repeatedKeys;
    if (repeated !== undefined) return mistakeAt(`the key ${repeated.key} is written twice`, placeOf(repeated.node));
    return { documents: toSourceDocuments(document, value, warnings, placeOf), mistakes: [] };
  } catch (error) {
    // Aliases that would grow without limit are only found when the document is converted to objects, and the parser
    // itself exceeds the stack on text that consists of brackets.
    const message = error instanceof RangeError ? TOO_DEEP : error instanceof Error ? error.message : String(error);
    return mistakeAt(message, placeOf(document?.contents));
  }
}

function valueIn(document: Document.Parsed, read: JsonDocument | undefined): unknown {
  if (read !== undefined) return inWrittenOrder(document.contents, toWorkingCopy(read));
  markNumbers(document);
  return document.toJS();
}

function countLines(lines: readonly string[]): LineCounter {
  const counter = new LineCounter();
  let start = 0;
  for (const line of lines) {
    counter.addNewLine(start);
    start += line.length + 1;
  }
  return counter;
}

function firstContent(text: string): number {
  return Math.max(0, text.search(/\S/));
}

function describeMistake(message: string, lines: readonly string[], lineIndex: number) {
  const text = lines.join('\n');
  const kind = /^["']?kind["']?\s*:\s*["']?([A-Za-z]+)/m.exec(text)?.[1] ?? '';
  const name = /^metadata\s*:\s*\n(?:[ \t]+\S.*\n|[ \t]*\n)*?[ \t]+name\s*:\s*["']?([\w.-]+)/m.exec(text)?.[1];
  const object = name === undefined ? kind : `${kind}/${name}`;
  const path = keysAround(lines, lineIndex);
  if (isHelmTemplate(text)) {
    return { message: 'this is a Helm template that was not rendered', object, path, fix: RENDER_FIRST };
  }
  return { message: `not valid YAML: ${message}`, object, path, fix: adviseOn(lines[lineIndex] ?? '') };
}

/** Advice for text that needs quotes in YAML. */
function adviseOn(line: string): string | undefined {
  const value = /:\s+(>=|<=|!=|[%@`*&].*|\{\{.*|[^"'\s].*:\s.*)$/.exec(line.trimEnd())?.[1];
  if (value === undefined) return /^\s*\t/.test(line) ? 'Indent with spaces instead of tabs.' : undefined;
  return value.length > 60 ? 'Put the value in quotes.' : `Put the value in quotes: ${JSON.stringify(value)}.`;
}

/** Walks level by level, so that no nesting is too deep for it. */
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

function toSourceDocuments(
  document: Document.Parsed,
  value: unknown,
  warnings: readonly Finding[],
  placeOf: (node: unknown) => Position,
): SourceDocument[] {
  const findNode = createNodeFinder(document);
  const below = (prefix: FieldPath): Omit<SourceDocument, 'value'> => ({
    warnings: warnings
      .filter(({ path }) => prefix.every((segment, index) => path[index] === segment))
      .map((finding) => ({ ...finding, path: finding.path.slice(prefix.length) })),
    positionOf: (path) => placeOf(findNode([...prefix, ...path]).place),
    numberAt: (path) => {
      const { value: node } = findNode([...prefix, ...path]);
      return isScalar(node) && typeof node.value === 'number' ? node.source : undefined;
    },
  });
  if (!isList(value)) return [{ value, ...below([]) }];
  return value.items.map((item, index) => ({ value: item, ...below(['items', index]) }));
}

function isList(value: unknown): value is { items: unknown[] } {
  return isFields(value) && typeof value.kind === 'string' && value.kind.endsWith('List') && Array.isArray(value.items);
}

type Step = { readonly place: unknown; readonly value: unknown };

/** Finds the node of a field; `place` is the nearest one around it if it is missing. */
function createNodeFinder(document: Document.Parsed): (path: FieldPath) => Step {
  // A large map may contain many problems.
  const indexes = new Map<unknown, ReadonlyMap<string, Step>>();
  const stepInto = (node: unknown, segment: string | number): Step | undefined => {
    if (isSeq(node)) {
      if (typeof segment !== 'number' || segment >= node.items.length) return undefined;
      return { place: node.items[segment], value: node.items[segment] };
    }
    if (!isMap(node)) return undefined;
    let index = indexes.get(node);
    if (index === undefined) {
      index = new Map(
        node.items.flatMap(({ key, value }) => {
          const step = { place: key ?? value, value };
          const name = keyText(key);
          return [[`like ${name.toLowerCase()}`, step] as const, [`is ${name}`, step] as const];
        }),
      );
      indexes.set(node, index);
    }
    return index.get(`is ${String(segment)}`) ?? index.get(`like ${String(segment).toLowerCase()}`);
  };
  return (path) => {
    let node: unknown = document.contents;
    let place: unknown = node;
    for (const segment of path) {
      if (isAlias(node)) node = node.resolve(document);
      const step = stepInto(node, segment);
      if (step === undefined) return { place, value: undefined };
      ({ place } = step);
      node = step.value;
    }
    return { place, value: node };
  };
}
