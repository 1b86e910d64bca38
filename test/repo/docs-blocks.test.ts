/** Whoever pastes a block of the documentation succeeds: each is read by what will read it. */
import type { Command } from 'commander';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough, Readable } from 'node:stream';
import ts from 'typescript';
import { parseAllDocuments } from 'yaml';
import { repoRoot } from '../../dev/repo-root';
import { createProgram } from '../../src/cli/run-cli';
import { createRuntime } from '../../src/cli/runtime';
import { parseExpectation } from '../../src/rehearsal/expectation';
import { createExpressionEngine, createExpressionSyntax } from '../../src/expressions';
import { loadManifestText } from '../../src/validation/load-manifests';
import { formatProblem } from '../../src/manifest/problem';
import { runSluice } from '../cli/run-cli-for-test';
import { listValues, readValuesSchema } from '../deploy/chart-values';
import { docBlocks, type DocBlock } from './doc-blocks';

const blocks = docBlocks();
const of = (language: string) =>
  blocks
    .filter((block) => block.language === language && block.notRun === undefined)
    .map((block) => [placeOf(block), block] as const);

function placeOf({ file, line }: DocBlock): string {
  return `${file}:${line}`;
}

const engine = createExpressionEngine({ timeLimitMs: 10_000 });
const expressions = createExpressionSyntax(engine);
afterAll(() => engine.close());

describe('a block of the documentation', () => {
  it('says in which language it is, and why it is not run where it is not', () => {
    const known = ['yaml', 'json', 'sh', 'ts', 'js', 'diff', 'text', 'mermaid'];
    expect(blocks.filter(({ language }) => !known.includes(language)).map(placeOf)).toEqual([]);
    expect(blocks.flatMap(({ file, notRun }) => (notRun === undefined ? [] : [`${file}: ${notRun}`])).sort()).toEqual([
      'docs/contributing/adding-a-source.md: part of a file of the tree',
      'docs/contributing/adding-a-source.md: part of a file of the tree',
      'docs/contributing/adding-a-trigger.md: part of a file of the tree',
      'docs/contributing/adding-a-trigger.md: part of a file of the tree',
      'docs/multi-tenancy.md: part of a configuration of nats-server',
      'docs/security.md: part of a configuration of nats-server',
      'docs/security.md: part of a configuration of nats-server',
      'docs/sources/custom.md: part of a file of the tree',
      'docs/sources/custom.md: part of a file of the tree',
    ]);
  });

  it.each(of('json'))('is JSON: %s', (_place, { text }) => {
    expect(() => JSON.parse(text) as unknown).not.toThrow();
  });

  it.each(of('yaml'))(
    'is YAML that validate accepts, in the manifest that it is a part of: %s',
    async (_place, { text }) => {
      expect(parseAllDocuments(text).flatMap((document) => document.errors ?? [])).toEqual([]);
      const problems = await Promise.all(embed(text).map((manifest) => problemsOf(manifest)));
      // A part that fits several kinds need fit one of them.
      expect(problems.length === 0 || problems.some((each) => each.length === 0) ? [] : problems).toEqual([]);
    },
  );

  it.each(of('sh'))('is a script whose commands exist and take these arguments: %s', async (_place, { text }) => {
    for (const [program = '', ...argv] of commandsOf(text)) await checkCommand(program, argv);
  });

  it('shows manifests in its scripts that validate accepts', async () => {
    const written = of('sh').flatMap(([, { text }]) => [...text.matchAll(/<<'YAML'\n([^]*?)\nYAML$/gm)]);
    expect(written.length).toBeGreaterThan(0);
    for (const [, manifest = ''] of written) expect(await problemsOf(manifest)).toEqual([]);
  });

  it('runs those commands that need no server and name files that are here', async () => {
    const offline = of('sh')
      .flatMap(([, { text }]) => commandsOf(text))
      .filter(([program, , name = '']) => program === 'npx' && ['validate', 'test'].includes(name))
      .map(([, , ...argv]) => argv)
      .filter((argv) =>
        argv.every((argument, at) => !/^(-f|--event|--expect)$/.test(argv[at - 1] ?? '') || existsSync(argument)),
      );
    expect(offline.length).toBeGreaterThan(0);
    for (const argv of offline) expect([argv, (await runSluice(argv)).exitCode]).toEqual([argv, 0]);
  });

  it('is TypeScript or JavaScript that compiles as it stands', () => {
    expect(diagnose([...of('ts'), ...of('js')].map(([, block]) => block))).toEqual([]);
  }, 120_000);
});

