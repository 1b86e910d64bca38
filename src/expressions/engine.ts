/**
 * The interface between sensors and event sources and the engine that evaluates jq, Lua, Go templates, govaluate, expr,
 * gjson and sjson.
 *
 * The implementation is `src/expressions`: the Go libraries of Argo Events themselves. Pure: only types and one check.
 */
import type { ErrorCode } from '../errors/sluice-error';
import type { JsonDocument } from '../event/json-text';
import type { DataFilter } from '../manifest/filters';

/** One evaluation. `data` is never changed, and an object that occurs several times is decoded once. */
export type ExpressionRequest =
  | { readonly kind: 'jq'; readonly program: string; readonly data: JsonDocument }
  | { readonly kind: 'luaTransform'; readonly script: string; readonly data: JsonDocument }
  | { readonly kind: 'luaFilter'; readonly script: string; readonly data: JsonDocument }
  | { readonly kind: 'dataFilter'; readonly filter: DataFilter; readonly data: JsonDocument }
  | {
      readonly kind: 'govaluate';
      readonly expression: string;
      readonly fields: readonly { readonly name: string; readonly path: string }[];
      readonly data: JsonDocument;
    }
  /** The template sees `input` as `.Input`. A result that Argo Events treats as "no value" is a failure. */
  | { readonly kind: 'template'; readonly template: string; readonly input: JsonDocument }
  /** Filter of an event source. */
  | { readonly kind: 'expr'; readonly expression: string; readonly data: JsonDocument }
  | { readonly kind: 'get'; readonly path: string; readonly data: JsonDocument }
  /** Writes `value` (as text, or as raw JSON if `isJson`) at an sjson path. */
  | {
      readonly kind: 'set';
      readonly path: string;
      readonly value: string;
      readonly isJson: boolean;
      /** Undefined if there is no document yet. */
      readonly document: JsonDocument | undefined;
    }
  | { readonly kind: 'yaml'; readonly text: string }
  /** Compiles only; returns the compiler's complaint, or null. */
  | { readonly kind: 'check'; readonly language: ExpressionLanguage; readonly source: string };

export type ExpressionLanguage = 'jq' | 'lua' | 'template' | 'govaluate' | 'expr' | 'regex';

/** Why an expression does not compile. */
export interface ExpressionComplaint {
  readonly message: string;
  /** Position of the mistake, in bytes of UTF-8; only if the message does not contain it. */
  readonly offset?: number;
  /** The existing functions, if the expression names an unknown one: `name`, in jq `name/arity`. */
  readonly functions?: readonly string[];
}

/** A filter's result, and the value that it compared, as text. */
export interface FilterAnswer {
  readonly passed: boolean;
  readonly found: string;
}

/** The result of a gjson path. `text` is the value as a string parameter takes it. */
export type PathAnswer =
  | { readonly exists: false }
  | { readonly exists: true; readonly type: GjsonType; readonly text: string; readonly json?: JsonDocument };

export type GjsonType = 'String' | 'Number' | 'True' | 'False' | 'Null' | 'JSON';

interface ExpressionValues {
  jq: JsonDocument;
  luaTransform: JsonDocument;
  luaFilter: FilterAnswer;
  dataFilter: FilterAnswer;
  govaluate: FilterAnswer;
  template: string;
  expr: boolean;
  get: PathAnswer;
  set: JsonDocument;
  yaml: JsonDocument;
  check: ExpressionComplaint | null;
}

/** Why there is no value. EXPRESSION_INVALID: the text does not compile; it fails for every event. */
export interface ExpressionFailure {
  readonly ok: false;
  readonly code: ErrorCode;
  readonly message: string;
}
export type ExpressionOutcome<Value> = { readonly ok: true; readonly value: Value } | ExpressionFailure;
export type ExpressionValue<Request extends ExpressionRequest> = ExpressionValues[Request['kind']];

export interface ExpressionEngine {
  /**
   * Evaluates one expression. Calls made in the same turn of the event loop are evaluated as one batch, so start all of
   * them at once rather than one after the other.
   *
   * A failing expression is an outcome, not an exception; throws only EXPRESSION_ENGINE_MISSING, or after `close`.
   */
  evaluate<Request extends ExpressionRequest>(request: Request): Promise<ExpressionOutcome<ExpressionValue<Request>>>;
  /** Ends all threads and rejects outstanding evaluations. Safe to call twice. */
  close(): Promise<void>;
}
