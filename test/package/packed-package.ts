/** The package as a newcomer gets it: packed, and installed by npm in an empty folder outside of the repository. */
import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { repoRoot } from '../../dev/repo-root';

const run = promisify(execFile);

export interface InstalledPackage {
  readonly folder: string;
  /** What npm printed while it installed. */
  readonly npmOutput: string;
  write(file: string, text: string): Promise<string>;
  /** Runs a program of the folder's `node_modules/.bin`, as `npx` does. */
  npx(argv: readonly string[], environment?: Environment, node?: string): Promise<string>;
  /** Runs a script of the folder; resolves with what it printed. */
  run(file: string, environment: Environment, node?: string): Promise<string>;
  /** Resolves once the worker polls. */
  startWorker(file: string, environment: Environment, node?: string): Promise<ChildProcess>;
  /** Installs Node of this major version by npm; resolves with its program. */
  installNode(major: string): Promise<string>;
  remove(): Promise<void>;
}

type Environment = Readonly<Record<string, string>>;

/** Packages come from npm's cache where it has them. */
const INSTALL = ['install', '--no-audit', '--no-fund', '--prefer-offline'];

/** Packs `dist` as it is: builds nothing. */
export async function installPacked(): Promise<InstalledPackage> {
  const base = await mkdtemp(join(tmpdir(), 'sluice-newcomer-'));
  const folder = join(base, 'app');
  await mkdir(folder);
  const packed = await run('npm', ['pack', '--ignore-scripts', '--json', '--pack-destination', base], {
    cwd: repoRoot,
    maxBuffer: 1 << 26,
  });
  const [{ filename }] = JSON.parse(packed.stdout) as [{ filename: string }];
  const { stdout, stderr } = await run('npm', [...INSTALL, join(base, filename)], { cwd: folder, maxBuffer: 1 << 26 });
  return {
    folder,
    npmOutput: stdout + stderr,
    write: async (file, text) => {
      const path = join(folder, file);
      await writeFile(path, text);
      return path;
    },
    npx: async ([name = '', ...argv], environment = {}, node = process.execPath) => {
      const program = join(folder, 'node_modules', '.bin', name);
      const env = { ...process.env, ...environment };
      return (await run(node, [program, ...argv], { cwd: folder, env, maxBuffer: 1 << 26 })).stdout;
    },
    run: async (file, environment, node = process.execPath) =>
      (await run(node, [file], { cwd: folder, env: { ...process.env, ...environment } })).stdout,
    startWorker: (file, environment, node = process.execPath) => startWorker(folder, file, environment, node),
    installNode: async (major) => {
      const place = join(base, `node-${major}`);
      await mkdir(place);
      await run('npm', [...INSTALL, `node@${major}`], { cwd: place, maxBuffer: 1 << 26 });
      return join(place, 'node_modules', 'node', 'bin', 'node');
    },
    remove: () => rm(base, { recursive: true, force: true }),
  };
}

async function startWorker(
  folder: string,
  file: string,
  environment: Environment,
  node: string,
): Promise<ChildProcess> {
  const env = { ...process.env, ...environment };
  const child = spawn(node, [file], { cwd: folder, env, stdio: ['ignore', 'pipe', 'pipe'] });
  let log = '';
  await new Promise<void>((resolve, reject) => {
    const read = (chunk: Buffer): void => {
      log += chunk.toString();
      if (log.includes("state: 'RUNNING'") || /Worker state changed.*RUNNING/s.test(log)) resolve();
    };
    child.stdout.on('data', read);
    child.stderr.on('data', read);
    child.once('exit', () => reject(new Error(`the worker ended: ${log}`)));
  });
  return child;
}

export async function endWorker(child: ChildProcess | undefined): Promise<void> {
  if (child === undefined || child.exitCode !== null) return;
  const ended = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGTERM');
  await ended;
}
