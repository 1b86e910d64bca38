import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DevServerError } from '../dev-server-error';
import { repoRoot } from '../repo-root';

export interface GoToolModule {
  folder: string;
  packagePath: string;
  /** Version of the module that holds the package, without the leading "v"; of our own programs a hash of the sources. */
  version: string;
}

/** Describes a program built from our sources in tools/<name>. A change of any source is a new version. */
export function readOwnGoModule(name: string): GoToolModule {
  const folder = join(repoRoot, 'tools', name);
  const hash = createHash('sha256');
  for (const file of readdirSync(folder).sort()) hash.update(`\0${file}\0`).update(readFileSync(join(folder, file)));
  return { folder, packagePath: '.', version: hash.digest('hex').slice(0, 16) };
}

/**
 * Reads which program tools/<name>/go.mod builds. Each program has its own module, so that it is built with exactly the
 * dependencies of its release, and the version is specified in one place.
 */
export function readGoToolModule(name: string): GoToolModule {
  const folder = join(repoRoot, 'tools', name);
  const text = readFileSync(join(folder, 'go.mod'), 'utf8');
  const packagePath = /^tool (\S+)$/m.exec(text)?.[1];
  if (packagePath === undefined) throw new DevServerError(`tools/${name}/go.mod has no "tool" line`);

  const requirements = [...text.matchAll(/^\s*(?:require )?(\S+) v(\S+)/gm)];
  const holders = requirements.filter(([, path = '']) => packagePath === path || packagePath.startsWith(`${path}/`));
  const longest = holders.sort(([, a = ''], [, b = '']) => b.length - a.length)[0];
  if (longest?.[2] === undefined) throw new DevServerError(`tools/${name}/go.mod does not require ${packagePath}`);
  return { folder, packagePath, version: longest[2] };
}
