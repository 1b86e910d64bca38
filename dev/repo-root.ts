import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

function isRepoRoot(folder: string): boolean {
  const manifest = join(folder, 'package.json');
  if (!existsSync(manifest)) return false;
  const content = JSON.parse(readFileSync(manifest, 'utf8')) as { name?: unknown };
  return content.name === 'sluice';
}

function findRepoRoot(start: string): string {
  for (let folder = start; ; folder = dirname(folder)) {
    if (isRepoRoot(folder)) return folder;
    if (folder === dirname(folder)) throw new Error(`no package.json named "sluice" in ${start} or above`);
  }
}

/** The checkout's folder, found upward so that it is the same for sources and for compiled files in dist/. */
export const repoRoot: string = findRepoRoot(__dirname);
