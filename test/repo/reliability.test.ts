import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { repoRoot } from '../../dev/repo-root';
import { readTestTitles } from './test-titles';

describe('docs/reliability.md', () => {
  const text = readFileSync(join(repoRoot, 'docs', 'reliability.md'), 'utf8');
  const proofs = [...text.matchAll(/`(test\/[^`]+\.ts)`(?:: ([^|]+?))? *\|$/gm)];

  it('has a proof for each hop', () => {
    const [, hops = ''] = /## Hop by hop([\s\S]*?)\n## /.exec(text) ?? [];
    const rows = hops.split('\n').filter((line) => line.startsWith('| ')).length - 2;
    expect(proofs).toHaveLength(rows);
  });

  it.each(proofs.map(([, file = '', title = '']) => [title, file]))('names a test that exists: %s', (title, file) => {
    const titles = readTestTitles(file);
    expect(titles.size).toBeGreaterThan(0);
    if (title !== '') expect([...titles]).toContain(title);
  });
});
