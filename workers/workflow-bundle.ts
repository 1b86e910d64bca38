/**
 * The workflow bundles that the build makes, so that a worker starts without webpack, which takes seconds of CPU.
 *
 * A bundle is used only while it is made of the very files that lie beside it: after `tsc` alone it is built anew.
 */
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import { DefaultLogger, bundleWorkflowCode, type BundleOptions, type WorkflowBundleOption } from '@temporalio/worker';
import { z } from 'zod';

const ENTRY = require.resolve('../workflows');
const DIST = join(__dirname, '..');
const ENTRY_NAME = 'workflows/index.js';
const FOLDER = join(DIST, 'workflow-bundle');
/** This file, which has the options of the bundler. */
const BUILDER = 'workers/workflow-bundle.js';
/** Loaded once for a worker instead of once for each workflow. */
const PRELOADED = [require.resolve('../workflows/short-stacks'), ENTRY];
/** Used by workers with payload keys. */
const ENCODED_FAILURES = require.resolve('../src/payloads/encoded-failures');

const versionSchema = z.object({ version: z.string() });
const manifestSchema = z.object({
  sdkVersion: z.string(),
  /** File below `dist` that the bundle was made of, or by → hash of its content. */
  files: z.object({ [BUILDER]: z.string() }).catchall(z.string()),
});

export type Bundler = Pick<BundleOptions, 'logger' | 'plugins'>;

/** Returns the bundle of the build where it is the one that the plugins want, else builds it. */
export async function loadWorkflowBundle({ logger, plugins = [] }: Bundler): Promise<WorkflowBundleOption> {
  const plain: BundleOptions = { workflowsPath: ENTRY };
  const wanted = plugins.reduce((options, plugin) => plugin.configureBundler?.(options) ?? options, plain);
  const { workflowsPath, failureConverterPath, preloadModules = [], ...others } = wanted;
  const isOurs = workflowsPath === ENTRY && Object.keys(others).length === 0 && preloadModules.every(isPreloaded);
  const path = isOurs ? pathOf(failureConverterPath) : undefined;
  if (path !== undefined && isCurrent(path)) return { codePath: path };
  return await bundleWorkflowCode({
    ...{ workflowsPath: ENTRY, preloadModules: PRELOADED, plugins: [...plugins] },
    ...(logger && { logger }),
  });
}

/** Called by the build, after the compiler. */
export async function buildWorkflowBundles(): Promise<void> {
  mkdirSync(FOLDER, { recursive: true });
  for (const failureConverterPath of [undefined, ENCODED_FAILURES]) {
    const path = pathOf(failureConverterPath);
    if (path === undefined || isCurrent(path)) continue;
    const files: z.infer<typeof manifestSchema>['files'] = { [BUILDER]: hashOf(__filename) };
    const { code } = await bundleWorkflowCode({
      workflowsPath: ENTRY,
      preloadModules: PRELOADED,
      logger: new DefaultLogger('WARN'),
      ...(failureConverterPath !== undefined && { failureConverterPath }),
      webpackConfigHook: (config) => ({
        ...config,
        plugins: [
          ...(config.plugins ?? []),
          (compiler) =>
            compiler.hooks.afterCompile.tap('sluice', ({ fileDependencies }) => {
              for (const file of fileDependencies) {
                const name = relative(DIST, file).split(sep).join('/');
                if (name.endsWith('.js') && !name.startsWith('..')) files[name] = hashOf(file);
              }
            }),
        ],
      }),
    });
    // An empty list would match whatever lies beside the bundle.
    if (files[ENTRY_NAME] === undefined) throw new Error(`webpack did not name ${ENTRY_NAME} among the files it read`);
    writeAtomically(path, code);
    const manifest: z.infer<typeof manifestSchema> = { sdkVersion: readSdkVersion(), files };
    writeAtomically(`${path}.json`, JSON.stringify(manifest));
  }
}

function isPreloaded(module: string): boolean {
  return PRELOADED.includes(module);
}

function pathOf(failureConverterPath: string | undefined): string | undefined {
  if (failureConverterPath === undefined) return join(FOLDER, 'plain.js');
  return failureConverterPath === ENCODED_FAILURES ? join(FOLDER, 'encoded-failures.js') : undefined;
}

/** False also where nothing was built, or a file is gone. */
function isCurrent(path: string): boolean {
  try {
    const { sdkVersion, files } = manifestSchema.parse(JSON.parse(readFileSync(`${path}.json`, 'utf8')));
    const isUnchanged = ([name, hash]: [string, string]): boolean => hashOf(join(DIST, name)) === hash;
    return sdkVersion === readSdkVersion() && Object.entries(files).every(isUnchanged);
  } catch {
    return false;
  }
}

function readSdkVersion(): string {
  const path = require.resolve('@temporalio/worker/package.json');
  return versionSchema.parse(JSON.parse(readFileSync(path, 'utf8'))).version;
}

/** Two builds may run at once, and workers start meanwhile. */
function writeAtomically(path: string, text: string): void {
  const temporary = `${path}.${process.pid}`;
  writeFileSync(temporary, text);
  renameSync(temporary, path);
}

function hashOf(file: string): string {
  return createHash('sha256').update(readFileSync(file)).digest('base64url');
}
