/** docs/sources/README.md says of each kind what the table of kinds and its source say. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { repoRoot } from '../../dev/repo-root';
import { fileStem } from '../../src/kinds/file-stem';
import { EVENT_SOURCE_KINDS, SUPPORTED_SOURCES, isSupportedSource, unreadFate } from '../../src/kinds/source-kinds';
import { findSource } from '../../src/sources/registry';

const page = readFileSync(join(repoRoot, 'docs/sources/README.md'), 'utf8');
const [read = '', notRead = ''] = page.split('## Not read yet');

describe('docs/sources/README.md', () => {
  it('lists the kinds that are read, with their guarantee and what a pause does', () => {
    const rows = [
      ...read.matchAll(/^\| \[`(\w+)`\]\((.+?)\)\s*\|\s*(.+?)\s*\|\s*(.+?)\s*\|\s*(.+?)\s*\|\s*(.+?)\s*\|$/gm),
    ];
    expect(rows.map(([, kind, file, guarantee, fate]) => [kind, file, guarantee, fate])).toEqual(
      SUPPORTED_SOURCES.map((kind) => [kind, `${fileStem(kind)}.md`, findSource(kind)?.guarantee, unreadFate(kind)]),
    );
  });

  it('names the kinds that are not read', () => {
    const named = [...notRead.matchAll(/`(\w+)`/g)].map(([, kind]) => kind).filter((kind) => kind !== 'validate');
    expect(named).toEqual(EVENT_SOURCE_KINDS.filter((kind) => !isSupportedSource(kind)));
  });
});
