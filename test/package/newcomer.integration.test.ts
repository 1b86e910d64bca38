/**
 * What README.md and docs/own-worker.md say, word by word, with the packed package in an empty folder. SLUICE_TEST_NODES=20,22,24 does
 * it with each of these versions of Node (`npm run test:nodes`); default: the one that runs the tests.
 */
import type { ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import { repoRoot } from '../../dev/repo-root';
import { startNats, startTemporal, type RunningNats } from '../../dev/servers';
import { docBlocks } from '../repo/doc-blocks';
import { eventually } from '../setup/eventually';
import { freePort } from '../sources/free-port';
import { endWorker, installPacked, type InstalledPackage } from './packed-package';

const page = docBlocks().filter(({ file }) => file === 'docs/own-worker.md');

function block(language: string, part: string): string {
  const found = page.filter((each) => each.language === language && each.text.includes(part));
  if (found.length !== 1 || found[0] === undefined) throw new Error(`${found.length} blocks hold ${part}`);
  return found[0].text;
}

/** Plain JavaScript, to be pasted into an ES module. */
function readmeBlock(): string {
  const found = docBlocks().find(({ file, text }) => file === 'README.md' && text.includes('new SensorPlugin()'));
  if (found === undefined) throw new Error('README.md shows no worker');
  return found.text;
}

const nodes = process.env['SLUICE_TEST_NODES']?.split(',') ?? ['this'];

describe('the packed package, for a newcomer', () => {
  const suffix = randomBytes(4).toString('hex');
  const queue = `my-queue-${suffix}`;
  let app: InstalledPackage;
  let nats: RunningNats;
  let environment: Readonly<Record<string, string>>;
  let stopTemporal: () => Promise<void>;
  let port: number;
  let worker: ChildProcess | undefined;

  const adapted = (text: string): string =>
    text.replaceAll('my-queue', queue).replaceAll("'12000'", `'${port}'`).replaceAll(':12000', `:${port}`);

  beforeAll(async () => {
    const [installed, temporal, bus] = await Promise.all([installPacked(), startTemporal(), startNats({ own: true })]);
    app = installed;
    nats = bus;
    stopTemporal = () => temporal.stop();
    port = await freePort();
    environment = {
      TEMPORAL_ADDRESS: temporal.address,
      SLUICE_BUS_URL: bus.url,
      SLUICE_NAMESPACE: `newcomer-${suffix}`,
    };
    await app.write('worker.mjs', adapted(block('ts', 'import.meta')));
    await app.write('worker.cjs', adapted(block('js', 'require(')));
    await app.write('readme.mjs', adapted(readmeBlock()).replace('localhost:7233', temporal.address));
    await app.write('my-workflows.ts', block('ts', 'greet'));
    await app.write('hello.yaml', adapted(block('yaml', 'kind: Sensor')));
    await app.write('deploy.ts', adapted(block('ts', 'ControlPlane.connect')));
    await app.write('pause.ts', block('ts', 'sluice/messages'));
  }, 600_000);
  afterAll(async () => {
    await endWorker(worker);
    await Promise.all([nats?.stop(), stopTemporal?.(), app?.remove()]);
  });

  it('is installed without a warning about the version of Node or about peers', () => {
    expect(app.npmOutput).not.toMatch(/EBADENGINE|ERESOLVE|peer/i);
  });

  it.each(['node16', 'nodenext', 'bundler'])(
    'has types that compile for ESM and CommonJS with %s resolution',
    async (resolution) => {
      const isBundler = resolution === 'bundler';
      const names = ['deploy', 'pause', 'all'];
      await app.write('all.ts', ALL_ENTRIES);
      const files = await Promise.all(
        names.flatMap((name) =>
          (isBundler ? ['ts'] : ['mts', 'cts']).map((extension) =>
            app.write(`${name}.${extension}`, readFileSync(join(app.folder, `${name}.ts`), 'utf8')),
          ),
        ),
      );
      expect(diagnose(app.folder, files, resolution)).toEqual([]);
    },
    120_000,
  );

  it('has source maps that hold the sources', () => {
    const map = JSON.parse(readFileSync(join(app.folder, 'node_modules/sluice/dist/src/index.js.map'), 'utf8')) as {
      readonly sourcesContent?: readonly string[];
    };
    expect(map.sourcesContent?.[0]).toContain('Public names of Sluice');
  });

  describe.each(nodes)('with Node %s', (version) => {
    let node = process.execPath;
    beforeAll(async () => {
      if (version !== 'this') node = await app.installNode(version);
    }, 300_000);

    const sluice = (argv: readonly string[]): Promise<string> => app.npx(['sluice', ...argv], environment, node);
    const runs = async (): Promise<readonly string[]> => {
      const found = JSON.parse(await sluice(['runs', 'list', '--sensor', 'hello', '-o', 'json'])) as {
        readonly runs: ReadonlyArray<{ readonly state: string }>;
      };
      return found.runs.map(({ state }) => state);
    };
    const apply = (): Promise<string> =>
      sluice([
        ...['apply', '-f', 'hello.yaml', '--wait', '60s'],
        ...['--event-source-task-queue', queue, '--sensor-task-queue', queue],
      ]);

    it('prints its help, and validates manifests', async () => {
      expect(await sluice(['--help'])).toContain('Usage: sluice');
      expect(await sluice(['validate', '-f', 'hello.yaml'])).toContain('✓');
    });

    it.each(['readme.mjs', 'worker.mjs', 'worker.cjs'])(
      'carries an event through %s',
      async (file) => {
        worker = await app.startWorker(file, environment, node);
        expect(await apply()).toMatch(/Sensor\/hello .*Ready/);
        const before = (await runs()).length;
        await eventually(async () => {
          const response = await fetch(`http://localhost:${port}/hello`, {
            method: 'POST',
            body: JSON.stringify({ who: file, at: Date.now() }),
            headers: { 'content-type': 'application/json' },
          });
          return response.ok;
        });
        await eventually(async () => {
          const states = await runs();
          return states.length > before && states.every((state) => state === 'Succeeded');
        });
        if (file === 'worker.cjs') {
          const source = readFileSync(join(app.folder, 'deploy.ts'), 'utf8');
          await app.write('deploy.mjs', source.replace(': Promise<void>', ''));
          expect(await app.run('deploy.mjs', environment, node)).toMatch(
            /Sensor hello unchanged Ready\n[^]*greetings Ready/,
          );
        }
        await endWorker(worker);
      },
      240_000,
    );
  });
});

/** Every entry, by every way of import. */
const ALL_ENTRIES = `
import * as sluice from 'sluice';
import * as control from 'sluice/control';
import * as messages from 'sluice/messages';
import * as workflows from 'sluice/workflows';
export const names: string[] = [sluice.SENSOR_PLUGIN_NAME, control.ControlPlane.name, messages.pauseSignal.name, workflows.sensor.name];
export const plugin: sluice.SensorPlugin = new sluice.SensorPlugin();
`;

const MODULES: Readonly<Record<string, Pick<ts.CompilerOptions, 'module' | 'moduleResolution'>>> = {
  node16: { module: ts.ModuleKind.Node16, moduleResolution: ts.ModuleResolutionKind.Node16 },
  nodenext: { module: ts.ModuleKind.NodeNext, moduleResolution: ts.ModuleResolutionKind.NodeNext },
  bundler: { module: ts.ModuleKind.ESNext, moduleResolution: ts.ModuleResolutionKind.Bundler },
};

/** Declarations of other packages have faults of their own; ours are checked. */
function diagnose(folder: string, files: readonly string[], resolution: string): string[] {
  const program = ts.createProgram(files, {
    ...MODULES[resolution],
    ...{ strict: true, noEmit: true, target: ts.ScriptTarget.ES2022, lib: ['lib.es2023.d.ts'] },
    ...{ typeRoots: [join(repoRoot, 'node_modules', '@types')], types: ['node'] },
  });
  const isOurs = (file: ts.SourceFile): boolean =>
    files.includes(file.fileName) || file.fileName.startsWith(join(folder, 'node_modules', 'sluice', 'dist'));
  return program
    .getSourceFiles()
    .filter(isOurs)
    .flatMap((file) => [...program.getSyntacticDiagnostics(file), ...program.getSemanticDiagnostics(file)])
    .map(({ file, messageText }) => `${file?.fileName}: ${ts.flattenDiagnosticMessageText(messageText, '\n')}`);
}
