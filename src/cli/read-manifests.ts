/** Loads manifests for commands, with the syntax of their expressions checked by the libraries that will run them. */
import { isSluiceError, SluiceError } from '../errors';
import { createExpressionEngine } from '../expressions';
import type { ExpressionSyntax } from '../manifest/expressions';
import { loadManifests, type LoadedManifests } from '../manifest/load';
import type { ExpressionEngine, ExpressionLanguage } from '../sensor/expression-engine';
import type { CliIo } from './io';

export interface ReadManifests extends LoadedManifests {
  /** False where the expression module is missing from this installation. */
  readonly expressionsChecked: boolean;
}

export async function readManifests(paths: readonly string[], io: CliIo): Promise<ReadManifests> {
  const { stdin } = io;
  const engine = createExpressionEngine();
  try {
    return { ...(await loadManifests(paths, { stdin, expressions: syntaxOf(engine) })), expressionsChecked: true };
  } catch (error) {
    if (!isSluiceError(error) || error.code !== 'EXPRESSION_ENGINE_MISSING' || paths.includes('-')) throw error;
    return { ...(await loadManifests(paths, { stdin })), expressionsChecked: false };
  } finally {
    await engine.close();
  }
}

function syntaxOf(engine: ExpressionEngine): ExpressionSyntax {
  const check =
    (language: ExpressionLanguage) =>
    async (source: string): Promise<string | undefined> => {
      const outcome = await engine.evaluate({ kind: 'check', language, source });
      if (!outcome.ok) throw new SluiceError(outcome.code, { message: outcome.message });
      return outcome.value ?? undefined;
    };
  return {
    checkJq: check('jq'),
    checkLua: check('lua'),
    checkTemplate: check('template'),
    checkGovaluate: check('govaluate'),
    checkExpr: check('expr'),
    checkRegex: check('regex'),
  };
}
