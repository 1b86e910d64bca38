import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { repoRoot } from '../../dev/repo-root';

describe('docs/security.md', () => {
  const page = readFileSync(join(repoRoot, 'docs', 'security.md'), 'utf8');
  const rows =
    page
      .split('## Promises and their tests')[1]
      ?.split('\n## ')[0]
      ?.match(/^\|(?! -| promise).*\|$/gm) ?? [];

  it('names for each promise at least one test, and each exists', () => {
    expect(rows.length).toBeGreaterThan(10);
    for (const row of rows) {
      const files = [...row.matchAll(/`(test\/[^`]+\.test\.ts)`/g)].map(([, file]) => file ?? '');
      expect([row, files.length > 0]).toEqual([row, true]);
      expect(files.filter((file) => !existsSync(join(repoRoot, file)))).toEqual([]);
    }
  });
});
