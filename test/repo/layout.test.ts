import { existsSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { tools } from '../../dev/binaries/catalogue';
import { repoRoot } from '../../dev/repo-root';
import { fileStem } from '../../src/kinds/file-stem';
import { SUPPORTED_SOURCES } from '../../src/kinds/source-kinds';
import { SUPPORTED_TRIGGERS } from '../../src/kinds/trigger-kinds';
import { findSource } from '../../src/sources/registry';
import { findTrigger } from '../../src/triggers/registry';
import { repoFiles } from './tracked-files';

const files = repoFiles();

describe.each([
  { family: 'sources', kinds: SUPPORTED_SOURCES, load: (kind: string) => findSource(kind)?.kind },
  { family: 'triggers', kinds: SUPPORTED_TRIGGERS, load: (kind: string) => findTrigger(kind)?.kind },
])('the table of $family', ({ family, kinds, load }) => {
  it.each(kinds)('names %s, which has an implementation, a test and a page', (kind) => {
    const stem = fileStem(kind);
    expect(load(kind)).toBe(kind);
    expect(files).toEqual(expect.arrayContaining([`src/${family}/${stem}.ts`, `docs/${family}/${stem}.md`]));
    const tests = [`test/${family}/${stem}.test.ts`, `test/${family}/${stem}.integration.test.ts`];
    expect(files.some((path) => tests.includes(path))).toBe(true);
  });

  it.each(kinds)('names %s, whose test runs the contract suite', (kind) => {
    const stem = fileStem(kind);
    const tests = [`test/${family}/${stem}.test.ts`, `test/${family}/${stem}.integration.test.ts`];
    const texts = tests
      .filter((path) => files.includes(path))
      .map((path) => readFileSync(join(repoRoot, path), 'utf8'));
    // Triggers that create objects have a suite of their own, which runs the contract suite, too.
    const call = family === 'sources' ? /^describeSourceContract\b/m : /^describe(Trigger|Object)Contract\b/m;
    expect(texts.filter((text) => call.test(text))).not.toEqual([]);
  });

  it('names every kind that has a page, so that the folder of pages is the list of what runs', () => {
    const about = ['resource-sources', 'README'];
    const pages = files.flatMap((path) => new RegExp(`^docs/${family}/(.+)\\.md$`).exec(path)?.[1] ?? []);
    expect(pages.filter((page) => !about.includes(page)).sort()).toEqual(kinds.map(fileStem).sort());
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

  it('the CI workflow runs what `.ci/run` runs, on every Node that is supported', () => {
    const workflow = readFileSync(join(repoRoot, '.github/workflows/ci.yml'), 'utf8');
    expect(workflow).toMatch(/^ {6}- run: \.ci\/run$/m);
    const supported = readFileSync(join(repoRoot, 'docs/decisions/141-supported-nodes.md'), 'utf8');
    const [, versions = ''] = /^ {8}node: \[(.*)\]$/m.exec(workflow) ?? [];
    expect(supported).toContain(`runs \`.ci/run\` on ${versions.replace(/, (\d+)$/, ' and $1')}`);
    expect(versions.split(', ')).toContain(readFileSync(join(repoRoot, '.nvmrc'), 'utf8').trim());
  });

  it('no test waits for the build of a server: every program in tools/ is in the catalogue', () => {
    const programs = files.flatMap((path) => /^tools\/([^/]+)\/go\.mod$/.exec(path)?.[1] ?? []);
    expect(Object.values(tools).map(({ executable }) => executable)).toEqual(expect.arrayContaining(programs));
  });
});

describe('docs/decisions', () => {
  it('gives each decision a number of its own', () => {
    const numbers = files.flatMap((path) => /^docs\/decisions\/(\d+)-/.exec(path)?.[1] ?? []);
    expect(numbers).toEqual([...new Set(numbers)]);
  });
});

describe('docs/contributing', () => {
  const pages = files.filter((path) => path.startsWith('docs/contributing/'));

  it.each(pages)('%s names only files that are there', (page) => {
    const text = readFileSync(join(repoRoot, page), 'utf8');
    const named = text.match(/(?<![\w/.-])(?:src|test|dev|docs|workflows|activities|workers)\/[\w./-]*\w/g) ?? [];
    const missing = named.filter((path) => !existsSync(join(repoRoot, path)));
    expect(missing).toEqual([]);
  });
});

describe('exported names', () => {
  it('mean one thing each', () => {
    const product = files.filter((path) => /^(src|workflows|activities|workers)\/.*\.ts$/.test(path));
    const declared = /^export (?:abstract )?(?:async )?(?:function\*?|class|interface|type|const) (\w+)/gm;
    const places = new Map<string, Set<string>>();
    for (const path of product) {
      for (const [, name = ''] of readFileSync(join(repoRoot, path), 'utf8').matchAll(declared)) {
        places.set(name, (places.get(name) ?? new Set()).add(path));
      }
    }
    expect([...places].filter(([, paths]) => paths.size > 1).map(([name, paths]) => [name, ...paths])).toEqual([]);
  });
});

describe('file names', () => {
  it('say what a file does', () => {
    const vague = /\b(utils?|helpers?|manager|handler|processor|common-stuff|misc)\b/;
    expect(files.filter((path) => /\.(ts|go|mjs)$/.test(path) && vague.test(basename(path)))).toEqual([]);
  });

  it('mean one thing each', () => {
    // Named after a thing that others are named after too: its schema, its command, its process, its kind.
    const namesake = /^(src\/manifest|src\/cli\/commands|workers|src\/triggers\/resource-sources)\//;
    const everywhere = /\/(index|main|registry)\.ts$/;
    // Some services both send events and are triggered.
    const ofKinds = SUPPORTED_SOURCES.map((kind) => `src/sources/${fileStem(kind)}.ts`);
    const named = files
      .filter((path) => /^(src|workflows|activities|workers)\/.*\.ts$/.test(path))
      .filter((path) => !namesake.test(path) && !everywhere.test(path) && !ofKinds.includes(path));
    const first = new Map(named.map((path) => [basename(path), path]));
    expect(named.filter((path) => first.get(basename(path)) !== path)).toEqual([]);
  });

  it('are written in kebab-case', () => {
    const typescript = files.filter((path) => /^(src|workflows|activities|workers|dev|bench|test)\/.*\.ts$/.test(path));
    expect(typescript.filter((path) => !/^[a-z0-9]+(-[a-z0-9]+)*(\.[a-z]+)*\.ts$/.test(basename(path)))).toEqual([]);
  });
});
