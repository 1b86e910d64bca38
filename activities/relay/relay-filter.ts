/** `filter.expression` of an event, as the relay evaluates it. */
import type { ExpressionEngine } from '../../src/expressions/engine';
import { evaluateSourceFilter } from '../../src/matching/source-filter';
import type { EventFilter } from './event-relay';

/** Undefined for an event without a filter. */
export function createSourceFilter(spec: object, engine: ExpressionEngine): EventFilter | undefined {
  const expression = readExpression(spec);
  if (expression === undefined) return undefined;
  return async (payloads) => {
    const verdicts = await evaluateSourceFilter(expression, payloads, engine);
    return verdicts.map((verdict) => {
      switch (verdict.outcome) {
        case 'passed':
          return { pass: true };
        case 'filtered':
          return { pass: false, reason: verdict.reason };
        case 'failed':
          return { pass: false, reason: verdict.reason, code: verdict.code };
      }
    });
  };
}

function readExpression(spec: object): string | undefined {
  if (!('filter' in spec) || typeof spec.filter !== 'object' || spec.filter === null) return undefined;
  const { filter } = spec;
  return 'expression' in filter && typeof filter.expression === 'string' && filter.expression !== ''
    ? filter.expression
    : undefined;
}
