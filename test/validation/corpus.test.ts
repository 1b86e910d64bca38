/**
 * Every manifest of the corpus gets exactly the problems that its leading comments announce:
 * `# expect: <severity> <field path>`, one line for each. Files in valid/ announce no errors. That Sluice does not run a
 * kind is not announced: the tables of kinds say so.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { repoRoot } from '../../dev/repo-root';
import { createExpressionEngine } from '../../src/expressions';
import { createExpressionSyntax } from '../../src/expressions/expression-syntax';
import { EVENT_BUS_KINDS } from '../../src/manifest/event-bus';
import { loadManifests, type LoadedManifests } from '../../src/validation/load-manifests';
import { RESOURCE_SOURCE_KINDS } from '../../src/manifest/triggers/resource-source';
import { EVENT_SOURCE_KINDS, isSupportedSource } from '../../src/kinds/source-kinds';
import { isSupportedTrigger, TRIGGER_KINDS } from '../../src/kinds/trigger-kinds';

const corpus = join(repoRoot, 'test/manifest/corpus');

const engine = createExpressionEngine({ timeLimitMs: 10_000 });
afterAll(() => engine.close());

/** The syntax as the libraries see it that will run the expressions. */
const expressions = createExpressionSyntax(engine);

function filesIn(folder: 'valid' | 'invalid'): string[] {
  return readdirSync(join(corpus, folder)).sort();
}

function expectationsOf(folder: string, file: string): string[] {
  const text = readFileSync(join(corpus, folder, file), 'utf8');
  return [...text.matchAll(/^# expect: (.*)$/gm)].map((match) => (match[1] ?? '').trim()).sort();
}

function load(folder: string, file: string): Promise<LoadedManifests> {
  return loadManifests([join(corpus, folder, file)], { expressions });
}

function describeProblems({ problems }: LoadedManifests): string[] {
  const announced = problems.filter((problem) => notRun(problem) === undefined);
  return announced.map(({ severity, path }) => `${severity} ${path}`.trim()).sort();
}

/** The kind that a notice says Sluice does not run. */
function notRun({ path, message }: LoadedManifests['problems'][number]): string | undefined {
  if (message.startsWith('not run by Sluice yet')) return `source ${path.split('.').at(-1)}`;
  return message.endsWith(' triggers yet') ? `trigger ${path.split('.').at(-1)}` : undefined;
}

describe('a manifest that Argo Events accepts', () => {
  it.each(filesIn('valid'))('is accepted, with no more than the announced notices: %s', async (file) => {
    const expectations = expectationsOf('valid', file);
    expect(expectations.filter((line) => line.startsWith('error'))).toEqual([]);
    expect(describeProblems(await load('valid', file))).toEqual(expectations);
  });
});

describe('a manifest with mistakes', () => {
  it.each(filesIn('invalid'))('is rejected at the announced fields: %s', async (file) => {
    const expectations = expectationsOf('invalid', file);
    expect(expectations.some((line) => line.startsWith('error'))).toBe(true);
    const loaded = await load('invalid', file);
    expect(describeProblems(loaded)).toEqual(expectations);
    for (const problem of loaded.problems) {
      expect(problem).toMatchObject({ file: join(corpus, 'invalid', file), line: expect.any(Number) as number });
    }
  });
});

describe('the corpus', () => {
  it('matches the unsupported kinds of the tables of kinds', async () => {
    const { problems } = await loadManifests([join(corpus, 'valid')]);
    const notices = new Set(problems.map(notRun).filter((notice) => notice !== undefined));
    const expected = [
      ...EVENT_SOURCE_KINDS.filter((kind) => !isSupportedSource(kind)).map((kind) => `source ${kind}`),
      ...TRIGGER_KINDS.filter((kind) => !isSupportedTrigger(kind)).map((kind) => `trigger ${kind}`),
    ];
    expect([...notices].sort()).toEqual(expected.sort());
  });

  it('shows every kind of bus, source, trigger and resource source at least once', async () => {
    const { documents } = await loadManifests([join(corpus, 'valid')]);
    const seen = new Set<string>();
    for (const document of documents) {
      if (document.kind === 'EventBus') Object.keys(document.object.spec).forEach((kind) => seen.add(`bus ${kind}`));
      if (document.kind === 'EventSource')
        Object.keys(document.object.spec).forEach((kind) => seen.add(`source ${kind}`));
      if (document.kind !== 'Sensor') continue;
      for (const { template } of document.object.spec.triggers) {
        Object.keys(template).forEach((kind) => seen.add(`trigger ${kind}`));
        Object.keys(template.k8s?.source ?? {}).forEach((kind) => seen.add(`resource source ${kind}`));
      }
    }
    const wanted = [
      ...EVENT_BUS_KINDS.map((kind) => `bus ${kind}`),
      ...EVENT_SOURCE_KINDS.map((kind) => `source ${kind}`),
      ...TRIGGER_KINDS.map((kind) => `trigger ${kind}`),
      ...RESOURCE_SOURCE_KINDS.map((kind) => `resource source ${kind}`),
    ];
    expect(wanted.filter((item) => !seen.has(item))).toEqual([]);
  });
});
