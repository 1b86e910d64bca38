/** The code blocks of the documentation. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { repoRoot } from '../../dev/repo-root';
import { repoFiles } from './tracked-files';

export interface DocBlock {
  readonly file: string;
  /** Of the opening fence, counted from 1. */
  readonly line: number;
  readonly language: string;
  readonly text: string;
  /** Why it cannot be run, from a comment `<!-- not run: … -->` above it. */
  readonly notRun?: string;
}

export function docBlocks(): readonly DocBlock[] {
  return repoFiles()
    .filter((file) => /^(README\.md|(docs|deploy)\/.*\.md)$/.test(file) && !file.startsWith('docs/decisions/'))
    .flatMap((file) => blocksOf(file, readFileSync(join(repoRoot, file), 'utf8')));
}

function blocksOf(file: string, page: string): DocBlock[] {
  return [...page.matchAll(/^( *)```([\w-]*)[^\n]*\n([^]*?)^ *```\s*$/gm)].map(
    ({ index, 1: indent = '', 2: language = '', 3: body = '' }) => {
      const before = page.slice(0, index);
      const notRun = /<!-- not run: ((?:(?!-->)[^])*) -->\s*$/.exec(before)?.[1];
      const text = body.replace(new RegExp(`^${indent}`, 'gm'), '');
      return { file, line: before.split('\n').length, language, text, ...(notRun !== undefined && { notRun }) };
    },
  );
}
