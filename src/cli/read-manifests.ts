/** Loads manifests for commands, with the syntax of their expressions checked by the libraries that will run them. */
import { isSluiceError } from '../errors';
import { createExpressionEngine, createExpressionSyntax } from '../expressions';
import { loadManifests, type LoadedManifests } from '../manifest/load';
import type { CliIo } from './io';

export interface ReadManifests extends LoadedManifests {
  /** False where the expression module is missing from this installation. */
  readonly expressionsChecked: boolean;
}

export async function readManifests(paths: readonly string[], io: CliIo): Promise<ReadManifests> {
  const { stdin } = io;
  const engine = createExpressionEngine();
  try {
    return {
      ...(await loadManifests(paths, { stdin, expressions: createExpressionSyntax(engine) })),
      expressionsChecked: true,
    };
  } catch (error) {
    if (!isSluiceError(error) || error.code !== 'EXPRESSION_ENGINE_MISSING' || paths.includes('-')) throw error;
    return { ...(await loadManifests(paths, { stdin })), expressionsChecked: false };
  } finally {
    await engine.close();
  }
}
