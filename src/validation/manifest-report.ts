/** The contents of manifests and their problems, object by object. */
import type { Problem, Severity } from '../manifest/problem';
import type { LoadedManifests } from './load-manifests';
import { identityOf } from './manifest-document';

export interface ObjectReport {
  readonly kind: string;
  readonly name: string;
  readonly namespace?: string;
  readonly file: string;
  readonly line?: number;
  readonly valid: boolean;
}

export interface ManifestReport {
  readonly valid: boolean;
  readonly files: readonly string[];
  readonly objects: readonly ObjectReport[];
  readonly problems: readonly Problem[];
}

/** @param failing the severities that make an object invalid. */
export function reportManifests(
  manifests: Pick<LoadedManifests, 'documents' | 'problems' | 'skipped'>,
  failing: readonly Severity[] = ['error'],
): ManifestReport {
  const problems = [...manifests.problems];
  if (manifests.documents.length === 0 && problems.length === 0) {
    const files = manifests.skipped.length > 0 ? manifests.skipped : [''];
    problems.push(...files.map(withoutObjects));
  }
  const bad = problems.filter(({ severity }) => failing.includes(severity));
  const isBad = (file: string, label: string): boolean =>
    bad.some((problem) => problem.file === file && problem.object === label);

  const objects = manifests.documents.map((document): ObjectReport => {
    const { kind, name, namespace } = identityOf(document);
    const { file, line } = document.origin;
    return { kind, name, namespace, file, line, valid: !isBad(file, `${kind}/${name}`) };
  });
  // An object with errors is not among the documents; its problems name it.
  for (const { file, object, line } of bad) {
    const [kind = '', name = ''] = object.split('/');
    const known = objects.some((other) => other.file === file && other.kind === kind && other.name === name);
    if (object !== '' && !known) objects.push({ kind, name, file, line, valid: false });
  }
  const files = [...new Set([...objects, ...problems].map(({ file }) => file))].filter((file) => file !== '');
  objects.sort((a, b) => files.indexOf(a.file) - files.indexOf(b.file) || (a.line ?? 0) - (b.line ?? 0));
  return { valid: bad.length === 0, files, objects, problems };
}

function withoutObjects(file: string): Problem {
  const fix = 'Name files that hold manifests.';
  return { severity: 'error', file, object: '', path: '', message: 'no objects found', fix };
}