async function problemsOf(manifest: string): Promise<string[]> {
  const { problems } = await loadManifestText(manifest, 'block.yaml', { expressions });
  return problems.filter(({ severity }) => severity === 'error').map(formatProblem);
}

/** The manifests that a part may belong to, by its first key; none for what is no part of a manifest. */
function embed(text: string): string[] {
  const indented = (spaces: number) => text.replace(/^(?=.)/gm, ' '.repeat(spaces));
  const sensor = (dependencies: string, triggers: string) =>
    `apiVersion: argoproj.io/v1alpha1\nkind: Sensor\nmetadata: { name: part }\nspec:\n${dependencies}${triggers}`;
  const scene = '  dependencies: [{ name: scene, eventSourceName: stac, eventName: items }]\n';
  const log = '  triggers: [{ template: { name: log, log: {} } }]\n';
  switch (/^(\w+):/m.exec(text)?.[1]) {
    case 'apiVersion':
      return [text];
    case 'triggers':
      return [sensor(scene, indented(2))];
    case 'dependencies':
      return [sensor(indented(2), log)];
    case 'policy':
      return [
        sensor(
          scene,
          `  triggers:\n    - template: { name: t, k8s: { source: { url: { path: 'http://a' } } } }\n${indented(6)}`,
        ),
      ];
    case 'resource':
      return [
        sensor(
          scene,
          `  triggers:\n    - template:\n        name: t\n        k8s:\n          operation: patch\n          source:\n${indented(12)}`,
        ),
      ];
    case 'metadata':
      return [
        ['EventBus', 'jetstream: { version: latest }'],
        ['EventSource', 'redis: { a: { hostAddress: "a:1", channels: [c] } }'],
        ['Sensor', `dependencies: [{ name: scene, eventSourceName: s, eventName: e }]\n${log}`],
      ].map(
        ([kind = '', spec = '']) =>
          `apiVersion: argoproj.io/v1alpha1\nkind: ${kind}\n${text.replace('metadata:', 'metadata:\n  name: part')}\nspec:\n  ${spec}`,
      );
    case 'fires':
      parseExpectation(text, 'expected.yaml');
      return [];
    default:
      return [];
  }
}

const STUBS = ['npx', 'npm', 'node', 'kubectl', 'helm', 'temporal', 'docker', 'redis-cli', 'openssl', 'curl'];

