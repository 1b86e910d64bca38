/** Finds the implementation of each supported kind by name, so that the table of kinds is the only list. */
import { isSupportedSource, type SupportedSource } from '../kinds/source-kinds';
import { fileStem } from '../kinds/file-stem';
import type { SourceFactory, SourceOf } from './source';

/** Returns undefined for an unsupported kind of Argo Events. The spec must have been validated as that kind's. */
export function findSource(kind: string): SourceFactory<unknown> | undefined {
  return isSupportedSource(kind) ? loadSource(kind) : undefined;
}

/** A worker loads only the clients of the kinds that it reads. */
function loadSource<Kind extends SupportedSource>(kind: Kind): SourceOf<Kind> {
  // eslint-disable-next-line @typescript-eslint/no-require-imports -- the file is named by the table of kinds
  const exports = require(`./${fileStem(kind)}`) as Record<string, unknown>;
  const factory = exports[`${kind}Source`];
  if (isFactory(factory, kind)) return factory;
  throw new Error(`src/sources/${fileStem(kind)}.ts has no export ${kind}Source of kind ${kind}`);
}

function isFactory<Kind extends SupportedSource>(value: unknown, kind: Kind): value is SourceOf<Kind> {
  return typeof value === 'object' && value !== null && 'create' in value && 'kind' in value && value.kind === kind;
}
