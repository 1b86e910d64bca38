import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { repoRoot } from '../../dev/repo-root';

const SKIPPED = ['node_modules/', 'dist/'];

/** Every file that is or will be in the repository, by its path from the root. */
export function repoFiles(): string[] {
  const args = ['ls-files', '--cached', '--others', '--exclude-standard'];
  return execFileSync('git', args, { cwd: repoRoot, encoding: 'utf8', maxBuffer: 1 << 26 })
    .split('\n')
    .filter((path) => path !== '' && !SKIPPED.some((folder) => path.startsWith(folder)))
    .filter((path) => existsSync(join(repoRoot, path)));
}
