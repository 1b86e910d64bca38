/** The text of a batch: first a JSON array of items, then one JSON document per line (see expressions/batch.go). */
import type { ErrorCode } from '../errors';
import type { JsonValue } from '../event/json';
import type { ExpressionOutcome, ExpressionRequest } from '../sensor/expression-engine';

const NO_DOCUMENT = -1;

/** Documents of one batch; an object given several times is written once. */
class Documents {
  readonly lines: string[] = [];
  private readonly indexes = new Map<JsonValue, number>();

  indexOf(data: JsonValue): number {
    const known = this.indexes.get(data);
    if (known !== undefined) return known;
    const index = this.lines.push(JSON.stringify(data)) - 1;
    this.indexes.set(data, index);
    return index;
  }
}

export function encodeBatch(requests: readonly ExpressionRequest[]): string {
  const documents = new Documents();
  const items = requests.map((request) => {
    try {
      return encodeItem(request, documents);
    } catch (error) {
      // JSON.stringify gives up on what is nested too deeply; that must not cost the others their answers.
      return { kind: 'refused', source: `the data cannot be written as JSON: ${String(error)}`, doc: NO_DOCUMENT };
    }
  });
  return [JSON.stringify(items), ...documents.lines].join('\n');
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

type EncodedAnswer = { readonly v: unknown } | { readonly e: string; readonly c: ErrorCode };

export function decodeAnswers(text: string): ExpressionOutcome<unknown>[] {
  const answers = JSON.parse(text) as EncodedAnswer[]; // written by expressions/batch.go
  return answers.map((answer) =>
    'e' in answer ? { ok: false, code: answer.c, message: answer.e } : { ok: true, value: answer.v },
  );
}
