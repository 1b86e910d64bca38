/** Checks the syntax of expressions with the libraries that will run them. */
import { SluiceError } from '../errors/sluice-error';
import type { ReadYaml } from '../yaml/yaml-documents';
import type { ExpressionComplaint, ExpressionEngine, ExpressionLanguage } from './engine';

/** The compilers, for manifest validation. */
export interface ExpressionSyntax {
  /** Undefined if the expression compiles. */
  check(language: ExpressionLanguage, text: string): Promise<ExpressionComplaint | undefined>;
  /** kubectl's library. */
  readYaml: ReadYaml;
}

/** The checks that `loadManifests` takes. */
export function createExpressionSyntax(engine: ExpressionEngine): ExpressionSyntax {
  return {
    check: async (language, source) => {
      const outcome = await engine.evaluate({ kind: 'check', language, source });
      if (!outcome.ok) throw new SluiceError(outcome.code, { message: `Cannot check the syntax: ${outcome.message}` });
      return outcome.value ?? undefined;
    },
    readYaml: async (text) => {
      const outcome = await engine.evaluate({ kind: 'yaml', text });
      if (outcome.ok) return outcome;
      const line = /\bline (\d+)/.exec(outcome.message)?.[1];
      return { ok: false, message: outcome.message, ...(line === undefined ? {} : { line: Number(line) }) };
    },
  };
}
