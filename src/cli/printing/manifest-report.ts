/** What validate and apply say about manifests: each object with a mark, each problem with its place. */
import { identityOf } from '../../validation/manifest-document';
import { formatProblem, type Problem, type Severity } from '../../manifest/problem';
import { SluiceError } from '../../errors/sluice-error';
import type { Output } from './output';
import type { ReadManifests } from '../read-manifests';
import { printable, type Paint, type Tone } from './style';
import type { Table } from './table';

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
export function reportManifests(manifests: ReadManifests, failing: readonly Severity[] = ['error']): ManifestReport {
  const problems = [...manifests.problems];
  if (manifests.documents.length === 0 && problems.length === 0) {
    const message = 'no objects found';
    problems.push({
      severity: 'error',
      file: '',
      object: '',
      path: '',
      message,
      fix: 'Name files that hold manifests.',
    });
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

export function objectTable(objects: readonly ObjectReport[]): Table {
  return {
    columns: ['', 'object', 'namespace', 'file'],
    rows: objects.map(({ kind, name, namespace, file, line, valid }) => [
      valid ? { text: '✓', tone: 'good' } : { text: '✗', tone: 'bad' },
      name === '' ? kind : `${kind}/${name}`,
      namespace ?? '-',
      line === undefined ? file : `${file}:${line}`,
    ]),
    empty: 'No objects.',
  };
}

const TONES: Record<Severity, Tone> = { error: 'bad', warning: 'warning', unsupported: 'warning' };

export function problemText(problems: readonly Problem[], paint: Paint): string {
  return problems
    .map((problem) => {
      const [first = '', ...rest] = printable(formatProblem(problem)).split('\n');
      return [paint(TONES[problem.severity], first), ...rest].join('\n');
    })
    .join('\n');
}

/** Shows what is in the way and makes the error that ends the command. `consequence`: `Nothing was applied`. */
export function refuseManifests(problems: readonly Problem[], consequence: string, output: Output): SluiceError {
  output.note(problemText(problems, output.paint));
  const inTheWay = problems.filter(({ severity }) => severity !== 'warning');
  const onlyUnsupported = inTheWay.every(({ severity }) => severity === 'unsupported');
  return new SluiceError(onlyUnsupported ? 'TRIGGER_UNSUPPORTED' : 'MANIFEST_INVALID', {
    message: `${consequence}: ${plural(inTheWay.length, 'problem')} must be solved first`,
  });
}

export function countText(report: ManifestReport): string {
  const count = (severity: Severity): number =>
    report.problems.filter((problem) => problem.severity === severity).length;
  const parts = [
    plural(report.objects.length, 'object'),
    plural(count('error'), 'error'),
    plural(count('warning'), 'warning'),
  ];
  if (count('unsupported') > 0) parts.push(`${count('unsupported')} not supported yet`);
  return parts.join(', ');
}

function plural(count: number, word: string): string {
  return `${count} ${word}${count === 1 ? '' : 's'}`;
}
