/**
 * Gives a worker our workflows beside its owner's.
 *
 * A TypeScript plugin cannot add workflows by itself: one bundle is made from one entry file. So where the owner has
 * an entry, a small one that exports both is written to a temporary folder and bundled instead.
 */
import { createRequire } from 'node:module';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { BundleOptions, WorkflowBundleOption } from '@temporalio/worker';
import { SluiceError } from '../errors/sluice-error';
import { refuseEqualNames } from './refuse-equal-names';
import { SLUICE_WORKFLOWS_MARK } from '../../workflows/bundle-marker';

const OUR_ENTRY = require.resolve('../../workflows');

/** Entry of the owner → combined entry, so that two plugins on one worker make one. */
const combined = new Map<string, string>();

/** Idempotent: the SDK asks again with its own former answer. */
export function combineWorkflows(ownersPath: string | undefined): string {
  if (ownersPath === undefined || ownersPath === OUR_ENTRY) return OUR_ENTRY;
  if ([...combined.values()].includes(ownersPath)) return ownersPath;
  const known = combined.get(ownersPath);
  if (known !== undefined) return known;
  const folder = mkdtempSync(join(tmpdir(), 'sluice-workflows-'));
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  const path = join(folder, 'entry.js');
  writeFileSync(path, combinedEntry(ownersPath));
  combined.set(ownersPath, path);
  return path;
}

/**
 * The combined entry lies outside of any project, so the SDK's own modules have to be shown to webpack: those of the
 * owner, lest two copies of the SDK meet in one bundle.
 */
export function bundleCombined(options: BundleOptions): BundleOptions {
  const workflowsPath = combineWorkflows(options.workflowsPath);
  const [owners] = [...combined].find(([, path]) => path === workflowsPath) ?? [];
  if (owners === undefined) return { ...options, workflowsPath };
  return {
    ...options,
    workflowsPath,
    webpackConfigHook: (given) => {
      const config = options.webpackConfigHook?.(given) ?? given;
      const modules = [...(config.resolve?.modules ?? ['node_modules']), ownersModules(owners)];
      return {
        ...config,
        resolve: { ...config.resolve, modules },
        plugins: [...(config.plugins ?? []), refuseEqualNames({ path: workflowsPath, owners, ours: OUR_ENTRY })],
      };
    },
  };
}

/** The `node_modules` in which the owner's code finds `@temporalio/workflow`. */
function ownersModules(ownersPath: string): string {
  const entry = createRequire(resolve(ownersPath)).resolve('@temporalio/workflow');
  return entry.slice(0, entry.lastIndexOf(join('@temporalio', 'workflow')));
}

/** Two workflows of one name would silently hide each other: refuse that where both are in sight. */
function combinedEntry(ownersPath: string): string {
  return [
    `const owners = require(${JSON.stringify(ownersPath)});`,
    `const sluice = require(${JSON.stringify(OUR_ENTRY)});`,
    `for (const name of Object.keys(sluice)) {`,
    `  if (name in owners && owners[name] !== sluice[name]) {`,
    `    throw new Error('workflow "' + name + '" exists in your workflows and in those of Sluice; rename yours');`,
    `  }`,
    `}`,
    `module.exports = { ...owners, ...sluice };`,
    '',
  ].join('\n');
}

/**
 * A bundle that was built beforehand is taken as it is, so it must hold our workflows already.
 * @throws SluiceError PLUGIN_MISUSED
 */
export function requireOurWorkflows(pluginName: string, bundle: WorkflowBundleOption): void {
  const code = 'code' in bundle ? bundle.code : readFileSync(bundle.codePath, 'utf8');
  if (code.includes(SLUICE_WORKFLOWS_MARK)) return;
  throw new SluiceError('PLUGIN_MISUSED', {
    message: `${pluginName}: the workflow bundle does not hold the workflows of Sluice`,
    fix: "Pass the plugin to bundleWorkflowCode({ plugins: [...] }) too, or write export * from 'sluice/workflows' in its entry",
  });
}
