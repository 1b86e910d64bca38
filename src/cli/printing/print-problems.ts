/** Prints problems of manifests: each object with a mark, each problem with its location. */
import type { ManifestReport, ObjectReport } from '../../validation/manifest-report';
import { formatProblem, type Problem, type Severity } from '../../manifest/problem';
import { SluiceError } from '../../errors/sluice-error';
import type { Output } from './output';
import { printable, type Paint, type Tone } from './style';
import type { Table } from './table';

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

/** Prints the problems and returns the error that ends the command. `consequence`: `Nothing was applied`. */
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
