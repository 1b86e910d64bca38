/** Loads manifests for commands, with the syntax of their expressions checked by the libraries that will run them. */
import { isSluiceError } from '../errors/sluice-error';
import { createExpressionEngine, createExpressionSyntax } from '../expressions';
import { loadManifests, type LoadedManifests } from '../validation/load-manifests';
import type { CliIo } from './io';
import { printable } from './printing/style';

export interface ReadManifests extends LoadedManifests {
  /** False where the expression module is missing from this installation. */
  readonly expressionsChecked: boolean;
}

export async function readManifests(paths: readonly string[], io: CliIo): Promise<ReadManifests> {
  const manifests = await loadAll(paths, io);
  const { skipped } = manifests;
  if (skipped.length > 0) {
    const shown = skipped.length > 5 ? [...skipped.slice(0, 5), '…'] : skipped;
    const files = skipped.length === 1 ? '1 file' : `${skipped.length} files`;
    io.stderr.write(`${printable(`Skipped ${files} without Kubernetes objects: ${shown.join(', ')}`)}\n`);
  }
  return manifests;
}

async function loadAll(paths: readonly string[], { stdin }: CliIo): Promise<ReadManifests> {
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
