/**
 * Requires that worker, plugins and workflows use one copy of Temporal's SDK. Two copies do not recognise each other's
 * objects: the worker starts, and every workflow task fails with a message such as "Cannot read private member".
 */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, sep } from 'node:path';
import type { BundleOptions } from '@temporalio/worker';
import { z } from 'zod';
import { SluiceError } from '../errors/sluice-error';

type WebpackConfiguration = Parameters<NonNullable<BundleOptions['webpackConfigHook']>>[0];
type WebpackPlugin = NonNullable<WebpackConfiguration['plugins']>[number];

/** Those whose objects pass between worker, plugins and workflows. */
const SHARED = ['worker', 'common', 'workflow', 'activity', 'client'] as const;
const IN_BUNDLES = ['workflow', 'common'] as const;

const packageSchema = z.object({ version: z.string() });

/**
 * Compares the copies that Sluice finds with those of each loaded `@temporalio/worker`, one of which runs the worker.
 * @throws SluiceError PLUGIN_MISUSED
 */
export function requireOneSdk(pluginName: string): void {
  const starts = [__filename, ...loadedFolders('worker').map((folder) => join(folder, 'package.json'))];
  for (const name of SHARED) {
    const folders = starts.flatMap((start) => folderOf(start, name) ?? []);
    refuseSeveral(pluginName, name, folders);
  }
}

/** The same for the modules of a finished bundle: workflows may find another copy than the worker. */
export function requireOneSdkInBundle(pluginName: string): WebpackPlugin {
  return {
    apply(compiler) {
      compiler.hooks.afterCompile.tapPromise('sluice', ({ modules }) => {
        try {
          const files = [...modules].map((module) => module.nameForCondition() ?? '');
          for (const name of IN_BUNDLES) refuseSeveral(pluginName, name, foldersIn(files, name));
          return Promise.resolve();
        } catch (error) {
          return Promise.reject(error instanceof Error ? error : new Error(String(error)));
        }
      });
    },
  };
}

function refuseSeveral(pluginName: string, name: string, folders: readonly string[]): void {
  const copies = [...new Set(folders)];
  if (copies.length <= 1) return;
  const found = copies.map((folder) => `${versionOf(folder)} in ${folder}`).join(' and ');
  throw new SluiceError('PLUGIN_MISUSED', {
    message: `${pluginName}: there are ${copies.length} copies of @temporalio/${name}: ${found}`,
    fix:
      `Install one version of all @temporalio packages, the one that sluice accepts (npm ls @temporalio/${name} shows ` +
      'who asks for which), then npm dedupe. With npm link or workspaces, let both find the same node_modules',
  });
}

/** Of packages that this process has loaded with `require`, or as CommonJS with `import`. */
function loadedFolders(name: string): string[] {
  return foldersIn(Object.keys(require.cache), name);
}

function foldersIn(files: readonly string[], name: string): string[] {
  const part = `${sep}${join('node_modules', '@temporalio', name)}${sep}`;
  return files.flatMap((file) => {
    const at = file.lastIndexOf(part);
    return at < 0 ? [] : [file.slice(0, at + part.length - 1)];
  });
}

/** Returns undefined if it is not installed there. */
function folderOf(start: string, name: string): string | undefined {
  try {
    return dirname(createRequire(start).resolve(`@temporalio/${name}/package.json`));
  } catch {
    return undefined;
  }
}

function versionOf(folder: string): string {
  try {
    return packageSchema.parse(JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))).version;
  } catch {
    return 'an unknown version';
  }
}
