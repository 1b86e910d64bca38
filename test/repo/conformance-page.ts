/** Writes the conformance table down, and finds what in it is no longer true. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { format, resolveConfig } from 'prettier';
import { repoRoot } from '../../dev/repo-root';
import { SECTIONS, type Proof } from './conformance';
import { readTestTitles } from './test-titles';

export const CONFORMANCE_PAGE = join(repoRoot, 'docs/conformance.md');

const INTRODUCTION = `<!-- Written by \`npm run docs:conformance\` from test/repo/conformance*.ts; edit there. -->

# Conformance with Argo Events

What Argo Events documents or does, section by section of our notes on its source, and what proves that Sluice does it
too: a test by its name, a manifest that must be accepted or refused, or the row of
[differences-from-argo-events.md](differences-from-argo-events.md) that says what Sluice does instead and why. A row
without a proof says so.
`;

/** The page as it should be, formatted as the repository is. */
export async function renderConformancePage(): Promise<string> {
  const proofs = SECTIONS.flatMap(({ rows }) => rows.flatMap(([, ...list]) => list));
  const rows = SECTIONS.flatMap((section) => section.rows);
  const count = (kind: Proof['kind']): number =>
    rows.filter(([, ...list]) => list.some((proof) => proof.kind === kind)).length;
  const named = new Set(proofs.filter(({ kind }) => kind === 'test').map(describeProof)).size;
  const summary =
    `${rows.length} rows, ${named} tests named. Differ on purpose: ${count('difference')}. ` +
    `Not supported: ${count('unsupported')}. Without a test of their own: ${count('untested')}.`;
  const sections = SECTIONS.map(({ title, rows: of }) =>
    [
      `## ${title}`,
      '',
      '| behaviour of Argo Events | proof |',
      '| --- | --- |',
      ...of.map(([behaviour, ...list]) => `| ${cell(behaviour)} | ${list.map(describeProof).map(cell).join('<br>')} |`),
    ].join('\n'),
  );
  const config = await resolveConfig(CONFORMANCE_PAGE);
  return format([INTRODUCTION, summary, ...sections].join('\n\n'), { ...config, parser: 'markdown' });
}

/** One line for each proof that does not exist. */
export function findMissingProofs(): string[] {
  const differences = readDifferenceTopics();
  const titles = new Map<string, ReadonlySet<string>>();
  const titlesOf = (file: string): ReadonlySet<string> => {
    const known = titles.get(file) ?? (existsSync(join(repoRoot, file)) ? readTestTitles(file) : new Set<string>());
    titles.set(file, known);
    return known;
  };
  const isThere = (proof: Proof): boolean => {
    switch (proof.kind) {
      case 'test':
        return titlesOf(proof.file).has(proof.name);
      case 'corpus':
        return existsSync(join(repoRoot, 'test/manifest/corpus', proof.file));
      case 'difference':
        return differences.has(proof.topic);
      case 'unsupported':
      case 'untested':
        return true;
    }
  };
  return SECTIONS.flatMap(({ rows }) =>
    rows.flatMap(([behaviour, ...proofs]) =>
      proofs.filter((proof) => !isThere(proof)).map((proof) => `${behaviour}: ${describeProof(proof)}`),
    ),
  );
}

function readDifferenceTopics(): ReadonlySet<string> {
  const page = readFileSync(join(repoRoot, 'docs/differences-from-argo-events.md'), 'utf8');
  return new Set(page.split('\n').flatMap((line) => /^\| (.*?) +\|/.exec(line)?.[1]?.trim() ?? []));
}

function describeProof(proof: Proof): string {
  switch (proof.kind) {
    case 'test':
      return `\`${proof.file}\`: ${code(proof.name)}`;
    case 'corpus':
      return `\`test/manifest/corpus/${proof.file}\``;
    case 'difference':
      return `differs: ${proof.topic}`;
    case 'unsupported':
      return `**not supported**: ${proof.why}`;
    case 'untested':
      return `**untested**: ${proof.why}`;
  }
}

/** Test names hold markup of their own: quotes, operators, regular expressions. */
function code(text: string): string {
  return text.includes('`') ? text : `\`${text}\``;
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|');
}
