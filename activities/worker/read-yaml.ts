/** YAML for triggers, read by the Go library of kubectl in the threads of the expression engine. */
import type { ExpressionEngine } from '../../src/expressions/engine';
import type { ReadYamlObject } from '../../src/triggers/resource-sources/parse-object';

/** Reasons never quote the text: the library's own messages may. */
export function createYamlReader(engine: ExpressionEngine): ReadYamlObject {
  return async (text) => {
    const outcome = await engine.evaluate({ kind: 'yaml', text });
    if (outcome.ok) return outcome;
    const line = /\bline (\d+)/.exec(outcome.message)?.[1];
    return { ok: false, reason: line === undefined ? reasonOf(outcome.code) : `invalid YAML at line ${line}` };
  };
}

function reasonOf(code: string): string {
  return code === 'EXPRESSION_TIMED_OUT' ? 'reading it takes too long' : 'invalid YAML';
}
