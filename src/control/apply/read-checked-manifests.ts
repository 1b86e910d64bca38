/** Loads manifests and checks the syntax of their expressions with the libraries that will run them. */
import { isSluiceError } from '../../errors/sluice-error';
import { createExpressionEngine, createExpressionSyntax } from '../../expressions';
import {
  loadManifests,
  loadManifestText,
  type LoadedManifests,
  type LoadOptions,
} from '../../validation/load-manifests';

export interface CheckedManifests extends LoadedManifests {
  /** False if the expression module is missing from this installation. */
  readonly expressionsChecked: boolean;
}

/** @param stdin read if a path is `-` */
export async function readCheckedManifests(
  paths: readonly string[],
  stdin: NodeJS.ReadableStream,
): Promise<CheckedManifests> {
  return await withSyntax(!paths.includes('-'), (syntax) => loadManifests(paths, { stdin, ...syntax }));
}

export async function readCheckedText(yaml: string): Promise<CheckedManifests> {
  return await withSyntax(true, (syntax) => loadManifestText(yaml, '', syntax));
}

/** @param isRepeatable false if the input can be read only once */
async function withSyntax(
  isRepeatable: boolean,
  load: (options: Pick<LoadOptions, 'expressions'>) => Promise<LoadedManifests>,
): Promise<CheckedManifests> {
  const engine = createExpressionEngine();
  try {
    return { ...(await load({ expressions: createExpressionSyntax(engine) })), expressionsChecked: true };
  } catch (error) {
    if (!isSluiceError(error) || error.code !== 'EXPRESSION_ENGINE_MISSING' || !isRepeatable) throw error;
    return { ...(await load({})), expressionsChecked: false };
  } finally {
    await engine.close();
  }
}
