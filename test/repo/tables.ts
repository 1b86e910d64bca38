import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { repoRoot } from '../../dev/repo-root';

/** The first cells of all tables of a Markdown file in which they are code: `NAME`. */
export function codesInTables(path: string): string[] {
  const text = readFileSync(join(repoRoot, path), 'utf8');
  return [...text.matchAll(/^\| `([^`]+)` +\|/gm)].map(([, code]) => code ?? '');
}

/** Rows of a table by their first cell. */
export function rowsByCode(path: string): ReadonlyMap<string, readonly string[]> {
  const text = readFileSync(join(repoRoot, path), 'utf8');
  const rows = [...text.matchAll(/^\| `([^`]+)` +\|(.*)\|$/gm)];
  return new Map(rows.map(([, code = '', rest = '']) => [code, rest.split('|').map((cell) => cell.trim())]));
}