/** What bash would run: programs of the block are replaced by ones that write down their arguments. */
function commandsOf(script: string): string[][] {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-docs-'));
  try {
    const bin = join(folder, 'bin');
    mkdirSync(bin);
    const log = join(folder, 'log');
    writeFileSync(log, '');
    // One write for each command, without the end of a line: those of a pipe run at the same time.
    const write = `#!/bin/bash\nprintf '%s\\0' "\${0##*/}" "$@" $'\\001' >> ${log}\n`;
    for (const name of STUBS) writeFileSync(join(bin, name), write, { mode: 0o755 });
    // Files that the reader has.
    for (const [, file = ''] of script.matchAll(/< ([\w.-]+)/g)) writeFileSync(join(folder, file), '');
    // Variables that the pages tell the reader to set, or whose value a command prints.
    const env = {
      PATH: `${bin}:/usr/bin:/bin`,
      SLUICE_REDIS_URL: 'redis://localhost:6379',
      TOKEN: 'token',
      HOME: folder,
    };
    const { status, stderr } = spawnSync('bash', ['--norc', '--noprofile', '-euc', script], {
      cwd: folder,
      env,
      encoding: 'utf8',
    });
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    const records = readFileSync(log, 'utf8').split('\u0001\0');
    return records.filter((record) => record !== '').map((record) => record.split('\0').slice(0, -1));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

async function checkCommand(program: string, argv: readonly string[]): Promise<void> {
  if (program === 'npx') {
    expect(argv[0]).toBe('sluice');
    await parseSluice(argv.slice(1));
  } else if (program === 'npm' && argv[0] === 'run') {
    expect(Object.keys(scripts())).toContain(argv[1]);
  } else if (program === 'kubectl' && argv.includes('-k')) {
    const folder = argv[argv.indexOf('-k') + 1] ?? '';
    expect([folder, existsSync(join(repoRoot, folder, 'kustomization.yaml'))]).toEqual([folder, true]);
  } else if (program === 'helm') {
    const known = listValues(readValuesSchema()).map(({ path }) => path.join('.'));
    argv.forEach((argument, at) => {
      if (argument === '--set') expect(known).toContain(argv[at + 1]?.split('=')[0]);
      if (argument.startsWith('deploy/')) expect(existsSync(join(repoRoot, argument, 'Chart.yaml'))).toBe(true);
    });
  } else if (program === 'temporal') {
    expect(['workflow', 'worker']).toContain(argv[0]);
    argv.forEach((argument, at) => {
      if (argument === '--input') expect(() => JSON.parse(argv[at + 1] ?? '') as unknown).not.toThrow();
    });
  }
}

function scripts(): Record<string, string> {
  const text = readFileSync(join(repoRoot, 'package.json'), 'utf8');
  return (JSON.parse(text) as { scripts: Record<string, string> }).scripts;
}

/** By the command itself, whose actions are replaced. Throws its complaint. */
async function parseSluice(argv: readonly string[]): Promise<void> {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  const io = { stdin: Readable.from([]), stdout, stderr, env: {}, signal: new AbortController().signal };
  const program = await createProgram(io, createRuntime(io), argv);
  let parsed = 0;
  const disarm = (command: Command): void => {
    // `replay` both runs and has a command below it.
    if (command.commands.length === 0 || command.name() === 'replay') command.action(() => void (parsed += 1));
    command.commands.forEach(disarm);
  };
  disarm(program);
  try {
    program.parse(argv, { from: 'user' });
  } catch (cause) {
    throw new Error(`sluice ${argv.join(' ')}: ${String(stderr.read())}`, { cause });
  }
  expect([argv.join(' '), parsed]).toEqual([argv.join(' '), 1]);
}

/** Blocks that use modules of JavaScript say so by `import.meta`. */
function extensionOf({ language, text }: DocBlock): string {
  if (language === 'js') return 'cjs';
  return text.includes('import.meta') ? 'mts' : 'ts';
}

function diagnose(sources: readonly DocBlock[]): string[] {
  const options: ts.CompilerOptions = {
    ...{ strict: true, noEmit: true, skipLibCheck: true, esModuleInterop: true, types: ['node'], allowJs: true },
    ...{
      module: ts.ModuleKind.Node16,
      moduleResolution: ts.ModuleResolutionKind.Node16,
      target: ts.ScriptTarget.ES2022,
    },
  };
  // Beside package.json, so that `sluice` is this package and what is pasted is CommonJS, as it is.
  const files = new Map(
    sources.map((block) => [
      join(repoRoot, `block-${block.file.replace(/\W/g, '-')}-${block.line}.${extensionOf(block)}`),
      block,
    ]),
  );
  const host = ts.createCompilerHost(options);
  const [fileExists, readFile] = [host.fileExists.bind(host), host.readFile.bind(host)];
  const getSourceFile = host.getSourceFile.bind(host);
  host.fileExists = (name) => files.has(name) || fileExists(name);
  host.readFile = (name) => files.get(name)?.text ?? readFile(name);
  host.getSourceFile = (name, language, ...rest) => {
    const text = files.get(name)?.text;
    return text === undefined ? getSourceFile(name, language, ...rest) : ts.createSourceFile(name, text, language);
  };
  const program = ts.createProgram([...files.keys()], options, host);
  return [...files].flatMap(([name, block]) => {
    const source = program.getSourceFile(name);
    const found = [...program.getSyntacticDiagnostics(source), ...program.getSemanticDiagnostics(source)];
    return found.map(({ messageText }) => `${placeOf(block)} ${ts.flattenDiagnosticMessageText(messageText, '\n')}`);
  });
}
