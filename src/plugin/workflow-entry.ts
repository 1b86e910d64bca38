/**
 * Adds our workflows to a worker beside its owner's.
 *
 * A TypeScript plugin cannot add workflows directly, because a bundle is built from a single entry file. If the owner
 * has an entry, a small one that exports both is written to a temporary folder and bundled instead.
 */
import { createRequire } from 'node:module';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { BundleOptions, WorkflowBundleOption } from '@temporalio/worker';
import { SluiceError } from '../errors/sluice-error';
import { requireOneSdkInBundle } from './one-sdk';
import { refuseEqualNames } from './refuse-equal-names';
import { SLUICE_WORKFLOWS_MARK } from '../../workflows/bundle-marker';

const OUR_ENTRY = require.resolve('../../workflows');

/** Entry of the owner → combined entry, so that two plugins on one worker create a single one. */
const combined = new Map<string, string>();

/** Idempotent: the SDK calls again with the earlier result. */
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
 * The combined entry lies outside of any project, so webpack needs the path of the SDK's modules: the owner's, because
 * two copies of the SDK in one bundle would conflict.
 */
export function bundleCombined(pluginName: string, given: BundleOptions): BundleOptions {
  const options = { ...given, preloadModules: withOurs(given.preloadModules) };
  const workflowsPath = combineWorkflows(options.workflowsPath);
  const [owners] = [...combined].find(([, path]) => path === workflowsPath) ?? [];
  if (owners === undefined) return { ...options, workflowsPath };
  return {
    ...options,
    workflowsPath,
    webpackConfigHook: (before) => {
      const config = options.webpackConfigHook?.(before) ?? before;
      const modules = [...(config.resolve?.modules ?? ['node_modules']), ownersModules(owners)];
      return {
        ...config,
        resolve: { ...config.resolve, modules },
        plugins: [
          ...(config.plugins ?? []),
          refuseEqualNames({ path: workflowsPath, owners, ours: OUR_ENTRY }),
          requireOneSdkInBundle(pluginName),
        ],
      };
    },
  };
}

/** Our modules hold no state of a workflow, so they are loaded once for a worker instead of once for each workflow. */
function withOurs(preloadModules: readonly string[] = []): string[] {
  return [...new Set([...preloadModules, OUR_ENTRY])];
}

/** The `node_modules` in which the owner's code finds `@temporalio/workflow`. */
function ownersModules(ownersPath: string): string {
  const entry = createRequire(resolve(ownersPath)).resolve('@temporalio/workflow');
  return entry.slice(0, entry.lastIndexOf(join('@temporalio', 'workflow')));
}

/** Two workflows with one name would silently hide each other: rejects them where both are visible. */
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
 * A prebuilt bundle is used unchanged, so it must contain our workflows already.
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
