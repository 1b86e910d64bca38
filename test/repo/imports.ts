import { existsSync, readFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import ts from 'typescript';
import { repoRoot } from '../../dev/repo-root';
import { repoFiles } from './tracked-files';

export interface Import {
  readonly from: string;
  readonly to: string;
}

/** TypeScript of the product: what a worker or a command runs. */
export function productFiles(): string[] {
  return repoFiles().filter((path) => /^(src|workflows|activities|workers)\/.*(?<!\.d)\.ts$/.test(path));
}

/** Every import of one product file by another, types and dynamic imports included. */
export function productImports(): Import[] {
  return productFiles().flatMap((from) => {
    const { importedFiles } = ts.preProcessFile(readFileSync(join(repoRoot, from), 'utf8'), true, true);
    return importedFiles.flatMap(({ fileName }) => {
      const to = fileName.startsWith('.') ? fileOf(posix.join(posix.dirname(from), fileName)) : undefined;
      return to === undefined ? [] : [{ from, to }];
    });
  });
}

function fileOf(module: string): string | undefined {
  const name = module.replace(/\.js$/, '');
  return [`${name}.ts`, `${name}/index.ts`].find((path) => existsSync(join(repoRoot, path)));
}
