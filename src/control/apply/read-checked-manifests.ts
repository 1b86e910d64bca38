/** Loads manifests and checks the syntax of their expressions with the libraries that will run them. */
import { isSluiceError } from '../../errors/sluice-error';
import { createExpressionEngine, createExpressionSyntax } from '../../expressions';
import { loadManifests, type LoadedManifests } from '../../validation/load-manifests';

export interface CheckedManifests extends LoadedManifests {
  /** False if the expression module is missing from this installation. */
  readonly expressionsChecked: boolean;
}

/** @param stdin read if a path is `-` */
export async function readCheckedManifests(
  paths: readonly string[],
  stdin: NodeJS.ReadableStream,
): Promise<CheckedManifests> {
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
