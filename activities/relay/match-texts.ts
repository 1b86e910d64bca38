/** Regular expressions of event sources, matched by Go's library in the threads of the expression engine. */
import type { ExpressionEngine, ExpressionRequest } from '../../src/expressions/engine';
import { SluiceError } from '../../src/errors/sluice-error';
import type { MatchField, MatchTexts } from '../../src/sources/source';

export function createTextMatcher(engine: ExpressionEngine): MatchTexts {
  return (pattern, texts) => Promise.all(texts.map((text) => matchText(pattern, text, engine)));
}

export function createFieldMatcher(engine: ExpressionEngine): MatchField {
  return async (data, path, pattern) => {
    const outcome = await engine.evaluate({ kind: 'get', path, data });
    if (!outcome.ok) throw new SluiceError(outcome.code, { message: outcome.message });
    const { value } = outcome;
    if (!value.exists) return false;
    // Argo Events matches the empty text for anything that is no text.
    return await matchText(pattern, value.type === 'String' ? value.text : '', engine);
  };
}

async function matchText(pattern: string, text: string, engine: ExpressionEngine): Promise<boolean> {
  const request: Extract<ExpressionRequest, { readonly kind: 'dataFilter' }> = {
    kind: 'dataFilter',
    filter: { path: 'text', type: 'string', value: [pattern] },
    data: { text },
  };
  const outcome = await engine.evaluate(request);
  if (outcome.ok) return outcome.value.passed;
  throw new SluiceError(outcome.code, { message: outcome.message, retryable: outcome.code !== 'EXPRESSION_INVALID' });
}
