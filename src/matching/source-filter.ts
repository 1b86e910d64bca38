/** `filter.expression` of an event source: which events it publishes to the bus. */
import type { ErrorCode } from '../errors/sluice-error';
import type { JsonDocument } from '../event/json-text';
import type { ExpressionEngine } from '../expressions/engine';

export type SourceFilterVerdict =
  | { readonly outcome: 'passed' }
  | { readonly outcome: 'filtered'; readonly reason: string }
  /** The expression cannot be evaluated on this event; Argo Events drops it and only logs it. */
  | { readonly outcome: 'failed'; readonly code: ErrorCode; readonly reason: string };

/** One verdict for each event data, in order. Variables of the expression are the top-level keys of the data. */
export function evaluateSourceFilter(
  expression: string,
  data: readonly JsonDocument[],
  engine: ExpressionEngine,
): Promise<SourceFilterVerdict[]> {
  return Promise.all(data.map((value) => evaluateOne(expression, value, engine)));
}

async function evaluateOne(
  expression: string,
  data: JsonDocument,
  engine: ExpressionEngine,
): Promise<SourceFilterVerdict> {
  const outcome = await engine.evaluate({ kind: 'expr', expression, data });
  if (!outcome.ok) return { outcome: 'failed', code: outcome.code, reason: outcome.message };
  if (outcome.value) return { outcome: 'passed' };
  return { outcome: 'filtered', reason: `the filter "${expression}" is false` };
}
