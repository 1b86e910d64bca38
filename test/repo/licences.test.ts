import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { repoRoot } from '../../dev/repo-root';

/** SPDX identifiers whose terms ask for notices at most. Copyleft is a decision for a person. */
const ALLOWED = new Set([
  ...['0BSD', 'Apache-2.0', 'BSD-2-Clause', 'BSD-3-Clause', 'BlueOak-1.0.0', 'CC-BY-4.0', 'ISC', 'MIT', 'MIT-0'],
  ...['Python-2.0', 'Unlicense', 'Apache-2.0 AND MIT'],
]);
/** Their registry entry has no licence for some platforms; all are built from one repository. */
const SAME_AS = new Map([[/^@swc\/core-/, '@swc/core']]);
/** Read in the file LICENSE: package.json has no field for it. */
const READ_ELSEWHERE: Readonly<Record<string, string>> = { unionfs: 'Unlicense' };

interface LockedPackage {
  readonly license?: string;
  readonly dev?: boolean;
}

describe('the npm packages that ship', () => {
  const text = readFileSync(join(repoRoot, 'package-lock.json'), 'utf8');
  const { packages } = JSON.parse(text) as { packages: Readonly<Record<string, LockedPackage>> };
  const shipped = Object.entries(packages).filter(([path, { dev }]) => path !== '' && dev !== true);
  const licenceOf = (path: string): string | undefined => {
    const name = path.replace(/^.*node_modules\//, '');
    const [, parent] = [...SAME_AS].find(([pattern]) => pattern.test(name)) ?? [];
    return (
      packages[path]?.license ??
      READ_ELSEWHERE[name] ??
      (parent === undefined ? undefined : packages[`node_modules/${parent}`]?.license)
    );
  };

  it('all have a licence that is allowed', () => {
    expect(shipped.length).toBeGreaterThan(100);
    const refused = shipped.map(([path]) => [path, licenceOf(path)]).filter(([, one]) => !ALLOWED.has(one ?? ''));
    expect(refused).toEqual([]);
  });
});
