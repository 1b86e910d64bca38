import { readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { tools } from '../../dev/binaries/catalogue';
import { repoRoot } from '../../dev/repo-root';
import { RUN_SOURCE_KINDS } from '../../src/sources/source-events';
import { sources } from '../../src/sources/registry';
import { isSupportedKind } from '../../src/triggers/registry';
import { repoFiles } from './tracked-files';

const files = repoFiles();

describe('event source kinds', () => {
  it('are the same for workflows, which import no client, and for the registry', () => {
    expect([...RUN_SOURCE_KINDS].sort()).toEqual(Object.keys(sources).sort());
  });

  it.each(Object.keys(sources))('%s has a file, a test and a page', (kind) => {
    const stem = kebabCase(kind);
    expect(files).toEqual(
      expect.arrayContaining([`src/sources/${stem}.ts`, `test/sources/${stem}.test.ts`, `docs/sources/${stem}.md`]),
    );
  });
});

describe('trigger kinds', () => {
  const kinds = [
    ...readFileSync(join(repoRoot, 'src/triggers/registry.ts'), 'utf8').matchAll(/^ {2}(\w+): \w+Trigger,$/gm),
  ]
    .map(([, kind]) => kind ?? '')
    .filter((kind) => isSupportedKind(kind));

  it('are all found', () => expect(kinds.length).toBeGreaterThanOrEqual(9));

  it.each(kinds)('%s has a file, a test and a page', (kind) => {
    const stem = kebabCase(kind);
    expect(files).toEqual(expect.arrayContaining([`src/triggers/${stem}.ts`, `docs/triggers/${stem}.md`]));
    const tests = [`test/triggers/${stem}.test.ts`, `test/triggers/${stem}.integration.test.ts`];
    expect(files.some((path) => tests.includes(path))).toBe(true);
  });
});

describe('the loop', () => {
  it('`npm run check` is what CI runs besides the tests', () => {
    const { scripts } = JSON.parse(readFileSync(join(repoRoot, 'package.json'), 'utf8')) as {
      scripts: Readonly<Record<string, string>>;
    };
    const named = (text: string, pattern: RegExp): string[] => [...text.matchAll(pattern)].map(([, name = '']) => name);
    const inCi = named(readFileSync(join(repoRoot, '.ci/run'), 'utf8'), /^ {2}step .* npm run --silent (\S+)$/gm);
    expect(named(scripts['check'] ?? '', /npm run (\S+)/g)).toEqual(inCi);
  });

  it('no test waits for the build of a server: every program in tools/ is in the catalogue', () => {
    const programs = files.flatMap((path) => /^tools\/([^/]+)\/go\.mod$/.exec(path)?.[1] ?? []);
    expect(Object.values(tools).map(({ executable }) => executable)).toEqual(expect.arrayContaining(programs));
  });
});

describe('file names', () => {
  it('say what a file does', () => {
    const vague = /\b(utils?|helpers?|manager|handler|processor|common-stuff|misc)\b/;
    expect(files.filter((path) => /\.(ts|go|mjs)$/.test(path) && vague.test(basename(path)))).toEqual([]);
  });

  it('are written in kebab-case', () => {
    const typescript = files.filter((path) => /^(src|workflows|activities|workers|dev|bench|test)\/.*\.ts$/.test(path));
    expect(typescript.filter((path) => !/^[a-z0-9]+(-[a-z0-9]+)*(\.[a-z]+)*\.ts$/.test(basename(path)))).toEqual([]);
  });
});

function kebabCase(kind: string): string {
  return kind.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}
