import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { repoRoot } from '../../dev/repo-root';
import { readTestTitles } from './test-titles';

const read = (page: string): string => readFileSync(join(repoRoot, page), 'utf8');

/** Rows of the tables of a page; `|` within a cell is escaped there. */
function rowsOf(page: string): string[][] {
  return [...read(page).matchAll(/^\| (.*\S) +\|$/gm)].map(([, row = '']) =>
    row.split(/(?<!\\)\|/).map((cell) => cell.trim()),
  );
}

const rows = rowsOf('docs/conformance.md').filter(
  ([behaviour = '']) => !/^(behaviour of Argo Events|-+)$/.test(behaviour),
);
const topics = new Set(rowsOf('docs/differences-from-argo-events.md').map(([topic]) => topic));
const titles = new Map<string, ReadonlySet<string>>();

/** The forms that the introduction of the page lists. */
function isThere(proof: string): boolean {
  const [, file = '', quoted] = /^`(test\/[^`]+)`(?:: (.+))?$/.exec(proof) ?? [];
  if (file.startsWith('test/manifest/corpus/')) return existsSync(join(repoRoot, file));
  if (quoted !== undefined && existsSync(join(repoRoot, file))) {
    if (!titles.has(file)) titles.set(file, readTestTitles(file));
    const title = quoted.replaceAll('\\|', '|').replace(/^`([^`]*)`$/, '$1');
    return titles.get(file)?.has(title) === true;
  }
  const [, topic] = /^differs: (.+)$/.exec(proof) ?? [];
  return topic === undefined ? /^\*\*(not supported|untested)\*\*: ./.test(proof) : topics.has(topic);
}

describe('docs/conformance.md', () => {
  it('has in every row a proof, or says that there is none', () => {
    expect(rows.length).toBeGreaterThan(200);
    expect(rows.filter(([, proofs = '']) => proofs === '')).toEqual([]);
  });

  it('names only tests, manifests and differences that exist', () => {
    const proofs = rows.flatMap(([, cell = '']) => cell.split('<br>'));
    expect(proofs.filter((proof) => !isThere(proof))).toEqual([]);
  });
});
