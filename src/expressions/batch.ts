/** The text of a batch and its results: a JSON array, then one JSON document per line (see expressions/batch.go). */
import type { ErrorCode } from '../errors/sluice-error';
import { crowdProblem, isJsonObject, MAX_DATA_DEPTH, nestingProblem } from '../event/json';
import { readKnownJson, readPart, textOf, type JsonDocument } from '../event/json-text';
import type { ExpressionOutcome, ExpressionRequest } from './engine';

const NO_DOCUMENT = -1;

/** Limits how much is encoded in one turn of the event loop, and how much a thread has to hold at once. */
const LARGEST_BATCH = 8 * 2 ** 20;

/** Documents of one batch; an object that occurs several times is written once. */
class Documents {
  readonly lines: string[] = [];
  length = 0;
  private readonly indexes = new Map<JsonDocument, number>();

  indexOf(data: JsonDocument): number {
    const known = this.indexes.get(data);
    if (known !== undefined) return known;
    const line = textOf(data);
    this.length += line.length;
    const index = this.lines.push(line) - 1;
    this.indexes.set(data, index);
    return index;
  }
}

export interface EncodedBatch {
  readonly text: string;
  /** How many requests, from the first, fit into it: at least one. */
  readonly count: number;
}

export function encodeBatch(requests: readonly ExpressionRequest[]): EncodedBatch {
  const documents = new Documents();
  const items: Record<string, unknown>[] = [];
  for (const request of requests) {
    if (documents.length > LARGEST_BATCH) break;
    try {
      items.push(encodeItem(request, documents));
      if (request.kind === 'set') documents.length += request.value.length;
      if (request.kind === 'yaml') documents.length += request.text.length;
    } catch (error) {
      // JSON.stringify fails on very deep nesting; that must not cost the other requests their results.
      const source = `the data cannot be written as JSON: ${String(error)}`;
      items.push({ kind: 'refused', source, doc: NO_DOCUMENT });
    }
  }
  return { text: [JSON.stringify(items), ...documents.lines].join('\n'), count: items.length };
}

/** Keys as in the Go struct `item`. */
function encodeItem(request: ExpressionRequest, documents: Documents): Record<string, unknown> {
  const { kind } = request;
  switch (request.kind) {
    case 'jq':
      return { kind, source: request.program, doc: documents.indexOf(request.data) };
    case 'luaTransform':
    case 'luaFilter':
      return { kind, source: request.script, doc: documents.indexOf(request.data) };
    case 'dataFilter': {
      const { path, type, comparator, template, value } = request.filter;
      return { kind, path, type, comparator, template, values: value, doc: documents.indexOf(request.data) };
    }
    case 'govaluate':
      return { kind, source: request.expression, fields: request.fields, doc: documents.indexOf(request.data) };
    case 'template':
      return { kind, source: request.template, doc: documents.indexOf(request.input) };
    case 'expr':
      return { kind, source: request.expression, doc: documents.indexOf(request.data) };
    case 'get':
      return { kind, path: request.path, doc: documents.indexOf(request.data) };
    case 'set': {
      const { path, value, isJson, document } = request;
      return {
        kind,
        path,
        source: value,
        raw: isJson,
        doc: document === undefined ? NO_DOCUMENT : documents.indexOf(document),
      };
    }
    case 'yaml':
      return { kind, source: request.text, doc: NO_DOCUMENT };
    case 'check':
      return { kind, language: request.language, source: request.source, doc: NO_DOCUMENT };
  }
}

type EncodedAnswer =
  | { readonly e: string; readonly c: ErrorCode }
  /** `d`: index of a document, which is the value, or what `get` found. */
  | { readonly v?: unknown; readonly d?: number };

/** In the order of the requests. There are fewer if the results of all would have been too large. */
export function decodeAnswers(text: string): ExpressionOutcome<unknown>[] {
  const [line = '', ...documents] = text.split('\n');
  const answers = JSON.parse(line) as EncodedAnswer[]; // written by expressions/batch.go
  return answers.map((answer) => {
    if ('e' in answer) return { ok: false, code: answer.c, message: answer.e };
    if (answer.d === undefined) return { ok: true, value: answer.v };
    const document = documents[answer.d] ?? '';
    const problem = nestingProblem(document, MAX_DATA_DEPTH) ?? crowdProblem(document, MAX_DATA_DEPTH);
    if (problem !== undefined)
      return { ok: false, code: 'EXPRESSION_FAILED', message: `its result: ${problem.message}` };
    const isPart = isJsonObject(answer.v);
    return { ok: true, value: isPart ? { ...answer.v, json: readPart(document) } : readKnownJson(document) };
  });
}
